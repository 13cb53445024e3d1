"""`turnsmith leakage`: how much of a split can be read in another one."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import interruptible, print_json, reading_bar
from turnsmith.core.errors import DataError, InputError, UsageError
from turnsmith.curate.leakage import Leakage, Shares, SplitPair, Unit, leakage_line, measure_leakage
from turnsmith.curate.leakage.reading import Splits, find_splits, texts_in
from turnsmith.curate.near_duplicates import Near

TEXT_CHARS = 160
ADVICE = {
    Unit.first: "turnsmith export --split-by cluster keeps near twins in one split",
    Unit.all: "turnsmith export --split-by cluster keeps conversations in one split whose first requests are near "
    "twins, and --requests first measures those; turnsmith near-duplicates drops twins",
}


def leakage_command(
    dataset: Annotated[
        list[str],
        typer.Argument(
            metavar="DATASET...",
            help="Folder of a data set or of a merge; or a file for each split, train first.",
        ),
    ],
    requests: Annotated[
        Unit, typer.Option(help="User messages to compare: all, or the first of each conversation.")
    ] = Unit.all,
    threshold: Annotated[float, typer.Option(help="Similarity of a near twin, above 0 up to 1.")] = 0.8,
    ngram: Annotated[int, typer.Option(help="Words of a shingle.")] = 5,
    fail_over: Annotated[
        float | None, typer.Option(help="Exit with 1 where a larger share of requests has a near twin.")
    ] = None,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Show the beginnings of the worst pairs in the terminal.")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Measure which requests of a split stand in another one: exactly, nearly, or by the same user.

    Exit code 1: --fail-over was given and passed.

    Example: turnsmith leakage sets/vscodedata_120_complete_stratified_deduped_15d_20260116_000000
    """
    if fail_over is not None and not 0 <= fail_over <= 1:
        raise UsageError(f"--fail-over: {fail_over} is not between 0 and 1")
    near = Near(threshold, ngram)
    splits = find_splits(dataset)
    with interruptible(), reading_bar("Measuring", splits.size) as on_progress:

        def on_line(size: int) -> None:
            on_progress(size, 1)

        splits.on_line = on_line
        leakage = measure_leakage(splits.readers, requests, near)
    if not splits.account.read:
        raise InputError(f"{' '.join(dataset)}: no conversation or example in there; look at a line of it")
    if json_output:
        bad = dict(sorted(splits.account.bad.items()))
        print_json(Console(), {**leakage.as_json(), "bad": bad, "samples": splits.account.samples})
    else:
        _print(Console(), leakage, splits, show_text)
    if fail_over is not None and leakage.worst_share > fail_over:
        raise DataError(
            f"{leakage.worst_share:.2%} of the requests of a split have a near twin, more than --fail-over "
            f"{fail_over:g}; {ADVICE[requests]}"
        )


def _print(console: Console, leakage: Leakage, splits: Splits, show_text: bool) -> None:
    table = Table(title="What of a split can be read in another one", title_justify="left")
    table.add_column("")
    table.add_column("of", no_wrap=True)
    for heading in ("total", "exact twin", "near twin", "same user"):
        table.add_column(heading, justify="right")
    for pair in leakage.pairs:
        for what, shares in (("requests", pair.requests), ("conversations", pair.conversations)):
            table.add_row(shown(f"{pair.of} in {pair.in_}"), what, f"{shares.total:,}", *_cells(shares))
    console.print(table)
    splits.on_line = None
    for pair in leakage.pairs:
        if pair.worst:
            _print_worst(console, pair, splits, show_text)
    short = {pair.of: pair.short for pair in leakage.pairs}
    if any(short.values()):
        console.print(
            f"Not compared, fewer than {leakage.ngram} words: "
            + ", ".join(f"{count:,} of {name}" for name, count in short.items() if count),
            markup=False,
            highlight=False,
        )
    for reason, places in splits.account.samples.items():
        count = splits.account.bad[reason]
        console.print(shown(f"Warning: {count:,} x {reason}: {', '.join(places)}", "yellow"), soft_wrap=True)
    console.print(shown(leakage_line(leakage.as_json())), soft_wrap=True)


def _cells(shares: Shares) -> list[str]:
    return [
        "unknown" if count is None else f"{count:,} ({shares.share(count):.1%})"
        for count in (shares.exact, shares.near, shares.same_user)
    ]


def _print_worst(console: Console, pair: SplitPair, splits: Splits, show_text: bool) -> None:
    """Print the most similar pairs by id and number of the request; their beginnings only if asked to."""
    own = {(twin.id, twin.request) for twin in pair.worst}
    others = {(twin.twin_id, twin.twin_request) for twin in pair.worst}
    texts, twin_texts = {}, {}
    if show_text:
        texts = texts_in(splits.readers[pair.of], own, TEXT_CHARS)
        twin_texts = texts_in(splits.readers[pair.in_], others, TEXT_CHARS)
    console.print(shown(f"Worst pairs, {pair.of} in {pair.in_}"), style="italic")
    for twin in pair.worst:
        likeness = "exact" if twin.exact else f"{twin.similarity:.3f}"
        place = f"{twin.id} request {twin.request}"
        twin_place = f"{twin.twin_id} request {twin.twin_request}"
        console.print(shown(f"  {likeness}  {place} = {twin_place}"), soft_wrap=True)
        for text in (texts.get((twin.id, twin.request)), twin_texts.get((twin.twin_id, twin.twin_request))):
            if text is not None:
                console.print(shown(f"         {' '.join(text.split())}", "dim"), soft_wrap=True)
