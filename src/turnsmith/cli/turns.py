"""`turnsmith turns`: the turns of a curated set, ready to be judged."""

from typing import Annotated

import typer
from rich.console import Console

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, printer
from turnsmith.core.progress import Phases
from turnsmith.labels.turns import TurnsReport, Unit, write_turns
from turnsmith.labels.turns.curated import size_of
from turnsmith.labels.turns.making import COMPLEXITY, MOST_COMPLEX


def turns_command(
    dataset: Annotated[
        str,
        typer.Argument(help="Folder of a curated set, or one of its data files (JSON, JSON Lines, Parquet)."),
    ],
    out: Annotated[str, typer.Option(help="File for the turns (.jsonl, .gz, .zst); - is standard output.")],
    unit: Annotated[
        Unit,
        typer.Option(help="first: a session is judged by its first turn; every: each turn with its history."),
    ] = Unit.first,
    keep_tools_only: Annotated[
        bool,
        typer.Option("--keep-tools-only", help="Keep turns that called tools and answered without a text."),
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Write the turns of a curated set with their signals, a line each, for `turnsmith judge`.

    Turns with an empty or failed answer are left out and counted.

    Example: turnsmith turns sets/vscodedata_120k --unit every --out turns.jsonl
    """
    with (
        interruptible(),
        Phases() as phases,
        phases.phase("Reading", size_of(dataset), "conversations") as on,
    ):
        report = write_turns(dataset, out, unit, keep_tools_only=keep_tools_only, on_progress=on)
    console = printer(out)
    if json_output:
        print_json(console, report.as_json())
    else:
        _print(console, report)


def _print(console: Console, report: TurnsReport) -> None:
    account = report.account
    console.print(funnel("Where every turn went", account.rows()))
    console.print(funnel("Requests to the model per turn", _in_order(report)))
    share = 100 * report.likely_reasoning / max(account.kept, 1)
    console.print(
        f"Likely reasoning, by calls and tokens alone: {report.likely_reasoning:,}, {share:.1f} %.",
        highlight=False,
    )
    if report.repeated_conversations:
        console.print(f"Conversations met before: {report.repeated_conversations:,}", style="yellow")
    for what, count in account.notes.items():
        console.print(shown(f"{what}: {count:,}"))
    for reason in account.bad:
        places = ", ".join(account.samples[reason])
        console.print(shown(f"Warning: {reason}: {places}", "yellow"), soft_wrap=True)


def _in_order(report: TurnsReport) -> list[tuple[str, int]]:
    return [(name, report.complexity[name]) for name in (*(name for _, name in COMPLEXITY), MOST_COMPLEX)]
