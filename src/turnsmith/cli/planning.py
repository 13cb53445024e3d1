"""What `turnsmith export --plan` prints."""

import json

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.recipes.planning import WindowPlan, plan
from turnsmith.recipes.telemetry import TelemetryRecipe


def print_plan(recipe: TelemetryRecipe, json_output: bool) -> None:
    """Ask for counts, and print them with the window that fills the targets, on a line of its own at the end."""
    found = plan(recipe)
    if json_output:
        typer.echo(json.dumps(found.to_dict()))
        return
    console = Console()
    console.print(_days(found))
    console.print(_buckets(found))
    if recipe.near_duplicates is not None:
        console.print("Near duplicates are among these counts; to make up for them take a longer window.")
    if found.days is None:
        typer.echo("No window fills all targets: a bucket has no candidate, or a split has no share.")
    else:
        typer.echo(f"--window {found.days or 1}d")


def _days(found: WindowPlan) -> Table:
    table = Table(title="Candidates by day", title_justify="left")
    table.add_column("day")
    for bucket in found.by_day:
        table.add_column(bucket, justify="right")
    days = sorted({day for counts in found.by_day.values() for day in counts})
    for day in days:
        table.add_row(day.isoformat(), *(f"{counts.get(day, 0):,}" for counts in found.by_day.values()))
    return table


def _buckets(found: WindowPlan) -> Table:
    table = Table(title=f"Within {found.window}", title_justify="left")
    table.add_column("bucket", no_wrap=True)
    for heading in ("targets", "candidates for them", "there are", "days to fill them"):
        table.add_column(heading, justify="right")
    for each in found.buckets:
        numbers = (each.wanted, each.needed, each.available, each.days)
        table.add_row(each.bucket, *("none" if n is None else f"{n:,}" for n in numbers))
    return table
