"""`turnsmith longest`: of a conversation that was saved more than once the longest."""

from typing import Annotated

import typer

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, printer, reading_bar
from turnsmith.curate.clean.spooling import size_of
from turnsmith.curate.growth import keep_longest


def longest_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="Examples or curated conversations: JSON Lines (.gz, .zst, -), .json or .parquet.",
        ),
    ],
    out: Annotated[str, typer.Option(help="File for what is kept; - is standard output.", metavar="FILE")],
    dropped: Annotated[
        str | None,
        typer.Option(help="File for what is left out, each with what has all of it.", metavar="FILE"),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Keep the longest of conversations that were saved again with more turns, and copies once.

    A conversation is left out where all its messages are the first messages of another one.

    Example: turnsmith longest sessions.jsonl --out longest.jsonl --dropped shorter.jsonl
    """
    with interruptible(), reading_bar("Comparing", 3 * size_of(source)) as on_progress:
        report = keep_longest(source, out, dropped=dropped, on_progress=on_progress)
    console = printer(out, dropped)
    if json_output:
        print_json(console, report.as_json())
        return
    console.print(funnel("Where every line went", report.rows()))
    for reason in report.account.bad:
        places = ", ".join(report.account.samples[reason])
        console.print(shown(f"Warning: {reason}: {places}", "yellow"), soft_wrap=True)
    for what, count in report.account.notes.items():
        console.print(shown(f"{what}: {count:,}"), soft_wrap=True)
    console.print(shown(report.out), soft_wrap=True)
