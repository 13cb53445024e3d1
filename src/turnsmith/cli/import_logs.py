"""`turnsmith import`: assistants' own transcripts to chat examples."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.core.errors import UsageError
from turnsmith.core.lines import STANDARD
from turnsmith.core.progress import Phases
from turnsmith.curate.account import Account
from turnsmith.sources.logs.focus import FOCUSES, focuses_of
from turnsmith.sources.logs.importing import KINDS, Imported, ImportOptions, import_logs
from turnsmith.sources.logs.shapes import Shape, Shaping

SAMPLES_SHOWN = 3


def import_command(
    kind: Annotated[str, typer.Argument(help=f"What the files are: {', '.join(KINDS)}.", metavar="KIND")],
    sources: Annotated[
        list[str], typer.Argument(help="Files, folders or globs; - is standard input.", metavar="SRC...")
    ],
    out: Annotated[
        str,
        typer.Option(help="File that gets the examples (.gz, .zst); - is standard output.", metavar="FILE"),
    ],
    shape: Annotated[Shape, typer.Option(help="What one example is.")] = Shape.pairs,
    follow: Annotated[
        int, typer.Option(help="Turns before the request, for the shape follow.", min=0, metavar="K")
    ] = 3,
    system_prompt: Annotated[
        str | None,
        typer.Option(help="System message: a text, @FILE, or an empty text for none.", metavar="TEXT|@FILE"),
    ] = None,
    focus: Annotated[
        str | None, typer.Option(help="Keep only examples about these.", metavar=",".join(FOCUSES))
    ] = None,
    keep_reasoning: Annotated[
        bool, typer.Option("--keep-reasoning", help="Keep what the model thought, as reasoning_content.")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Make chat examples of the transcripts that assistants leave on disk or export.

    Example: turnsmith import claude-code ~/.claude/projects --out examples.jsonl
    """
    options = ImportOptions(
        Shaping(shape, follow, _prompt(system_prompt), keep_reasoning), focuses_of(focus) if focus else ()
    )
    with Phases() as phases, phases.phase("importing", 2, "files and conversations") as advance:
        imported = import_logs(kind, sources, out, options, advance)
    if json_output:
        typer.echo(json.dumps({"out": out, **imported.as_json()}), err=out == STANDARD)
    else:
        _print(imported, out)


def _prompt(given: str | None) -> str | None:
    if given is None or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"--system-prompt: {given[1:]}: {reason}") from error


def _print(imported: Imported, out: str) -> None:
    console = Console(stderr=out == STANDARD)
    funnel = Table(title="Where everything went", title_justify="left", show_header=False)
    funnel.add_column()
    funnel.add_column(justify="right")
    _add(funnel, "files", imported.files)
    for kind, account in imported.records.items():
        _add(funnel, f"{kind} records", account)
    _add(funnel, "conversations", imported.conversations)
    _add(funnel, "examples", imported.examples)
    console.print(funnel)
    notes = sum((account.notes for account in imported.records.values()), imported.examples.notes)
    for what, count in notes.items():
        if count:
            console.print(shown(f"Note: {count:,} x {what}"))
    for account in imported.records.values():
        for reason in account.bad:
            for place in account.samples[reason][:SAMPLES_SHOWN]:
                console.print(shown(f"Warning: {place}: {reason}", "yellow"), soft_wrap=True)
    if out != STANDARD:
        typer.echo(out)


def _add(table: Table, name: str, account: Account) -> None:
    table.add_row(name, f"{account.read + account.bad.total():,}", style="bold")
    for label, count in [*account.bad.items(), *account.dropped.items()]:
        table.add_row(shown(f"  {label}"), f"{count:,}")
    table.add_row("  kept", f"{account.kept:,}")
