"""Names in the pages on cleaning and merging are those of the program."""

import re
from pathlib import Path
from typing import Any

import typer

from turnsmith.cli import app
from turnsmith.curate.clean.report import CleanReport
from turnsmith.curate.clean.rules import NAMES
from turnsmith.curate.merge.groups import CONVERSATION_KEYS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_rule_is_described_in_order() -> None:
    """docs/cleaning.md and the command's help have all rules, in the order in which they are asked."""
    page = (DOCS / "cleaning.md").read_text(encoding="utf-8").partition("## The rules")[2]
    assert tuple(re.findall(r"^\| `(\w+)` \|", page.partition("\n## ")[0], re.MULTILINE)) == NAMES
    command: Any = typer.main.get_command(app)
    assert ", ".join(NAMES) in " ".join(command.commands["clean"].help.split())


def test_every_key_of_the_report_is_described() -> None:
    """docs/cleaning.md has all keys of a report, in order."""
    page = (DOCS / "cleaning.md").read_text(encoding="utf-8").partition("## The report")[2]
    rows = re.findall(r"^\| (`.+`) \|", page, re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == list(CleanReport("", "", True, False, {}).as_json())


def test_every_key_of_a_conversation_is_described() -> None:
    """docs/merging.md has the keys that name a conversation."""
    page = (DOCS / "merging.md").read_text(encoding="utf-8")
    assert all(f"`{key}`" in page or f"`meta.{key}`" in page for key in CONVERSATION_KEYS)
