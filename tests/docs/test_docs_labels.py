"""The pages about router labels say what the program does."""

import json
import re
from pathlib import Path

import pytest

from tests.labels.making import label, turn
from turnsmith.labels import labeled_set, weak
from turnsmith.labels.balance import BalanceOptions, balance
from turnsmith.labels.balance.correction import FORMULA
from turnsmith.labels.balance.options import WITHIN
from turnsmith.labels.records import Exchange, Signals, encode
from turnsmith.labels.turns import making
from turnsmith.labels.weak import rules

DOCS = Path(__file__).resolve().parents[2] / "docs"


def cells(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the table under a heading, without its first line."""
    text = (DOCS / page).read_text(encoding="utf-8").split(f"# {heading}\n")[1].split("\n#")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines][1:]


def named(rows: list[list[str]]) -> list[str]:
    """Return all names in code marks in the first cells."""
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize(
    ("heading", "table"), [("Text", rules.TEXT), ("Observed", rules.OBSERVED), ("Before", rules.BEFORE)]
)
def test_weak_rules_are_described(heading: str, table: tuple[rules.Rule, ...]) -> None:
    """docs/turns.md has every rule of the weak judge with its weight, in order."""
    assert cells("turns.md", heading) == [[rule.name, f"{rule.weight:+.1f}"] for rule in table]


def test_strategies_are_described() -> None:
    """docs/turns.md has every strategy of the weak judge."""
    assert named(cells("turns.md", "The weak judge")) == list(weak.STRATEGIES)


def test_reasons_to_leave_out_are_described() -> None:
    """docs/turns.md has every reason to leave a turn out."""
    reasons = {
        making.EMPTY_REQUEST, making.EMPTY_ANSWER, making.TOOLS_ONLY, making.FAILED, making.LATER, making.NO_INDEX,
        making.REPEATED,
    }  # fmt: skip
    assert set(named(cells("turns.md", "What is left out"))) == reasons


def test_keys_of_a_turn_are_described() -> None:
    """docs/turns.md names every key of a line and of its signals, and no other."""
    line = json.loads(encode(turn("Hi", [Exchange("a", "b")])))
    assert set(named(cells("turns.md", "A line"))) == set(line)
    assert (
        set(named(cells("turns.md", "Signals")))
        == set(Signals.__struct_encode_fields__)
        == set(line["signals"])
    )


def test_balance_page_is_exact(tmp_path: Path) -> None:
    """docs/balance.md names every property and every key of the manifest, and has the formula."""
    labeled_set.write(tmp_path, "set", [label(n, request=f"thing {n:04}") for n in range(400)])
    report = balance(tmp_path, "x", tmp_path / "out", BalanceOptions(near=None, within=()))
    assert [row[0].strip("`") for row in cells("balance.md", "The manifest")] == list(report.manifest)
    assert named(cells("balance.md", "Strata")) == list(WITHIN)
    assert FORMULA in (DOCS / "balance.md").read_text(encoding="utf-8")
