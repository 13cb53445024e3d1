"""`turnsmith publish`: put a finished data set where others can get it."""

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from turnsmith.publish.blob import Published, publish_dataset

INTERRUPTED = 130
PHASES = {"check": "Checking", "upload": "Uploading", "download": "Downloading", "verify": "Verifying"}


def publish_command(
    dataset: Annotated[
        Path,
        typer.Argument(metavar="DATASET_DIR", help="The folder of the data set, with its metadata.json."),
    ],
    url: Annotated[
        str,
        typer.Argument(
            help="https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX; the data set's name is appended."
        ),
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a data set of the same name.")
    ] = False,
    connection_string_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Variable that holds a connection string. [AZURE_STORAGE_CONNECTION_STRING, if set]",
        ),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Upload a finished data set to Azure Blob Storage, and compare what arrived.

    Run it again after a break: only what is missing is sent. Credentials: a connection string, a SAS in the
    URL or in AZURE_STORAGE_SAS_TOKEN, else the login of this machine (`az login`).

    Example: turnsmith publish sets/my_set https://myaccount.blob.core.windows.net/sets/2026
    """
    # A polite kill ends like Ctrl-C: what was sent stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with transfer_progress() as on_progress:
            published = publish_dataset(
                dataset,
                url,
                overwrite=overwrite,
                connection_string_env=connection_string_env,
                on_progress=on_progress,
            )
    except KeyboardInterrupt:
        typer.echo(
            "Stopped. What was sent is kept for a week: run the same command again to go on.", err=True
        )
        raise typer.Exit(INTERRUPTED) from None
    if json_output:
        typer.echo(json.dumps(published.to_dict()))
    else:
        _print(published)


@contextlib.contextmanager
def transfer_progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a bar with MB/s per phase on stderr; give what takes phase, bytes and total, None if no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks = {name: progress.add_task(text, visible=False, start=False) for name, text in PHASES.items()}

        def advance(phase: str, count: int, total: int) -> None:
            task = tasks[phase]
            if not progress.tasks[task].started:
                progress.start_task(task)
                progress.update(task, total=total, visible=True)
            progress.advance(task, count)

        yield advance


def _print(published: Published) -> None:
    rate = published.bytes_sent / 1e6 / max(published.seconds, 1e-3)
    if not published.blocks_sent and published.files_skipped == published.files:
        typer.echo("This very data set is there already; nothing was sent.")
    else:
        typer.echo(
            f"{published.files} files, {published.bytes / 1e6:,.1f} MB; sent {published.bytes_sent / 1e6:,.1f} MB "
            f"at {rate:,.1f} MB/s, {published.blocks_reused} blocks and {published.files_skipped} files "
            "were there already"
        )
    typer.echo(published.url)
