"""Run a telemetry recipe: event files in, a finished data set folder out."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.core import runs
from turnsmith.core.errors import DataError, EmptyResultError, UsageError
from turnsmith.core.files import read_json, sync, write_json, writing
from turnsmith.core.progress import Phases
from turnsmith.curate.sample import Group, Shortfall, sampled_records, shortfalls
from turnsmith.engines.duckdb import connect
from turnsmith.publish import metadata
from turnsmith.publish.funnel import funnel_text
from turnsmith.publish.invalid import write_invalid
from turnsmith.publish.writing import write_group
from turnsmith.recipes.telemetry import TelemetryRecipe, parse_size, parse_window
from turnsmith.sources.telemetry import inputs
from turnsmith.sources.telemetry.chunks import DROPPED, Rules
from turnsmith.sources.telemetry.conversations import FILTERS
from turnsmith.sources.telemetry.events import Window
from turnsmith.sources.telemetry.extract import Candidates, Extractor

MEMORY_PER_THREAD = 400_000_000
NOT_IN_FINGERPRINT = {"memory_limit", "max_bad_rows"}


@dataclass(slots=True)
class Exported:
    """Tell what an export made; `metadata` is the content of `metadata.json`."""

    path: Path
    metadata: dict[str, Any]
    was_there: bool = False
    notes: list[str] = field(default_factory=list)


def export(recipe: TelemetryRecipe, phases: Phases) -> Exported:
    """Make the data set that a recipe describes and return where it lies.

    Raises UsageError, InputError, BusyError, EmptyResultError (with the funnel) and DataError.
    """
    if not recipe.events:
        raise UsageError("--events: name the event files, folders or globs to read")
    if recipe.out is None:
        raise UsageError("--out: name the folder that gets the data set")
    files = inputs.find_files(recipe.events)
    out = Path(recipe.out)
    fingerprint = runs.fingerprint(
        [_identity(recipe), [_file_identity(path) for path in files], metadata.versions()]
    )
    shards = inputs.plan_shards(files)
    with runs.hold(out, fingerprint) as run:
        state = run.prepare(_fresh_state(recipe, files))
        job = _Job(recipe, phases, run, fingerprint, files, state)
        target = out / job.dataset_id
        if (target / "metadata.json").exists():
            return _already_there(target, job)
        try:
            job.make(shards, target)
        except (OSError, duckdb.Error) as error:
            raise _explain(error) from error
        except EmptyResultError:
            run.finish()
            raise
        run.finish()
        return Exported(target, read_json(target / "metadata.json"))


def _identity(recipe: TelemetryRecipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", exclude=NOT_IN_FINGERPRINT | {"events", "out"})


def _file_identity(path: Path) -> list[Any]:
    stat = path.stat()
    return [str(path), stat.st_size, stat.st_mtime_ns]


def _fresh_state(recipe: TelemetryRecipe, files: list[Path]) -> dict[str, Any]:
    now = datetime.now(UTC)
    as_of = recipe.as_of or now
    as_of = as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of.astimezone(UTC)
    return {
        "as_of": as_of.isoformat(),
        "stamp": recipe.stamp or now.strftime("%Y%m%d_%H%M%S"),
        "parts": recipe.chunks or _default_chunks(files, parse_size(recipe.memory_limit)),
    }


def _default_chunks(files: list[Path], memory: int) -> int:
    """Return how many chunks keep each within a quarter of the memory, compressed files counted sixfold."""
    size = sum(p.stat().st_size * (6 if p.suffix in (".gz", ".zst", ".parquet") else 1) for p in files)
    return min(4096, max(1, -(-size * 4 // memory)))


def _already_there(target: Path, job: "_Job") -> Exported:
    found = read_json(target / "metadata.json")
    if found.get("curation_info", {}).get("run_fingerprint") != job.fingerprint:
        raise DataError(
            f"{target} exists already and was made from other options or inputs; "
            "give another --stamp or --out, or remove it"
        )
    if job.run.path.exists():
        job.run.finish()
    return Exported(target, found, was_there=True)


def _explain(error: OSError | duckdb.Error) -> DataError:
    text = str(error)
    if "No space left" in text or "Disk quota" in text or getattr(error, "errno", None) == 28:
        return DataError(
            "no space left on the disk; what was finished is kept: make room and run the same command again"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return DataError(
            "the memory limit is too small for a chunk; what was finished is kept. Give a larger --memory-limit "
            "and run again, or more --chunks (which starts anew)"
        )
    return DataError(f"{type(error).__name__}: {text.splitlines()[0] if text else 'unknown'}")


class _Job:
    """Carry one run's settings through its phases."""

    def __init__(
        self, recipe: TelemetryRecipe, phases: Phases, run: runs.Run, fingerprint: str,
        files: list[Path], state: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self.phases = phases
        self.run = run
        self.fingerprint = fingerprint
        self.files = files
        self.as_of = datetime.fromisoformat(state["as_of"])
        self.stamp: str = state["stamp"]
        self.parts: int = state["parts"]
        self.with_splits = recipe.layout == "splits"
        self.shares = recipe.splits if self.with_splits else None
        self.targets = recipe.targets()
        self.ranges = {b.full_name: (b.min, b.max) for b in recipe.bucket_ranges}
        self.groups = {
            f"{split}.{b.name}" if self.with_splits else b.name: Group(
                split, b.full_name, self.targets[split][b.name]
            )
            for split in recipe.split_names
            for b in recipe.bucket_ranges
        }
        total = sum(group.target for group in self.groups.values())
        self.dataset_id = metadata.dataset_id(recipe.prefix, total, recipe.window, self.stamp)

    def make(self, shards: list[inputs.Shard], target: Path) -> None:
        """Make the data set in the run's folder and move it to `target`."""
        memory = parse_size(self.recipe.memory_limit)
        threads = max(1, min(os.cpu_count() or 1, memory // MEMORY_PER_THREAD))
        with connect(memory // 2, threads, self.run.spill) as connection:
            extractor = Extractor(
                self.run, connection, self.phases, self._window(), self.parts, threads,
                self.recipe.model_text, self._rules(), self.recipe.max_bad_rows,
            )  # fmt: skip
            events, repeated = extractor.read_turns(shards)
            candidates = extractor.assemble_conversations()
            funnel = self._funnel(events, candidates)
            if not any(candidates.counts.candidates.get(g.key, 0) and g.target for g in self.groups.values()):
                raise EmptyResultError(
                    f"nothing is left to write; this is where it went:\n{funnel_text(funnel)}"
                )
            written = self._write_groups(extractor, candidates)
            self._write_dropped(connection, candidates)
        self._publish(target, funnel, repeated, candidates, written)

    def _window(self) -> Window:
        until = int(self.as_of.timestamp() * 1_000_000) * 1_000
        return Window(
            until - int(parse_window(self.recipe.window) / timedelta(microseconds=1)) * 1_000, until
        )

    def _rules(self) -> Rules:
        recipe = self.recipe
        return Rules(
            recipe.bucket_ranges,
            self.shares,
            recipe.failed_turn_end_reasons,
            recipe.seed,
            recipe.dropped is not None,
        )

    def _funnel(self, events: Mapping[str, Any], candidates: Candidates) -> dict[str, Any]:
        counts = candidates.counts
        splits = list(self.recipe.splits) if self.with_splits else ["all"]
        available = {
            f"{s}/{name}": counts.candidates.get(f"{s}/{name}", 0) for s in splits for name in self.ranges
        }
        sampled = {g.key: min(g.target, counts.candidates.get(g.key, 0)) for g in self.groups.values()}
        invalid = Counter(entry["split"] for entry in counts.invalid)
        return {
            **events,
            "conversations": counts.conversations,
            "filtered": {name: counts.filtered.get(name, 0) for name in FILTERS},
            "invalid": {split: invalid[split] for split in splits},
            "candidates": metadata.by_group(available, with_splits=True),
            "sampled": metadata.by_group(sampled, with_splits=True),
        }

    def _file_of(self, group: Group) -> str:
        name = f"{group.bucket}.{self.recipe.format}"
        return f"{group.split}/{name}" if self.with_splits else name

    @property
    def _dataset(self) -> Path:
        return self.run.path / "dataset"

    def _write_groups(self, extractor: Extractor, candidates: Candidates) -> dict[str, dict[str, Any]]:
        """Write every group's file; return checksum, counts and warnings by group key."""
        by_name = {name.replace(".", "-"): group for name, group in self.groups.items()}

        def write(name: str) -> dict[str, Any]:
            group = by_name[name]
            with extractor.connection.cursor() as cursor:
                sampled_records(cursor, candidates.files, group)
                path = self._dataset / self._file_of(group)
                return write_group(path, _texts(cursor), self.with_splits)

        total = sum(min(g.target, candidates.counts.candidates.get(g.key, 0)) for g in by_name.values())
        with self.phases.phase("Writing", total, "conversations") as advance:
            results = self.run.each(
                "writing", list(by_name), write, extractor.threads,
                lambda _, result, earlier: advance(result["records"], 0 if earlier else result["records"]),
                extractor.connection.interrupt,
            )  # fmt: skip
        return {by_name[name].key: result for name, result in results.items()}

    def _write_dropped(self, connection: duckdb.DuckDBPyConnection, candidates: Candidates) -> None:
        if self.recipe.dropped is None:
            return
        with writing(Path(self.recipe.dropped)) as part, part.open("w", encoding="utf-8") as file:
            for reason in FILTERS:
                group = Group(DROPPED, reason, candidates.counts.filtered.get(reason, 0))
                sampled_records(connection, candidates.files, group)
                for record in _texts(connection):
                    file.write(f'{{"reason":"{reason}","conversation":{record}}}\n')

    def _publish(
        self, target: Path, funnel: Mapping[str, Any], repeated: int,
        candidates: Candidates, written: Mapping[str, Mapping[str, Any]],
    ) -> None:  # fmt: skip
        sums = {
            self._file_of(group): {key: written[group.key][key] for key in ("sha256", "bytes")}
            for group in self.groups.values()
        }
        splits = list(self.recipe.splits) if self.with_splits else [None]
        sums |= write_invalid(self._dataset, candidates.counts.invalid, splits, self.stamp)
        found = shortfalls(self.groups, candidates.counts.candidates)
        content = self._metadata(funnel, repeated, candidates, written, found, sums)
        write_json(self._dataset / "metadata.json", content)
        for folder in {path.parent for path in self._dataset.rglob("*")}:
            sync(folder)
        self._dataset.rename(target)
        sync(target.parent)

    def _metadata(
        self, funnel: Mapping[str, Any], repeated: int, candidates: Candidates,
        written: Mapping[str, Mapping[str, Any]], found: list[Shortfall], sums: Mapping[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        recipe = self.recipe
        begin = self.as_of - parse_window(recipe.window)
        groups = self.groups.values()
        warnings: Counter[str] = sum((Counter(result["warnings"]) for result in written.values()), Counter())
        return {
            "curation_info": {
                "curation_date": metadata.iso(
                    datetime.strptime(self.stamp, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
                ),
                "curation_id": self.dataset_id,
                "data_source": "events",
                "query_file": None,
                "run_fingerprint": self.fingerprint,
            },
            "query_parameters": {
                "time_window": f"({metadata.iso(begin)}, {metadata.iso(self.as_of)}]",
                "window": recipe.window,
                "as_of": metadata.iso(self.as_of),
                "events": [path.name for path in self.files],
                "cluster": None,
                "database": None,
            },
            "completeness_criteria": {
                "minTurnIndex_equals": 1,
                "capturedTurnCount_equals_maxTurnIndex": True,
                "mode": "agent",
                "failed_turn_end_reasons": recipe.failed_turn_end_reasons,
            },
            "deduplication": {
                "method": "longest messageText by conversationId, messageId, source",
                "description": "Of the rows of a (conversationId, messageId, source) the one with the longest text "
                "counts; ties go to the earliest, then to the smallest text.",
                "model_text": recipe.model_text,
                "identical_rows_collapsed": repeated,
            },
            "stratification": metadata.stratification(self.groups, self.ranges, self.shares),
            "actual_counts": metadata.with_totals(
                {g.key: written[g.key]["records"] for g in groups}, with_splits=self.with_splits
            ),
            "output_files": metadata.by_group(
                {g.key: self._file_of(g) for g in groups}, with_splits=self.with_splits
            ),
            "funnel": funnel,
            "shortfalls": metadata.shortfall_entries(found),
            "warnings": {
                "candidates": metadata.all_warnings(candidates.counts.warnings),
                "written": metadata.all_warnings(warnings),
            },
            "checksums": dict(sorted(sums.items())),
            "config": self._config(),
            "versions": metadata.versions(),
        }

    def _config(self) -> dict[str, Any]:
        config = self.recipe.model_dump(mode="json", exclude={"events", "out", "target", "dropped"})
        return {
            **config, "as_of": metadata.iso(self.as_of), "stamp": self.stamp, "chunks": self.parts,
            "targets": self.targets,
        }  # fmt: skip


def _texts(cursor: duckdb.DuckDBPyConnection) -> "Any":
    while rows := cursor.fetchmany(64):
        for (text,) in rows:
            yield text
