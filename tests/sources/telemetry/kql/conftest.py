"""Event files, the embedded assembly's word on them, and the answers of queries, each made once."""

from __future__ import annotations

import gzip
import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from turnsmith.core.errors import DataError
from turnsmith.core.progress import Phases
from turnsmith.recipes.export import export
from turnsmith.recipes.telemetry import TelemetryRecipe
from turnsmith.sources.telemetry.kql.catalog import find_query, shipped_queries
from turnsmith.sources.telemetry.kql.lint import Analysis, analyze
from turnsmith.sources.telemetry.kql.local import LocalEvents
from turnsmith.sources.telemetry.kql.parameters import given_values
from turnsmith.sources.telemetry.kql.result import Result
from turnsmith.sources.telemetry.synth import Rates, generate

from .rows import odd_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

REPO = Path(__file__).resolve().parents[4]
REAL = REPO.parent / "shared" / "data" / "telemetry" / "app_events.jsonl.gz"
AS_OF = "2026-02-17T00:00:00Z"
WINDOW = "60d"
COMMON = ("tool_only_round", "parallel_calls", "other_script", "other_events")


@dataclass
class Embedded:
    """Hold what the embedded assembly makes of the events: records by conversation, `reason` of the dropped."""

    records: dict[str, dict[str, Any]]
    reasons: dict[str, str]
    invalid: set[str]
    funnel: dict[str, Any]


def assemble(folder: Path, paths: list[Path], **options: Any) -> Embedded:
    """Run the embedded assembly and read back everything that it wrote."""
    files = {
        "events": [str(path) for path in paths],
        "out": str(folder),
        "dropped": str(folder / "dropped.jsonl"),
    }
    settings = {"as_of": AS_OF, "window": WINDOW, "stamp": "20260217_000000"}
    recipe = TelemetryRecipe.model_validate({**files, **settings, **options})
    with Phases() as phases:
        exported = export(recipe, phases)
    written = [record for file in exported.path.glob("*/*.json") for record in json.loads(file.read_bytes())]
    lines = (folder / "dropped.jsonl").read_text(encoding="utf-8").split("\n")
    dropped = [json.loads(line) for line in lines if line]
    invalid = {
        entry["conversationId"]
        for file in exported.path.glob("invalid_records_*.json")
        for entry in json.loads(file.read_bytes())["invalid_records"]
    }
    records = {record["conversationId"]: record for record in written}
    records |= {entry["conversation"]["conversationId"]: entry["conversation"] for entry in dropped}
    for record in records.values():
        record.pop("split", None)
    reasons = {entry["conversation"]["conversationId"]: entry["reason"] for entry in dropped}
    return Embedded(records, reasons, invalid, exported.metadata["funnel"])


@pytest.fixture(scope="session")
def odd_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the hand-made rows."""
    path = tmp_path_factory.mktemp("odd") / "odd.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in odd_rows()), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def event_files(tmp_path_factory: pytest.TempPathFactory, odd_file: Path) -> list[Path]:
    """Give 300 generated conversations with every fault often, the hand-made ones, and the real ones if there."""
    often: dict[str, Any] = {
        rate: value if rate in COMMON else min(0.2, 3 * value) for rate, value in asdict(Rates()).items()
    }
    rates = Rates(**often)
    path = tmp_path_factory.mktemp("events") / "generated.jsonl"
    path.write_bytes(b"".join(generate(300, 7, rates=rates)))
    return [path, odd_file, *([REAL] if REAL.exists() else [])]


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, event_files: list[Path]) -> Embedded:
    """Give the embedded assembly's word on all events."""
    return assemble(tmp_path_factory.mktemp("embedded"), event_files)


@pytest.fixture(scope="session")
def all_events(event_files: list[Path]) -> Iterator[LocalEvents]:
    """Load all events for queries."""
    with LocalEvents([str(path) for path in event_files]) as events:
        yield events


@pytest.fixture(scope="session")
def odd_events(odd_file: Path) -> Iterator[LocalEvents]:
    """Load the hand-made events for queries."""
    with LocalEvents([str(odd_file)]) as events:
        yield events


class Answers:
    """Run queries of the pack on all events, each question once."""

    def __init__(self, events: LocalEvents) -> None:
        self._events = events
        self._known: dict[str, Result] = {}

    def __call__(self, name: str, **params: str) -> Result:
        """Return the result of a query over the whole window."""
        key = f"{name} {sorted(params.items())}"
        if key not in self._known:
            query = find_query(name)
            values = given_values(query.parameters, {"as_of": AS_OF, "window": WINDOW} | params, name)
            self._known[key] = self._events.run(query.text, values, name=name)
        return self._known[key]


@pytest.fixture(scope="session")
def answers(all_events: LocalEvents) -> Answers:
    """Give the runner of queries."""
    return Answers(all_events)


@pytest.fixture(scope="session")
def analyses() -> dict[str, Analysis]:
    """Let Kusto's own parser read the pack; install it where it is missing."""
    try:
        found = analyze(shipped_queries())
    except DataError as missing:
        if "Node.js" in str(missing):
            pytest.skip("Node.js is not there, so Kusto's parser can't run")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=REPO, check=True, capture_output=True)
        found = analyze(shipped_queries())
    return {analysis.name: analysis for analysis in found}


def real_conversations() -> set[str]:
    """Return the conversations of the real events."""
    with gzip.open(REAL, "rt", encoding="utf-8") as lines:
        return {json.loads(line)["Properties"].get("conversationId", "") for line in lines} - {""}
