"""`turnsmith verify`: prove a finished data set again and show each check."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from turnsmith.cli.publish import transfer_progress
from turnsmith.publish.blob import is_url, redact, verify_remote
from turnsmith.verify import Check, Report, verify_dataset


def verify(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET_DIR",
            help="The folder of the data set, with its metadata.json; or its URL on Azure Blob Storage.",
        ),
    ],
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Prove every guarantee of a finished data set again, from its files alone.

    Exit code 0: all hold. 1: at least one is breached. 2: the path is no data set folder.

    Example: turnsmith verify sets/vscodedata_120_complete_stratified_deduped_15d_20260116_000000
    """
    report = _verify_remote(dataset) if is_url(dataset) else _verify_with_progress(Path(dataset))
    if json_output:
        typer.echo(
            json.dumps({"dataset": redact(dataset) if is_url(dataset) else dataset, **report.to_dict()})
        )
    else:
        _print_report(report)
    if not report.ok:
        raise typer.Exit(1)


def _verify_remote(url: str) -> Report:
    with transfer_progress() as on_progress:
        return verify_remote(url, on_progress=on_progress)


def _verify_with_progress(dataset: Path) -> Report:
    """Verify with a progress bar on stderr if that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return verify_dataset(dataset)
    columns = TextColumn("Verifying"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=_size(dataset))
        return verify_dataset(dataset, lambda count: progress.advance(task, count))


def _size(dataset: Path) -> int | None:
    """Return the bytes of all files in a folder, None where they can't be told."""
    try:
        return sum(
            (Path(folder) / name).stat().st_size for folder, _, names in os.walk(dataset) for name in names
        )
    except OSError:
        return None


def _print_report(report: Report) -> None:
    console = Console()
    table = Table("check", "examined", "breaches", "verdict")
    table.columns[1].justify = table.columns[2].justify = "right"
    for check in report.checks:
        table.add_row(check.name, f"{check.examined:,}", f"{check.breaches:,}", _verdict(check))
    console.print(table)
    for check in report.checks:
        if not check.ok:
            console.print(Text(f"{check.name}: {check.description}", style="bold"), soft_wrap=True)
            for sample in check.samples:
                console.print(Text(f"  {sample}"), soft_wrap=True)
    failed = sum(not check.ok for check in report.checks)
    console.print(f"{failed} of {len(report.checks)} checks failed." if failed else "All checks hold.")


def _verdict(check: Check) -> Text:
    if not check.ok:
        return Text("broken", style="red")
    return Text("holds", style="green") if check.examined else Text("nothing to check", style="dim")
