"""Names and numbers in the documentation are those of the program."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.core.hashing import portable_hash
from turnsmith.curate.check import CODES, TRAINERS
from turnsmith.curate.validate import WARNINGS
from turnsmith.recipes.telemetry import TelemetryRecipe
from turnsmith.sources.telemetry.schema import FILTERS
from turnsmith.verify.report import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
Table = list[list[str]]


def tables(page: str) -> dict[str, Table]:
    """Return a page's tables by the heading they stand under (code marks left out), cells as text."""
    found: dict[str, Table] = {}
    heading = ""
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").replace("`", "")
        elif line.startswith("| ") and not line.startswith("| ---"):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("| ").split(" | ")])
    return {name: rows[1:] for name, rows in found.items()}


def table_with_heading(page: str, heading: str) -> Table:
    """Return the rows of the table under a heading as they stand, the line of column names first."""
    text = (ROOT / page).read_text(encoding="utf-8").split(f"# {heading}\n")[1].split("\n#")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def keys_of(table: Table) -> list[str]:
    """Return the first cells of a table without their code marks."""
    return [row[0].strip("`") for row in table]


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Export a little telemetry with a malformed row and return its metadata."""
    folder = tmp_path_factory.mktemp("facts")
    events = folder / "events.jsonl"
    invoke("synth", "--conversations", "300", "--out", str(events))
    with events.open("a", encoding="utf-8") as file:
        file.write("not an event\n")
    printed = invoke(
        "export", "--events", str(events), "--out", str(folder / "sets"), "--as-of", "2026-01-16T00:00:00Z",
        "--mode", "test", "--json",
    )  # fmt: skip
    content: dict[str, Any] = json.loads(
        (Path(json.loads(printed)["path"]) / "metadata.json").read_text(encoding="utf-8")
    )
    return content


def invoke(*arguments: str) -> str:
    """Run a command and return what it prints."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def named(key: str, metadata: dict[str, Any]) -> str:
    """Return a key of the metadata as docs/metadata.md names it, with placeholders."""
    if key in metadata["config"]["splits"]:
        return "<split>"
    if key in metadata["checksums"]:
        return "<file>"
    return "<bucket>" if key.endswith("_turns") else key


def described(value: Any, path: str, metadata: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield (path, keys) of all objects in the metadata, as docs/metadata.md names them."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield from described(value[0], f"{path}[]", metadata)
    elif isinstance(value, dict):
        yield path, list(dict.fromkeys(named(key, metadata) for key in value))
        for key, item in value.items():
            yield from described(item, f"{path}.{named(key, metadata)}".lstrip("."), metadata)


def test_metadata_page_is_exact(metadata: dict[str, Any]) -> None:
    """The keys in docs/metadata.md are those of a real export, in their order, group by group."""
    page = tables("docs/metadata.md")
    real = dict(described(metadata, "", metadata))
    top = page.pop("metadata.json, key by key")
    assert keys_of(top) == real.pop("")
    for path, table in page.items():
        assert keys_of(table) == real[path], path
    described_groups = {path.partition(".")[0] for path in page}
    assert {key for key in metadata if isinstance(metadata[key], dict)} <= described_groups


def test_funnel_of_a_real_export_adds_up(metadata: dict[str, Any]) -> None:
    """The two sums that docs/metadata.md promises hold."""
    funnel = metadata["funnel"]
    assert funnel["malformed_rows"] == 1
    assert sum(funnel["events"].values()) == funnel["events_read"] - funnel["malformed_rows"]
    candidates = sum(count for group in funnel["candidates"].values() for count in group.values())
    lost = sum(funnel["filtered"].values()) + sum(funnel["invalid"].values())
    assert funnel["conversations"] == lost + candidates


def test_fates_of_events_are_described(metadata: dict[str, Any]) -> None:
    """docs/input.md names every fate of a row, in the order of the funnel."""
    fates = keys_of(tables("docs/input.md")["Odd rows"])
    assert fates == ["malformed", *metadata["funnel"]["events"]]


def test_checks_of_verify_are_described() -> None:
    """docs/verify.md has every check with its description, in order."""
    rows = tables("docs/verify.md")["The checks"]
    assert [[f"`{name}`", text] for name, text in CATALOGUE.items()] == rows


def test_readme_names_every_check_once() -> None:
    """The guarantees in the README are proven by checks that exist, and no record check is forgotten."""
    proofs = [row[2] for row in tables("README.md")["What is guaranteed"]]
    names = [name for proof in proofs for name in re.findall(r"`(\w+)`", proof)]
    assert len(set(names)) == len(names)
    assert set(CATALOGUE) - set(names) <= {"metadata", "message_ids"}
    assert set(names) <= set(CATALOGUE)


def test_codes_of_check_are_described() -> None:
    """docs/checking.md has every code with its meaning and its severity for each trainer, in order."""
    heading, *rows = table_with_heading("docs/checking.md", "Codes")
    assert heading == ["code", "what it means", *TRAINERS]
    for (code, meaning), row in zip(CODES.items(), rows, strict=True):
        severities = ["warning" if code in trainer.warns else "error" for trainer in TRAINERS.values()]
        assert row == [f"`{code}`", meaning, *severities]


def test_filters_and_warnings_are_described() -> None:
    """docs/rules.md has the filters and the warnings by name, in order."""
    page = tables("docs/rules.md")
    assert keys_of(page["Filters"]) == list(FILTERS)
    assert keys_of(page["Validation"])[-len(WARNINGS) :] == list(WARNINGS)


def test_hashes_are_right() -> None:
    """The vectors in docs/rules.md are what the hash gives."""
    for text, number in tables("docs/rules.md")["The portable hash"]:
        assert portable_hash("" if "empty" in text else text.strip("`")) == int(number)


def test_targets_are_right() -> None:
    """The targets in docs/rules.md are those of production mode."""
    rows = {
        row[0]: [int(cell.replace(",", "")) for cell in row[1:]] for row in tables("docs/rules.md")["Sample"]
    }
    wanted = {
        split: list(group.values()) for split, group in TelemetryRecipe.model_validate({}).targets().items()
    }
    single = list(TelemetryRecipe.model_validate({"layout": "single"}).targets()["all"].values())
    assert rows == {**wanted, "layout `single`": single}


def test_keys_without_an_option_are_described() -> None:
    """docs/recipes.md lists exactly the keys of a recipe that `turnsmith export` has no option for."""
    command: Any = typer.main.get_command(app)
    options = {
        parameter.opts[0].strip("-").replace("-", "_") for parameter in command.commands["export"].params
    }
    keys = set(TelemetryRecipe.model_fields) - options - {"recipe"}
    assert set(keys_of(tables("docs/recipes.md")["Keys without an option"])) == keys
