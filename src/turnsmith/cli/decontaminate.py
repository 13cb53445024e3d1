"""`turnsmith decontaminate`: examples that share a long passage with a benchmark."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.app import ManyValues
from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, printer, reading_bar
from turnsmith.core.errors import EmptyResultError
from turnsmith.curate.clean.spooling import size_of
from turnsmith.curate.decontaminate import DecontaminateOptions, DecontaminateReport, decontaminate


class ManyBenchmarks(ManyValues):
    """Let `--against a b` mean `--against a --against b`."""

    spread = ("--against",)


def decontaminate_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="Examples or curated conversations: JSON Lines (.gz, .zst, -), .json or .parquet.",
        ),
    ],
    against: Annotated[
        list[str],
        typer.Option(help="Benchmarks: tables, text files, or folders of them.", metavar="FILES_OR_DIR..."),
    ],
    out: Annotated[str, typer.Option(help="File for what is kept; - is standard output.", metavar="FILE")],
    ngram: Annotated[int, typer.Option(help="Words in a row that make a shared passage.")] = 13,
    min_words: Annotated[
        int, typer.Option(help="Words from which a shorter benchmark item is looked for as a whole.")
    ] = 8,
    common: Annotated[
        int, typer.Option(help="Ignore passages that stand in more items of one benchmark: its phrases.")
    ] = 10,
    mark: Annotated[
        bool, typer.Option("--mark/--drop", help="Name the benchmarks in meta.contaminated; or drop.")
    ] = False,
    max_dropped: Annotated[float, typer.Option(help="Stop where a larger part would go, 0 to 1.")] = 0.5,
    report: Annotated[
        str | None, typer.Option(help="File for the report, as JSON.", metavar="R.json")
    ] = None,
    removed: Annotated[
        str | None, typer.Option(help="File for what is dropped, each with its matches.", metavar="FILE")
    ] = None,
    show: Annotated[int, typer.Option(help="Passages shown for each benchmark.", min=0, max=20)] = 0,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Drop or mark examples that share a passage of many words with a benchmark.

    Exit code 1: nothing was left, or more would go than --max-dropped.

    Example: turnsmith decontaminate train.jsonl --against benchmarks --out clean.jsonl --report report.json
    """
    options = DecontaminateOptions(ngram, min_words, common, mark, max_dropped)
    with interruptible(), reading_bar("Decontaminating", size_of(source)) as on_progress:
        result = decontaminate(
            source, against, out, options, report=report, removed=removed, on_progress=on_progress
        )
    console = printer(out, report, removed)
    if json_output:
        print_json(console, result.as_json())
    else:
        _print(console, result, show)
    if not result.account.kept:
        raise EmptyResultError(f"{out}: no example was left")


def _print(console: Console, result: DecontaminateReport, show: int) -> None:
    console.print(funnel("Where every line went", result.rows()))
    table = Table(title="Benchmarks", title_justify="left")
    for heading in ("benchmark", "items", "too short", "common passages", "items hit", "examples hit"):
        table.add_column(heading, justify="left" if heading == "benchmark" else "right")
    for row in result.benchmarks():
        name, *counts = row.values()
        table.add_row(shown(name), *(f"{count:,}" for count in counts))
    console.print(table)
    for hits in result.hits:
        for found in hits.samples[:show]:
            console.print(
                shown(
                    f"{found.place} {found.path}: {found.words} words of {found.benchmark}, {found.item}: "
                    f"{found.passage}"
                ),
                soft_wrap=True,
            )
    for account in (result.account, result.bad_items):
        for reason in account.bad:
            console.print(
                shown(f"Warning: {reason}: {', '.join(account.samples[reason])}", "yellow"), soft_wrap=True
            )
    console.print(shown(result.out), soft_wrap=True)
