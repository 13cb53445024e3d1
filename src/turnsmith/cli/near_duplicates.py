"""`turnsmith near-duplicates`: records that are nearly the same, as pairs, and a file without them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, printer
from turnsmith.core.errors import UsageError
from turnsmith.core.progress import Phases
from turnsmith.curate.near_duplicates import FIELDS, Near, NearReport, Outputs, near_duplicates
from turnsmith.curate.semantic import SEMANTIC_THRESHOLD
from turnsmith.recipes.telemetry import parse_size


def near_duplicates_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN...",
            help="Examples or curated conversations: JSON Lines (.gz, .zst), .json, .parquet; - is standard input.",
        ),
    ],
    out: Annotated[
        str | None, typer.Option(help="File for the pairs, a table.", metavar="PAIRS.parquet")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="File for the records that stay; - is standard output.", metavar="FILE")
    ] = None,
    dropped: Annotated[
        str | None,
        typer.Option(help="File for the dropped records, each with its neighbor.", metavar="FILE"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Similarity from which two texts are near, up to 1. [0.8; 0.95 with --semantic]"),
    ] = None,
    ngram: Annotated[int, typer.Option(help="Words of a shingle.")] = 5,
    field: Annotated[
        str, typer.Option(help="What is compared: user, assistant, all or first_user.", metavar="FIELD")
    ] = "all",
    semantic: Annotated[
        Path | None,
        typer.Option(
            help="Compare by meaning: the cosine of embeddings by a model2vec model.", metavar="MODEL_FOLDER"
        ),
    ] = None,
    max_dropped: Annotated[
        float, typer.Option(help="Stop when more than this share would be dropped.")
    ] = 0.5,
    memory_limit: Annotated[str, typer.Option(help="What may be used, about.", metavar="SIZE")] = "2GB",
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Find records that are nearly the same by their words or their meaning, and keep the first of each.

    A record is dropped only when one that stays is at or above the threshold; --dropped names it. A stopped run
    goes on where it was when it is started again.

    Exit code 1: more than --max-dropped would be dropped, and nothing was written.

    Example: turnsmith near-duplicates good.jsonl --keep kept.jsonl --dropped near.jsonl --out pairs.parquet
    """
    chosen = next((each for each in FIELDS if each == field), None)
    if chosen is None:
        raise UsageError(f"--field: {field!r} is none of {', '.join(FIELDS)}")
    usual = SEMANTIC_THRESHOLD if semantic else Near().threshold
    near = Near(threshold=usual if threshold is None else threshold, ngram=ngram, memory=_size(memory_limit))
    outputs = Outputs(out, keep, dropped)
    with interruptible(), Phases() as phases:
        report = near_duplicates(
            inputs, outputs, near, field=chosen, max_dropped=max_dropped, semantic=semantic, phases=phases
        )
    console = printer(*outputs.named)
    if json_output:
        print_json(console, report.as_json())
    else:
        _print(console, report, outputs)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(f"--memory-limit: {error}") from error


def _print(console: Console, report: NearReport, outputs: Outputs) -> None:
    console.print(funnel("Where every record went" if outputs.keep else "What would go", report.rows()))
    console.print(f"Pairs: {report.pairs:,}, with the same words: {report.equal:,}", highlight=False)
    if report.largest:
        console.print("The records that most others are near:")
    for place, count in report.largest:
        console.print(shown(f"  {place}: {count:,}"), soft_wrap=True)
    for reason in report.account.bad:
        places = ", ".join(report.account.samples[reason])
        console.print(shown(f"Warning: {reason}: {places}", "yellow"), soft_wrap=True)
    for name in outputs.named:
        console.print(shown(name), soft_wrap=True)
