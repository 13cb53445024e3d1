"""`turnsmith export` and `turnsmith run`: make a curated data set."""

import signal
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer

from turnsmith.cli.app import ManyValues
from turnsmith.cli.assistant import run_assistant
from turnsmith.cli.exported import print_exported
from turnsmith.cli.planning import print_plan
from turnsmith.cli.publish import transfer_progress
from turnsmith.cli.router import run_router
from turnsmith.core.errors import DataError, TurnsmithError, UsageError
from turnsmith.core.progress import Phases
from turnsmith.curate.split_units import SplitBy
from turnsmith.publish.blob import Published, publish_dataset, redact
from turnsmith.recipes.export import export
from turnsmith.recipes.loading import kind_of, load_recipe

INTERRUPTED = 130
NEAR_OPTION, NEAR_USUAL = "--near-duplicates", "0.8"


class Source(StrEnum):
    """Name the sources of events."""

    events = "events"
    kusto = "kusto"


class Mode(StrEnum):
    """Name the sets of targets."""

    production = "production"
    test = "test"


class Format(StrEnum):
    """Name the formats of data files."""

    json = "json"
    jsonl = "jsonl"
    parquet = "parquet"


class Layout(StrEnum):
    """Name the layouts of a data set."""

    splits = "splits"
    single = "single"


class NearField(StrEnum):
    """Name what of a conversation is compared."""

    first_user = "first_user"
    user = "user"
    assistant = "assistant"
    all = "all"


class ManyEvents(ManyValues):
    """Let `--events` take several values, and `--near-duplicates` none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give `--near-duplicates` its usual value where none follows."""
        given: list[str] = []
        for arg, following in zip_longest(args, args[1:], fillvalue="-"):
            given.append(arg)
            if arg == NEAR_OPTION and following.startswith("-"):
                given.append(NEAR_USUAL)
        return super().parse_args(ctx, given)


