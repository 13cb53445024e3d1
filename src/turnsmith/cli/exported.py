"""What `turnsmith export` and `turnsmith run` print at the end."""

import json
from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.curate.leakage import leakage_line
from turnsmith.curate.planning import days_by_factor
from turnsmith.publish.blob import Published
from turnsmith.publish.funnel import funnel_rows
from turnsmith.recipes.export import Exported
from turnsmith.recipes.telemetry import parse_window

BAD_ROWS_SHOWN = 3
TOO_BIG_SHOWN = 3


def print_exported(exported: Exported, published: Published | None, json_output: bool) -> None:
    """Print where everything went, and last where the data set lies; or one JSON object."""
    if json_output:
        typer.echo(json.dumps(_summary(exported, published), ensure_ascii=False))
    else:
        _print(exported)
        if published is not None:
            typer.echo(published.url)


def _summary(exported: Exported, published: Published | None) -> dict[str, Any]:
    keys = ("actual_counts", "shortfalls", "split_units", "leakage", "funnel", "warnings")
    parts = {key: exported.metadata[key] for key in keys}
    if (near := exported.metadata.get("near_duplicates")) is not None:
        parts["near_duplicates"] = near
    return {"path": str(exported.path), **parts, **({"published": published.to_dict()} if published else {})}


def _print(exported: Exported) -> None:
    console = Console()
    if exported.was_there:
        console.print("This very export is there already; nothing to do.")
    funnel = Table(title="Where everything went", title_justify="left", show_header=False)
    funnel.add_column()
    funnel.add_column(justify="right")
    for label, count in funnel_rows(exported.metadata["funnel"]):
        funnel.add_row(label, f"{count:,}", style=None if label.startswith(" ") else "bold")
    console.print(funnel)
    console.print(_counts(exported.metadata["actual_counts"]))
    if exported.metadata["shortfalls"]:
        console.print(_shortfalls(exported.metadata["shortfalls"], exported.metadata["config"]["window"]))
        console.print(_advice(exported.metadata), highlight=False)
    _print_near(console, exported.metadata)
    _print_units(console, exported.metadata["split_units"])
    if exported.metadata["leakage"]["pairs"]:
        console.print(leakage_line(exported.metadata["leakage"]), markup=False, highlight=False)
    for bad in exported.metadata["funnel"]["malformed_samples"][:BAD_ROWS_SHOWN]:
        place = f"{bad['file']}:{bad['line']}"
        console.print(
            f"Warning: malformed row, {place}: {bad['reason']}", style="yellow", highlight=False, markup=False
        )
    for name, count in exported.metadata["warnings"]["written"].items():
        if count:
            console.print(
                f"Warning: {count:,} x {name.replace('_', ' ')}, kept", style="yellow", highlight=False
            )
    typer.echo(exported.path)


def _print_near(console: Console, metadata: Mapping[str, Any]) -> None:
    """Print how many near duplicates went; nothing where they were left in."""
    near = metadata.get("near_duplicates")
    if near is not None:
        console.print(
            f"Near duplicates: {near['dropped']:,} conversations dropped, {near['threshold']:g} or more like one that "
            f"stays ({near['field']}).",
            highlight=False,
        )


def _print_units(console: Console, units: Mapping[str, Any]) -> None:
    """Print how split units moved the shares, and which are too big; nothing where each conversation is one."""
    if units["by"] == "conversation":
        return
    console.print(
        f"Split by {units['by']}: {units['candidates']:,} candidates in {units['groups']:,} groups.",
        highlight=False,
    )
    shares = [
        f"{name} {share['got']:.1%} of candidates ({share['expected']:.0%} wanted)"
        for name, share in units["shares"].items()
    ]
    console.print(shown(f"  {', '.join(shares)}"), highlight=False)
    for group in units["too_big"][:TOO_BIG_SHOWN]:
        text = (
            f"Warning: the group of conversation {group['smallest_id']} has {group['candidates']:,} candidates, all in "
            f"{group['split']}: more than {' or '.join(group['too_big_for'])} should hold"
        )
        console.print(shown(text, "yellow"), highlight=False)


def _counts(counts: dict[str, Any]) -> Table:
    table = Table(title="Conversations written", title_justify="left")
    rows = {name: row for name, row in counts.items() if isinstance(row, dict)} or {"all": counts}
    table.add_column("split")
    for bucket in next(iter(rows.values())):
        name, _, turns = bucket.partition("_")
        table.add_column(f"{name}\n{turns.replace('_', ' ')}".strip(), justify="right")
    for name, row in rows.items():
        table.add_row(name, *(f"{count:,}" for count in row.values()))
    return table


def _shortfalls(entries: list[dict[str, Any]], window: str) -> Table:
    table = Table(title="Warning: groups below their target", title_justify="left", title_style="yellow")
    table.add_column("group")
    for heading in ("wanted", "available", "window to fill it"):
        table.add_column(heading, justify="right")
    for entry in entries:
        factor = entry["window_factor"]
        longer = "none has any" if factor is None else f"{factor:,g} x {window}"
        table.add_row(entry["group"], f"{entry['wanted']:,}", f"{entry['available']:,}", longer)
    return table


def _advice(metadata: Mapping[str, Any]) -> str:
    """Return which window would fill the groups."""
    days = days_by_factor(
        parse_window(metadata["config"]["window"]), [each["window_factor"] for each in metadata["shortfalls"]]
    )
    text = (
        f"At this rate, --window {days}d would fill them." if days else "No window is known to fill them all."
    )
    if metadata["config"]["source"] == "kusto":
        text += " The same command with --plan asks for the counts of each day."
    return text
