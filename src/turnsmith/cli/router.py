"""What `turnsmith run` prints of a router recipe."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import interruptible, print_json
from turnsmith.core.progress import Phases
from turnsmith.recipes.loading import load_router_recipe
from turnsmith.recipes.to_labels import REPORTS, Made, make_routers

KEPT = "What was finished is kept, answers too; run the same command again to go on."


def run_router(path: Path, json_output: bool) -> None:
    """Run a router recipe and print what came of turns, labels and routers."""
    recipe = load_router_recipe(path)
    with interruptible(KEPT), Phases() as phases:
        made = make_routers(recipe, phases)
    console = Console()
    if json_output:
        print_json(console, asdict(made) | {"out": str(made.out)})
    else:
        _print(console, made)


def _print(console: Console, made: Made) -> None:
    for table in (_turns(made), _labels(made), _files(made)):
        console.print(table)
    for name, warning in _warnings(made):
        console.print(shown(f"Warning: {name}: {warning}", "yellow"), soft_wrap=True)
    console.print(shown(f"What was left out, and why: {made.out / REPORTS}"), soft_wrap=True)
    for labels in made.labels.values():
        console.print(shown(str(labels["folder"])), soft_wrap=True)
    for name, router in made.routers.items():
        for file in router["manifest"]["files"].values():
            console.print(shown(str(made.out / file["file"])), soft_wrap=True)
        console.print(shown(str(made.out / f"{name}.manifest.json")), soft_wrap=True)


def _table(title: str, *headings: str) -> Table:
    """Return a table whose first column holds names, and the others figures."""
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    return table


def _turns(made: Made) -> Table:
    table = _table("Where every turn went", "unit", "read", "left out", "kept")
    for unit, report in made.turns.items():
        account = report["account"]
        lost = sum(account["dropped"].values()) + sum(account["bad"].values())
        table.add_row(unit, *(f"{count:,}" for count in (account["read"], lost, account["kept"])))
    return table


def _labels(made: Made) -> Table:
    table = _table("What the judge said", "labels", "judge", "turns", "labeled", "reasoning", "US dollars")
    for name, report in made.labels.items():
        labels, states = report["labels"], report["states"]
        cost = report["traffic"].get("all_runs", {}).get("cost_usd") or "-"
        counts = (f"{count:,}" for count in (sum(states.values()), states.get("labeled", 0)))
        table.add_row(name, shown(report["model"]), *counts, f"{labels['reasoning_share']:.2%}", cost)
    return table


def _files(made: Made) -> Table:
    table = _table(
        "What was written", "router", "split", "rows", "label 0", "label 1", "reasoning", "natural"
    )
    for name, router in made.routers.items():
        for split, file in router["manifest"]["files"].items():
            labels = file["labels"]
            counts = (f"{count:,}" for count in (file["rows"], labels["0"], labels["1"]))
            natural = router["manifest"]["natural"][split]["reasoning_share"]
            table.add_row(name, split, *counts, f"{file['reasoning_share']:.2%}", f"{natural:.2%}")
    return table


def _warnings(made: Made) -> list[tuple[str, str]]:
    found = []
    for unit, report in made.turns.items():
        account = report["account"]
        found += [(unit, f"{reason}: {', '.join(account['samples'][reason])}") for reason in account["bad"]]
    for results in (made.labels, made.routers):
        found += [(name, text) for name, result in results.items() for text in result["warnings"]]
    return found
