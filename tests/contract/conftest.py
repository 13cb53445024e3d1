"""Fixtures that run an export by the reference script or by the product."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import yaml
from typer.testing import CliRunner

from turnsmith.cli import app

from .build import AS_OF, SPLITS, STAMP, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import reference_export  # found by the path above


@dataclass
class Export:
    """What an export left behind."""

    path: Path
    exit_code: int
    output: str

    @property
    def metadata(self) -> dict[str, Any]:
        """The data set's metadata."""
        content: dict[str, Any] = json.loads((self.path / "metadata.json").read_text(encoding="utf-8"))
        return content

    @property
    def funnel(self) -> dict[str, Any]:
        """The metadata's funnel."""
        funnel: dict[str, Any] = self.metadata["funnel"]
        return funnel

    def filtered(self) -> dict[str, int]:
        """Give the counts of the filters that took something."""
        return {reason: count for reason, count in self.funnel["filtered"].items() if count}

    def records(self, split: str | None = None, bucket: str | None = None) -> list[Row]:
        """Read the records of the data files, all or those of a split and bucket (short, medium, long)."""
        found: list[Row] = []
        for folder in [split] if split else [*SPLITS, "."]:
            for file in sorted((self.path / folder).glob(f"{bucket or '*'}_*_turns.json")):
                found += json.loads(file.read_text(encoding="utf-8"))
        return found

    def record(self, conversation: str) -> Row:
        """Read the one record of a conversation."""
        (found,) = (record for record in self.records() if record["conversationId"] == conversation)
        return found

    def conversations(self, split: str | None = None, bucket: str | None = None) -> list[str]:
        """List the conversation ids of the data files, in their order."""
        return [record["conversationId"] for record in self.records(split, bucket)]

    def invalid(self, split: str) -> dict[str, list[Any]]:
        """Read a split's invalid records: the errors by conversation id; empty where there is no file."""
        files = list(self.path.glob(f"invalid_records_{split}_*.json"))
        items = [item for file in files for item in json.loads(file.read_bytes())["invalid_records"]]
        return {item["conversationId"]: item["errors"] for item in items}


class Exporter(Protocol):
    """Runs an export on files' rows (a row may be a raw line) with options named as in a configuration."""

    def __call__(
        self,
        *files: Sequence[Row | str] | Path,
        as_of: str = AS_OF,
        window: str = "15d",
        mode: str = "test",
        **config: Any,
    ) -> Export:
        """Run the export."""


def write_files(folder: Path, files: Sequence[Sequence[Row | str] | Path]) -> list[Path]:
    """Write each file's rows as JSON Lines, every second one compressed; paths stay what they are."""
    folder.mkdir(parents=True)
    paths = []
    for number, rows in enumerate(files):
        if isinstance(rows, Path):
            paths.append(rows)
            continue
        lines = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in rows).encode()
        path = folder / f"part{number}.jsonl{'.gz' if number % 2 else ''}"
        path.write_bytes(gzip.compress(lines) if number % 2 else lines)
        paths.append(path)
    return paths


def make_reference(folder: Path) -> Exporter:
    """Make an exporter that calls the reference script's functions."""
    numbers = itertools.count()

    def run(
        *files: Sequence[Row | str] | Path,
        as_of: str = AS_OF,
        window: str = "15d",
        mode: str = "test",
        **config: Any,
    ) -> Export:
        here = folder / f"reference{next(numbers)}"
        options = dict(config)
        if "failed_turn_end_reasons" in options:
            options["failed"] = options.pop("failed_turn_end_reasons")
        if "buckets" in options:
            options["buckets"] = [tuple(bucket.values()) for bucket in options["buckets"]]
        if "targets" in options:
            options["targets"] = {split: list(group.values()) for split, group in options["targets"].items()}
        events = reference_export.read_events(write_files(here / "events", files))
        path = reference_export.curate(events, here / "out", as_of, window, mode=mode, stamp=STAMP, **options)
        export = Export(path, 0, "")
        export.exit_code = 0 if export.records() else 1
        return export

    return run


def make_turnsmith(folder: Path, *more: str) -> Exporter:
    """Make an exporter that runs the product's command line in this process."""
    runner = CliRunner()
    numbers = itertools.count()

    def run(
        *files: Sequence[Row | str] | Path,
        as_of: str = AS_OF,
        window: str = "15d",
        mode: str = "test",
        **config: Any,
    ) -> Export:
        here = folder / f"turnsmith{next(numbers)}"
        paths = write_files(here / "events", files)
        events = paths[0] if len(paths) == 1 else here / "events"
        args = ["export", "--events", str(events), "--out", str(here / "out"), "--as-of", as_of]
        args += ["--window", window, "--mode", mode, "--stamp", STAMP, "--json", *more]
        if config:
            (here / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
            args += ["--config", str(here / "config.yaml")]
        result = runner.invoke(app, args)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        folders = [file.parent for file in (here / "out").glob("*/metadata.json")]
        assert len(folders) == 1, f"exit code {result.exit_code}: {result.output}"
        return Export(folders[0], result.exit_code, result.output)

    return run


@pytest.fixture(params=["reference", "turnsmith"])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Exporter:
    """Give an exporter: once the reference script, once the product."""
    return make_reference(tmp_path) if request.param == "reference" else make_turnsmith(tmp_path)


@pytest.fixture(params=["reference", "turnsmith", "turnsmith in 3 chunks"])
def export_chunked(request: pytest.FixtureRequest, tmp_path: Path) -> Exporter:
    """Give an exporter: the reference script, the product, and the product with three chunks."""
    if request.param == "reference":
        return make_reference(tmp_path)
    return make_turnsmith(tmp_path, *(("--chunks", "3") if "chunks" in request.param else ()))


@pytest.fixture
def reference(tmp_path: Path) -> Exporter:
    """Give the reference script's exporter."""
    return make_reference(tmp_path)


@pytest.fixture(params=["whole", "3 chunks"])
def turnsmith(request: pytest.FixtureRequest, tmp_path: Path) -> Exporter:
    """Give the product's exporter, in one piece and in three chunks."""
    return make_turnsmith(tmp_path, *(("--chunks", "3") if request.param == "3 chunks" else ()))
