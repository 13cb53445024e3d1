"""`turnsmith verify`: what it prints and how it exits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from tests.verify.dataset_builder import build, full_name
from turnsmith.cli.verify import verify
from turnsmith.core.errors import UsageError
from turnsmith.verify.report import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command("verify")(verify)
runner = CliRunner()


def test_a_valid_set_exits_with_0_and_shows_every_check(tmp_path: Path) -> None:
    """All checks stand in the table, and the exit code is 0."""
    result = runner.invoke(app, [str(build().write(tmp_path))])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in CATALOGUE)
    assert "All checks hold." in result.stdout
    assert result.stderr == ""


def test_a_breach_exits_with_1_and_shows_samples_escaped(tmp_path: Path) -> None:
    """Samples of failed checks are printed as they are: no markup, no control characters."""
    dataset = build()
    record = dataset.records[dataset.path("train", "short")][0]
    record["bucket"] = "[bold]\x1b[31m" + full_name("long")
    result = runner.invoke(app, [str(dataset.write(tmp_path))])
    assert result.exit_code == 1
    assert "bucket is '[bold]\\x1b[31mlong_11_to_20_turns'" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("tampered", [False, True])
def test_json_is_one_object(tampered: bool, tmp_path: Path) -> None:
    """With `--json` stdout is one object, and the exit code tells the same as `ok`."""
    dataset = build()
    if tampered:
        dataset.metadata["funnel"]["events_read"] = 1
    result = runner.invoke(app, [str(dataset.write(tmp_path)), "--json"])
    report = json.loads(result.stdout)
    assert report["ok"] is not tampered
    assert result.exit_code == int(tampered)
    assert [check["name"] for check in report["checks"] if not check["ok"]] == ["funnel"] * tampered


def test_a_missing_folder_is_raised_for_main_to_print(tmp_path: Path) -> None:
    """Wrong usage is raised as UsageError, exit code 2, not printed here."""
    result = runner.invoke(app, [str(tmp_path / "none")])
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == 2
