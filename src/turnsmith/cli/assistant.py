"""What `turnsmith run` prints of an assistant recipe."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import interruptible, print_json
from turnsmith.core.progress import Phases
from turnsmith.recipes.loading import load_assistant_recipe
from turnsmith.recipes.to_examples import REPORTS, Made, make

UNITS = {"mine-git": " commits", "mine-fim": " files"}
"""What steps count that do not count examples."""


def run_assistant(path: Path, json_output: bool) -> None:
    """Run an assistant recipe and print what came of every source."""
    recipe = load_assistant_recipe(path)
    with interruptible(), Phases() as phases:
        made = make(recipe, phases)
    console = Console()
    if json_output:
        values = asdict(made) | {"train": str(made.train), "eval": str(made.eval)}
        print_json(console, values)
    else:
        _print(console, made)


def _print(console: Console, made: Made) -> None:
    funnel = Table(title="Where every example went", title_justify="left")
    for heading in ("source", "step", "read", "dropped", "kept"):
        funnel.add_column(heading, justify="left" if heading in ("source", "step") else "right")
    for name, steps in made.steps.items():
        for step, result in steps.items():
            account = _account(result)
            lost = sum(account["dropped"].values()) + sum(account["bad"].values())
            counts = (account["read"], lost, account["kept"])
            unit = UNITS.get(step, "")
            funnel.add_row(shown(name), step, *(f"{count:,}{unit}" for count in counts))
    console.print(funnel)
    written = Table(title="What was written", title_justify="left")
    for heading in ("dataset", "train", "eval", "avg length"):
        written.add_column(heading, justify="left" if heading == "dataset" else "right")
    for source in made.merged["sources"]:
        lines = (f"{source[key]:,}" for key in ("train_lines", "eval_lines"))
        written.add_row(shown(source["name"]), *lines, f"{source['tokens']['mean']:,.0f} tokens")
    total = [f"{made.merged[side]['lines']:,}" for side in ("train", "eval")]
    written.add_row("total", *total, f"{made.merged['tokens']['mean']:,.0f} tokens", style="bold")
    console.print(written)
    for warning in made.merged["warnings"]:
        console.print(shown(f"Warning: {warning}", "yellow"), soft_wrap=True)
    console.print(shown(f"What was dropped, and why: {made.train.parent / REPORTS}"), soft_wrap=True)
    for path in (made.train, made.eval):
        console.print(shown(str(path)), soft_wrap=True)


def _account(result: dict[str, Any]) -> dict[str, Any]:
    account: dict[str, Any] = result.get("examples") or result.get("account") or result
    return account
