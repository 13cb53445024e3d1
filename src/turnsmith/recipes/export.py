"""Run a telemetry recipe: events in, from files or from a cluster, a finished data set folder out."""

import errno
from collections.abc import Callable, Sequence
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
from turnsmith.publish.blob import check_destination
from turnsmith.recipes import from_kusto
from turnsmith.recipes.job import Job
from turnsmith.recipes.telemetry import TelemetryRecipe, parse_size, window_end
from turnsmith.sources.telemetry import inputs

# What may change between a stopped run and its resumption.
NOT_IN_FINGERPRINT = {
    "memory_limit", "max_bad_rows", "events", "out", "cluster", "parallel", "server_timeout", "client_timeout",
    "publish", "max_dropped",
}  # fmt: skip


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
    from_kusto.check_options(recipe)
    if recipe.out is None:
        raise UsageError("--out: name the folder that gets the data set")
    if recipe.publish is not None:
        check_destination(recipe.publish)
    source = _kusto(recipe) if recipe.source == "kusto" else _files(recipe)
    out = Path(recipe.out)
    fingerprint = _fingerprint(recipe, source)
    try:
        with runs.hold(out, source.run_key or fingerprint) as run:
            state = run.prepare(_fresh_state(recipe, source))
            for stranger in run.strangers:
                phases.note(
                    f"An unfinished run with other options or inputs is kept in {stranger}; remove it if unwanted."
                )
            job = Job(recipe, phases, run, fingerprint, source.origin, state)
            target = out / job.dataset_id
            if target.exists():
                return _already_there(target, job)
            try:
                source.make(job, target)
            except EmptyResultError:
                run.finish()
                raise
            run.finish()
            return Exported(target, read_json(target / "metadata.json"))
    except (OSError, duckdb.Error) as error:
        raise _explain(error, out) from error


@dataclass(frozen=True, slots=True)
class _Source:
    """Hold what tells one source from another (`identity`), how many chunks suit it, and what pulls from it.

    `run_key` names the run's folder where that is not to depend on all settings.
    """

    origin: metadata.Origin
    identity: Any
    chunks: int
    make: Callable[[Job, Path], None]
    run_key: str | None = None


def _files(recipe: TelemetryRecipe) -> _Source:
    if not recipe.events:
        raise UsageError("--events: name the event files, folders or globs to read")
    files = inputs.find_files(recipe.events)
    shards = inputs.plan_shards(files)
    return _Source(
        metadata.Origin("events", [path.name for path in files]),
        [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in files],
        _default_chunks(shards, parse_size(recipe.memory_limit)),
        lambda job, target: job.make(shards, target),
    )


def _kusto(recipe: TelemetryRecipe) -> _Source:
    return _Source(
        from_kusto.origin_of(recipe), from_kusto.identity_of(recipe), from_kusto.CHUNKS, from_kusto.make,
        from_kusto.run_key_of(recipe),
    )  # fmt: skip


def _fingerprint(recipe: TelemetryRecipe, source: _Source) -> str:
    settings = recipe.settings(NOT_IN_FINGERPRINT)
    if recipe.pseudonymize is not None:
        settings["pseudonymize"] = key_id(read_key(Path(recipe.pseudonymize)))
    return runs.fingerprint([settings, source.identity, metadata.versions()])


def _fresh_state(recipe: TelemetryRecipe, source: _Source) -> dict[str, Any]:
    """Return what a run freezes at its first start, so that a resumed one asks for the same."""
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        "as_of": window_end(recipe, now).isoformat(),
        "stamp": recipe.stamp or now.strftime("%Y%m%d_%H%M%S"),
        "parts": recipe.chunks or source.chunks,
    }


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