JsonOutput = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def export_command(
    events: Annotated[
        list[str] | None,
        typer.Option(
            help="Files, folders or globs of events: JSON Lines (.gz, .zst), Parquet, CSV.", metavar="PATH..."
        ),
    ] = None,
    source: Annotated[
        Source | None, typer.Option(help="Files of events, or a Kusto cluster. [events]")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Address of the cluster.", metavar="https://CLUSTER...")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="Database of the cluster, with the table AppEvents.", metavar="DB")
    ] = None,
    parallel: Annotated[
        int | None,
        typer.Option(help="Chunks asked of the cluster at a time; Azure Monitor allows 5 queries. [4]"),
    ] = None,
    server_timeout: Annotated[
        str | None, typer.Option(help="How long the cluster may work on a query. [30m]", metavar="30m")
    ] = None,
    client_timeout: Annotated[
        str | None, typer.Option(help="How long to wait for an answer. [35m]", metavar="35m")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder that gets the data set's folder.", metavar="DIR")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="End of the window, UTC; now by default.", metavar="ISO")
    ] = None,
    window: Annotated[str | None, typer.Option(help="Length of the window. [15d]", metavar="15d")] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="Targets: 120,000 conversations, or a thousandth.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Write this split only; all three come out of one pass.", metavar="train|val|test"),
    ] = None,
    split_by: Annotated[
        SplitBy | None,
        typer.Option(help="What stays in one split. [conversation]"),
    ] = None,
    near_duplicates: Annotated[
        float | None,
        typer.Option(
            NEAR_OPTION,
            help="Drop conversations this similar to one that stays; 0.8 where no value follows.",
            metavar="[0.8]",
        ),
    ] = None,
    near_field: Annotated[
        NearField | None, typer.Option(help="What of a conversation is compared. [first_user]")
    ] = None,
    max_dropped: Annotated[
        float | None,
        typer.Option(help="Stop when more than this share would go as near duplicates. [0.5]"),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Target of a group; may be repeated.", metavar="train.short=40000"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sample's order. [0]")] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Format of the data files. [json]")
    ] = None,
    layout: Annotated[Layout | None, typer.Option(help="Three splits, or one set without. [splits]")] = None,
    chunks: Annotated[
        int | None, typer.Option(help="Hash chunks; by default as memory asks, 40 of a cluster.")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="What the run may use, about. [2GB]", metavar="SIZE")
    ] = None,
    max_bad_rows: Annotated[int | None, typer.Option(help="Stop beyond this many malformed rows.")] = None,
    stamp: Annotated[
        str | None, typer.Option(help="Time stamp in names; now by default.", metavar="YYYYMMDD_HHMMSS")
    ] = None,
    dropped: Annotated[
        str | None, typer.Option(help="Also write what the filters took, as JSON Lines.", metavar="FILE")
    ] = None,
    keep_candidates: Annotated[
        bool | None,
        typer.Option(
            "--keep-candidates", help="Keep all candidates beside the data set, for `turnsmith forget`."
        ),
    ] = None,
    pseudonymize: Annotated[
        str | None,
        typer.Option(help="Replace user names by pseudonyms under this file's key.", metavar="KEYFILE"),
    ] = None,
    publish: Annotated[
        str | None,
        typer.Option(
            help="Upload the data set, as `turnsmith publish` does.",
            metavar="https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX",
        ),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help="Only ask the cluster for counts; print the window that fills the targets."
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(help="Recipe with these settings and more; options go first.", metavar="YAML"),
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Make a curated, stratified and split data set out of telemetry events.

    Example: turnsmith export --events events/ --out sets --mode test
    """
    options = {
        "source": source, "events": events, "cluster": cluster, "database": database, "parallel": parallel,
        "server_timeout": server_timeout, "client_timeout": client_timeout, "out": out, "as_of": _time(as_of),
        "window": window, "mode": mode, "split": split, "split_by": split_by, "target": _targets(target),
        "seed": seed, "keep_candidates": keep_candidates, "near_duplicates": near_duplicates,
        "near_field": near_field, "max_dropped": max_dropped,
        "format": format_, "layout": layout, "chunks": chunks, "memory_limit": memory_limit,
        "max_bad_rows": max_bad_rows, "stamp": stamp, "dropped": dropped, "publish": publish,
        "pseudonymize": pseudonymize,
    }  # fmt: skip
    if plan:
        print_plan(load_recipe(config, options), json_output)
    else:
        _run(config, options, json_output)


def run_command(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    json_output: JsonOutput = False,
) -> None:
    """Run a recipe: telemetry to a data set, assistants' logs or a data set to training files.

    Example: turnsmith run telemetry.yaml
    """
    match kind_of(recipe):
        case "assistant":
            run_assistant(recipe, json_output)
        case "router":
            run_router(recipe, json_output)
        case _:
            _run(recipe, {}, json_output)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--as-of: {text!r} is no ISO 8601 time such as 2026-01-16T00:00:00Z") from error


def _targets(texts: list[str] | None) -> dict[str, int] | None:
    if not texts:
        return None
    targets = {}
    for text in texts:
        group, equals, number = text.partition("=")
        if not equals or not number.isdecimal():
            raise UsageError(f"--target: {text!r} is not of the form train.short=40000")
        targets[group] = int(number)
    return targets


def _run(config: Path | None, options: dict[str, Any], json_output: bool) -> None:
    recipe = load_recipe(config, options)
    # A polite kill ends like Ctrl-C: what is finished stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Phases() as phases:
            exported = export(recipe, phases)
    except KeyboardInterrupt as stop:
        typer.echo(
            "Stopped. What was finished is kept: run the same command again to go on from there.", err=True
        )
        raise typer.Exit(INTERRUPTED) from stop
    published = None if recipe.publish is None else _publish(exported.path, recipe.publish)
    print_exported(exported, published, json_output)


def _publish(dataset: Path, url: str) -> Published:
    """Upload a finished data set; whatever goes wrong, say that it is finished and how to go on."""
    go_on = f"The data set is finished, only its upload is not. To go on: turnsmith publish {dataset} {redact(url)}"
    try:
        with transfer_progress() as on_progress:
            return publish_dataset(dataset, url, on_progress=on_progress)
    except TurnsmithError as error:
        raise DataError(f"{error}\n{go_on}") from error
    except KeyboardInterrupt as stop:
        typer.echo(f"Stopped. {go_on}", err=True)
        raise typer.Exit(INTERRUPTED) from stop
