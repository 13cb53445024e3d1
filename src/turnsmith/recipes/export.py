"""Run a telemetry recipe: event files in, a finished data set folder out."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.core import runs
from turnsmith.core.errors import DataError, EmptyResultError, UsageError
from turnsmith.core.files import read_json
from turnsmith.core.progress import Phases
from turnsmith.curate.scrub.pseudonyms import key_id, read_key
from turnsmith.publish import metadata
from turnsmith.recipes.job import Job
from turnsmith.recipes.telemetry import TelemetryRecipe, parse_size, parse_window
from turnsmith.sources.telemetry import inputs

# What may change between a stopped run and its resumption.
NOT_IN_FINGERPRINT = {"memory_limit", "max_bad_rows", "events", "out"}


@dataclass(slots=True)
class Exported:
    """Tell what an export made; `metadata` is the content of `metadata.json`."""

    path: Path
    metadata: dict[str, Any]
    was_there: bool = False


def export(recipe: TelemetryRecipe, phases: Phases) -> Exported:
    """Make the data set that a recipe describes and return where it lies.

    Raises UsageError, InputError, BusyError, EmptyResultError (with the funnel) and DataError.
    """
    if not recipe.events:
        raise UsageError("--events: name the event files, folders or globs to read")
    if recipe.out is None:
        raise UsageError("--out: name the folder that gets the data set")
    files = inputs.find_files(recipe.events)
    shards = inputs.plan_shards(files)
    out = Path(recipe.out)
    fingerprint = _fingerprint(recipe, files)
    try:
        with runs.hold(out, fingerprint) as run:
            state = run.prepare(_fresh_state(recipe, shards))
            for stranger in run.strangers:
                phases.note(
                    f"An unfinished run with other options or inputs is kept in {stranger}; remove it if unwanted."
                )
            job = Job(recipe, phases, run, fingerprint, [path.name for path in files], state)
            target = out / job.dataset_id
            if target.exists():
                return _already_there(target, job)
            try:
                job.make(shards, target)
            except EmptyResultError:
                run.finish()
                raise
            run.finish()
            return Exported(target, read_json(target / "metadata.json"))
    except (OSError, duckdb.Error) as error:
        raise _explain(error, out) from error


def _fingerprint(recipe: TelemetryRecipe, files: Sequence[Path]) -> str:
    settings = recipe.model_dump(mode="json", exclude=NOT_IN_FINGERPRINT)
    if recipe.pseudonymize is not None:
        settings["pseudonymize"] = key_id(read_key(Path(recipe.pseudonymize)))
    inputs_seen = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return runs.fingerprint([settings, inputs_seen, metadata.versions()])


def _fresh_state(recipe: TelemetryRecipe, shards: Sequence[inputs.Shard]) -> dict[str, Any]:
    """Return what a run freezes at its first start, so that a resumed one asks for the same."""
    now = datetime.now(UTC).replace(microsecond=0)
    as_of = _in_utc(recipe.as_of) if recipe.as_of else now
    try:
        as_of - parse_window(recipe.window)
    except OverflowError as error:
        raise UsageError(
            f"--window: {recipe.window} before {as_of:%Y-%m-%d} is before the calendar begins"
        ) from error
    return {
        "as_of": as_of.isoformat(),
        "stamp": recipe.stamp or now.strftime("%Y%m%d_%H%M%S"),
        "parts": recipe.chunks or _default_chunks(shards, parse_size(recipe.memory_limit)),
    }


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise UsageError(f"--as-of: {moment.isoformat()} is beyond the calendar in UTC") from error


def _default_chunks(shards: Sequence[inputs.Shard], memory: int) -> int:
    """Return how many chunks keep each within a quarter of the memory.

    An even number where one is not enough, so that two threads have the same to do.
    """
    chunks = min(4096, max(1, -(-sum(shard.volume for shard in shards) * 4 // memory)))
    return chunks if chunks == 1 else chunks + chunks % 2


def _already_there(target: Path, job: Job) -> Exported:
    """Return the data set that this very run made before it was stopped; refuse any other."""
    found = read_json(target / "metadata.json") if (target / "metadata.json").exists() else {}
    job.run.finish()
    if found.get("curation_info", {}).get("run_fingerprint") != job.fingerprint:
        raise DataError(
            f"{target} exists already and was made from other options or inputs; "
            "give another --stamp or --out, or remove it"
        )
    return Exported(target, found, was_there=True)


def _explain(error: OSError | duckdb.Error, out: Path) -> DataError:
    text = str(error)
    if "No space left" in text or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return DataError(
            f"no space left on the disk of {out}; what was finished is kept: make room and run the same command again"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return DataError(
            "the memory limit is too small for a chunk; what was finished is kept. Give a larger --memory-limit "
            "and run the same command again, or more --chunks (which starts anew)"
        )
    if isinstance(error, OSError):
        return DataError(f"{error.filename or out}: {error.strerror or text}")
    return DataError(f"DuckDB: {text.splitlines()[0] if text else type(error).__name__}")
