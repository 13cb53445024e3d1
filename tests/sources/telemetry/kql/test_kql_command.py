"""`turnsmith query`, on the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from turnsmith.cli.app import Commands
from turnsmith.cli.query import query_app
from turnsmith.sources.telemetry.kql import lint

from .rows import ROW_AS_OF

if TYPE_CHECKING:
    from pathlib import Path

    from turnsmith.sources.telemetry.kql.lint import Analysis

MINE = """// mine
declare query_parameters(name: string = "");
AppEvents
| where name == "" or Name == name
| summarize events = count(), earliest = min(TimeGenerated) by Name
| sort by Name asc
"""


def run(*args: str | Path) -> Any:
    """Run the command line."""
    app = typer.Typer(cls=Commands)
    app.add_typer(query_app, name="query")
    return CliRunner().invoke(app, ["query", *map(str, args)], env={"COLUMNS": "200"})


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Write a query of one's own."""
    path = tmp_path / "mine.kql"
    path.write_text(MINE, encoding="utf-8")
    return path


def test_list_and_show() -> None:
    """The list names every query with its purpose; show prints the file."""
    listed = run("list")
    assert listed.exit_code == 0
    assert "sft_candidates_hash_chunked" in listed.output
    assert run("show", "discover_events").output.startswith("// discover_events\n")
    wrong = run("show", "nope")
    assert wrong.exit_code == 2
    assert "no query 'nope'" in wrong.output


@pytest.mark.parametrize("kind", ["csv", "json", "parquet", "table"])
def test_own_query_in_every_format(kind: str, mine: Path, odd_file: Path, tmp_path: Path) -> None:
    """`run` takes a file of one's own and writes each format."""
    out = tmp_path / f"result.{kind}"
    result = run("run", mine, "--events", odd_file, "--format", kind, "--out", out, "--as-of", ROW_AS_OF)
    assert result.exit_code == 0, result.output
    assert str(out) in result.output
    if kind == "csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    elif kind == "json":
        rows = json.loads(out.read_bytes())
    elif kind == "parquet":
        rows = pq.read_table(out).to_pylist()
    else:
        assert "conversation.messageText" in out.read_text(encoding="utf-8")
        return
    assert [row["Name"].rpartition("/")[2] for row in rows] == [
        "conversation.messageText", "engine.messages.length", "toolCallDetailsInternal",
    ]  # fmt: skip
    assert all(int(row["events"]) > 50 for row in rows)


def test_parameters_and_as_of(mine: Path, odd_file: Path) -> None:
    """`--param` sets a parameter; `--as-of` sets as_of and now()."""
    name = "GitHub.copilot-chat/toolCallDetailsInternal"
    result = run("run", mine, "--events", odd_file, "--param", f"name={name}", "--format", "json")
    assert [row["Name"] for row in json.loads(result.output)] == [name]
    empty = run("run", "discover_events", "--events", odd_file, "--format", "json")
    assert json.loads(empty.output) == []
    args = ("run", "discover_events", "--events", odd_file, "--format", "json", "--param", "window=30d")
    assert len(json.loads(run(*args, "--as-of", ROW_AS_OF).output)) == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "give either --events"),
        (["--events", "x", "--kusto", "http://127.0.0.1:1", "--database", "d"], "give either --events"),
        (["--kusto", "http://127.0.0.1:1"], "go together"),
        (["--kusto", "ftp://host", "--database", "d"], "is no address"),
        (["--events", "x", "--format", "parquet"], "needs --out"),
        (["--events", "x", "--param", "window"], "not of the form NAME=VALUE"),
        (["--events", "x", "--param", "window=long"], "is no timespan"),
        (["--events", "x", "--param", "nope=1"], "no parameter 'nope'"),
        (["--events", "x", "--as-of", "soon"], "--as-of"),
    ],
)
def test_wrong_usage(args: list[str], words: str) -> None:
    """Wrong usage says what is wrong and ends with 2."""
    result = run("run", "discover_events", *args)
    assert result.exit_code == 2, result.output
    assert words in result.output


def test_another_schema_than_declared(tmp_path: Path, odd_file: Path) -> None:
    """A query whose header declares other columns than it returns fails."""
    path = tmp_path / "mine.kql"
    path.write_text(
        "// Columns:\n//   n: string - A number.\nAppEvents | summarize n = count()", encoding="utf-8"
    )
    result = run("run", path, "--events", odd_file)
    assert result.exit_code == 1
    assert "column n is long, declared string" in result.output


def test_check(mine: Path, tmp_path: Path, analyses: dict[str, Analysis]) -> None:
    """`check` reads files with Kusto's parser and tells file, line and column of each error."""
    assert len(analyses) > 10
    bad = tmp_path / "bad.kql"
    bad.write_text("AppEvents\n| where Nam == 'x'\n", encoding="utf-8")
    result = run("check", mine, bad)
    assert result.exit_code == 1
    assert f"{bad}:2:9: error KS142: The name 'Nam' does not refer" in result.output
    assert "2 checked, 1 with errors" in result.output


def test_check_without_node_or_package(monkeypatch: pytest.MonkeyPatch, mine: Path, tmp_path: Path) -> None:
    """Where Node or the npm package is missing, the error says how to install it."""
    if shutil.which("node"):
        monkeypatch.setattr(lint, "__file__", str(tmp_path / "lint.py"))
        monkeypatch.chdir(tmp_path)
        result = run("check", mine)
        assert result.exit_code == 1
        assert "npm install @kusto/language-service-next@" in result.output
    monkeypatch.setenv("PATH", os.devnull)
    result = run("check", mine)
    assert result.exit_code == 1
    assert "needs Node.js" in result.output
