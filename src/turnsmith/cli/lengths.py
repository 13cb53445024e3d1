"""`turnsmith lengths`: how many tokens examples have, and clipping those that are too long."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible
from turnsmith.core.errors import UsageError
from turnsmith.core.lines import STANDARD
from turnsmith.core.progress import Phases
from turnsmith.curate.account import Account
from turnsmith.curate.lengths import Clip, ExampleCounter, Measured, example_counter, measure
from turnsmith.curate.lengths.clipping import How
from turnsmith.curate.lengths.measuring import CLIPPED
from turnsmith.curate.lengths.summary import Summary

WIDEST_BAR = 48
NARROWEST_BAR = 8


class Pattern(StrEnum):
    """Name the ways to split text."""

    qwen = "qwen"
    cl100k = "cl100k"
    o200k = "o200k"


def lengths(
    file: Annotated[str, typer.Argument(help="Examples as JSON Lines (.gz, .zst); - is standard input.")],
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="Vocabulary: a *.tiktoken file, a tokenizer.json, a model id in the local cache, or o200k. [o200k]",
            metavar="NAME",
        ),
    ] = None,
    pattern: Annotated[
        Pattern | None,
        typer.Option(help="How a *.tiktoken file splits text; told by its size by default."),
    ] = None,
    chat_template: Annotated[
        str | None,
        typer.Option(
            help="chatml, a Jinja file or a tokenizer_config.json; by default the tokenizer's own, else chatml.",
            metavar="NAME",
        ),
    ] = None,
    max_: Annotated[int | None, typer.Option("--max", help="Tokens that an example may have.", min=1)] = None,
    clip: Annotated[
        How | None,
        typer.Option(
            help="Shorten longer examples at message borders: head removes the oldest turns after the system "
            "message, middle the turns between the first and the newest; drop leaves them out whole. Needs --max "
            "and --out."
        ),
    ] = None,
    out: Annotated[str | None, typer.Option(help="File for the clipped examples.", metavar="FILE")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Count the tokens of each example as a trainer sees them, chat template included.

    Exit code 0: done. 1: some lines could not be counted. 2: wrong usage.

    Example: turnsmith lengths train.jsonl --tokenizer qwen.tiktoken --max 4096 --clip head --out short.jsonl
    """
    clipping = _clipping(max_, clip, out)
    size = Path(file).stat().st_size if file != STANDARD and Path(file).is_file() else 0
    with interruptible(), Phases() as phases, phases.phase("Counting tokens", size, "examples") as advance:
        counter = example_counter(tokenizer, chat_template, pattern)
        measured = measure(file, counter, clipping, lambda read: advance(read, 1))
    to_stderr = clipping is not None and clipping.out == STANDARD
    if json_output:
        typer.echo(json.dumps(_as_json(measured, counter, max_, clipping), ensure_ascii=False), err=to_stderr)
    else:
        console = Console(stderr=to_stderr)
        _print(console, measured, counter, max_)
        if clipping is not None:
            _say_cut(console, measured)
        _warn(console, measured)
    if measured.account.bad:
        raise typer.Exit(1)


def _clipping(limit: int | None, how: How | None, out: str | None) -> Clip | None:
    if how is None:
        if out is not None:
            raise UsageError("--out: is for clipped examples; say how with --clip head, middle or drop")
        return None
    if limit is None or out is None:
        raise UsageError("--clip: needs --max N (tokens an example may have) and --out FILE")
    return Clip(how, limit, out)


def _as_json(
    measured: Measured, counter: ExampleCounter, limit: int | None, clipping: Clip | None
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "tokenizer": counter.tokenizer.description,
        "chat_template": counter.template.name,
        "account": measured.account.as_json(),
        "tokens": measured.all.as_json(),
        "trained": measured.trained.as_json(),
    }
    if limit is not None:
        result["max"] = limit
        result["over_max"] = measured.all.over(limit)
    if measured.after.examples:
        result["clipped"] = measured.after.as_json()
    if clipping is not None:
        result["cut"] = {"messages": measured.cut_messages, "tokens": measured.cut_tokens}
        result["dropped_tokens"] = measured.dropped_tokens
    return result


def _print(console: Console, measured: Measured, counter: ExampleCounter, limit: int | None) -> None:
    console.print(
        shown(f"Counted with {counter.tokenizer.description}, template {counter.template.name}."),
        soft_wrap=True,
    )
    if measured.all.examples:
        console.print(_figures(measured))
        console.print(_histogram(measured.all, limit, console))
        _say_shares(console, measured, limit)
    console.print(funnel("Where every line went", _rows(measured.account)))


def _figures(measured: Measured) -> Table:
    columns = {"all": measured.all, "trained": measured.trained, "after clipping": measured.after}
    shown = {name: summary.figures() for name, summary in columns.items() if summary.examples}
    table = Table(title="Tokens per example", title_justify="left")
    table.add_column("")
    for name in shown:
        table.add_column(name, justify="right")
    for figure in measured.all.figures():
        style = "bold" if figure == "total" else None
        table.add_row(figure, *(f"{figures[figure]:,}" for figures in shown.values()), style=style)
    return table


def _histogram(summary: Summary, limit: int | None, console: Console) -> Table:
    bins = summary.histogram()
    block = "█" if console.encoding.lower().startswith("utf") else "#"
    widest_label = len(f"{bins[-1][0]:,}-{bins[-1][1]:,}")
    widest = max(NARROWEST_BAR, min(WIDEST_BAR, console.width - widest_label - 24))
    table = Table(title="Examples by tokens", title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    most = max(count for _, _, count in bins)
    for low, high, count in bins:
        bar = block * max(round(widest * count / most), 1 if count else 0)
        style = "yellow" if limit is not None and high > limit else "cyan"
        share = f"{100 * count / summary.examples:.1f} %"
        table.add_row(f"{low:,}-{high:,}", f"[{style}]{bar}[/]", f"{count:,}", share)
    return table


def _say_shares(console: Console, measured: Measured, limit: int | None) -> None:
    total, trained = measured.all.total, measured.trained.total
    if measured.trained.examples == measured.all.examples:
        console.print(
            f"Trained on: {trained:,} of {total:,} tokens, {100 * trained / max(total, 1):.1f} %.",
            highlight=False,
        )
    if limit is not None:
        over = measured.all.over(limit)
        examples = measured.all.examples
        console.print(
            f"Over {limit:,} tokens: {over:,} of {examples:,} examples, {100 * over / examples:.1f} %.",
            highlight=False,
        )


def _rows(account: Account) -> list[tuple[str, int]]:
    losses = [(f"  {reason}", count) for reason, count in [*account.bad.items(), *account.dropped.items()]]
    notes = [(f"  of these: {note}", count) for note, count in account.notes.items()]
    return [("read", account.read), *losses, ("kept", account.kept), *notes]


def _say_cut(console: Console, measured: Measured) -> None:
    account = measured.account
    console.print(
        f"Cut in all: {measured.cut_messages:,} messages, {measured.cut_tokens:,} tokens, "
        f"from {account.notes[CLIPPED]:,} examples. "
        f"Left out: {account.dropped.total():,} examples with {measured.dropped_tokens:,} tokens.",
        highlight=False,
        soft_wrap=True,
    )


def _warn(console: Console, measured: Measured) -> None:
    for reason in measured.account.bad:
        places = ", ".join(measured.account.samples[reason])
        console.print(shown(f"Warning: {reason}: {places}", "yellow"), soft_wrap=True)
