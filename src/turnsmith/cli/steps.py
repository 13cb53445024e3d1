"""What the commands over examples share: where they print, how they show a funnel, how they stop."""

import contextlib
import json
import signal
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.core.lines import STANDARD
from turnsmith.core.progress import Phases

if TYPE_CHECKING:
    from turnsmith.curate.clean.step import OnProgress

INTERRUPTED = 130


def printer(*outputs: str | None) -> Console:
    """Return what to print on: standard error where examples go to standard output."""
    return Console(stderr=STANDARD in outputs)


def print_json(console: Console, value: Any) -> None:
    """Print one JSON object on a line."""
    typer.echo(json.dumps(value, ensure_ascii=False), err=console.stderr)


def funnel(title: str, rows: Iterable[tuple[str, int]]) -> Table:
    """Return (label, count) rows as a table; labels that are not indented are totals."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for label, count in rows:
        table.add_row(shown(label), f"{count:,}", style=None if label.startswith(" ") else "bold")
    return table


@contextlib.contextmanager
def interruptible(state: str = "Nothing was written; run the same command again.") -> Iterator[None]:
    """End Ctrl-C and a polite kill with a sentence and exit code 130; nothing half stays behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt as stop:
        typer.echo(f"Stopped. {state}", err=True)
        raise typer.Exit(INTERRUPTED) from stop


@contextlib.contextmanager
def reading_bar(name: str, size: int) -> Iterator["OnProgress"]:
    """Show a bar on standard error while about `size` bytes are read; give what takes bytes and lines."""
    with Phases() as phases, phases.phase(name, size, "lines") as advance:
        yield lambda read, lines: advance(read, lines)
