"""`turnsmith forget`: remove a person or conversations from a finished set and all that lies beside it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json
from turnsmith.core.errors import UsageError
from turnsmith.core.progress import Phases


def forget_command(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET_DIR", help="The folder of the data set.")],
    user: Annotated[
        list[str] | None,
        typer.Option(help="Forget all conversations of this user; may be repeated.", metavar="NAME"),
    ] = None,
    conversation: Annotated[
        list[str] | None, typer.Option(help="Forget this conversation; may be repeated.", metavar="ID")
    ] = None,
    file: Annotated[
        str | None, typer.Option(help="Forget the conversations of this file, one id a line.", metavar="IDS")
    ] = None,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder with labels of the set that lie elsewhere, such as a judge's --out; may be repeated.",
            metavar="DIR",
        ),
    ] = None,
    pseudonymize: Annotated[
        Path | None,
        typer.Option(help="Key of a set with pseudonyms, to find a user by name.", metavar="KEYFILE"),
    ] = None,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Keep the old version, with its labels and candidates.")
    ] = False,
    stamp: Annotated[
        str | None,
        typer.Option(help="Time stamp in the new version's name; now by default.", metavar="YYYYMMDD_HHMMSS"),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the receipt as one JSON object.")
    ] = False,
) -> None:
    """Write a new version of a data set without a person or conversations, and a receipt; delete the old one.

    Labels, kept candidates and unfinished runs beside the set are purged, too. Groups are refilled from kept
    candidates. Exit code 1: nothing was found, and nothing changed.

    Example: turnsmith forget sets/vscodedata_120_complete_stratified_deduped_15d_20260116_000000 --user ada
    """
    from turnsmith.recipes.forget import Asked, forget, read_ids
    from turnsmith.recipes.telemetry import check_stamp

    ids = frozenset(conversation or ()) | (read_ids(file) if file is not None else frozenset())
    asked = Asked(frozenset(user or ()), ids, pseudonymize)
    if stamp is not None:
        try:
            check_stamp(stamp)
        except ValueError as error:
            raise UsageError(f"--stamp: {error}") from error
    with interruptible("Run the same command again to go on from there."), Phases() as phases:
        forgotten = forget(dataset, asked, phases, labels=labels or (), stamp=stamp, keep_old=keep_old)
    console = Console()
    if json_output:
        print_json(
            console,
            {"path": str(forgotten.path), "receipt": str(forgotten.receipt_path), **forgotten.receipt},
        )
        return
    removed, receipt = forgotten.receipt["removed"], forgotten.receipt
    rows = [
        ("records removed", sum(removed["records"].values())),
        ("  refilled from kept candidates", sum(receipt["refilled"].values())),
        ("candidates removed", removed["candidates"]),
        ("invalid records removed", removed["invalid"]),
        ("labels removed", removed["labels"]),
        ("unfinished runs removed", removed["unfinished_runs"]),
    ]
    console.print(funnel("Forgotten", rows))
    for name in receipt["not_searched"]:
        text = f"Warning: {name} beside the set or its labels may hold something of it, too; delete it"
        console.print(shown(text, "yellow"), highlight=False)
    for entry in receipt["short"]:
        text = f"Warning: {entry['group']} has {entry['available']:,} of {entry['wanted']:,} wanted"
        console.print(shown(text, "yellow"), highlight=False)
    console.print(
        shown(f"Previous version: {receipt['previous_version']}. Receipt: {forgotten.receipt_path}"),
        soft_wrap=True,
    )
    typer.echo(forgotten.path)
