"""The metadata of a new version: what is left counted again, what went accounted for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.curate.sample import shortfalls
from turnsmith.curate.split_units import SplitBy, describe_units
from turnsmith.curate.validate import WARNINGS
from turnsmith.publish import metadata
from turnsmith.recipes.forget.purging import Purged
from turnsmith.recipes.forget.stored import Stored, no_split_name
from turnsmith.recipes.forget.twins import Twins
from turnsmith.recipes.leaking import leakage_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold what a new version is made of; `written` is by group key, `invalid` has the records that stay."""

    stamp: str
    dataset_id: str
    purged: Purged
    invalid_left: list[dict[str, Any]]
    invalid_gone: list[dict[str, Any]]
    twins: Twins
    written: Mapping[str, Mapping[str, Any]]
    checksums: Mapping[str, Any]
    files: list[Path]


def new_metadata(stored: Stored, outcome: Outcome, cursor: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the metadata of the new version; what was read and asked for stays as it was.

    Every conversation that was seen is still accounted for: those that went, and those that nothing was kept of,
    are in `forgotten`.
    """
    old = stored.metadata
    groups = stored.groups
    records = {group.key: outcome.written[group.key]["records"] for group in groups.values()}
    counts = metadata.by_group(records, with_splits=stored.with_splits)
    if stored.with_splits:
        for split in counts.values():
            split["total"] = sum(split.values())
    funnel, forgotten = _funnel(stored, outcome)
    by_split = {split: sum(row.values()) for split, row in funnel["candidates"].items()}
    shares = stored.config["splits"] if stored.with_splits else None
    lacking = [
        {**asdict(each), "window_factor": each.window_factor}
        for each in shortfalls(groups, outcome.purged.left)
    ]
    moment = datetime.strptime(outcome.stamp, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    info = {"curation_date": metadata.iso(moment), "curation_id": outcome.dataset_id}
    return {
        **old,
        "curation_info": {**old["curation_info"], **info},
        "actual_counts": {**counts, "total": sum(records.values())},
        "funnel": funnel,
        "shortfalls": lacking,
        **_near(stored, outcome),
        "split_units": describe_units(
            cursor, outcome.files, SplitBy(stored.config["split_by"]), shares, by_split
        ),
        "leakage": leakage_of(cursor, outcome.files, groups.values()),
        "forgotten": forgotten,
        "warnings": _warnings(stored, outcome),
        "checksums": dict(sorted(outcome.checksums.items())),
        "config": {**stored.config, "stamp": outcome.stamp},
    }


def _near(stored: Stored, outcome: Outcome) -> dict[str, Any]:
    if not outcome.twins.dropping:
        return {}
    return {"near_duplicates": {**stored.metadata["near_duplicates"], "dropped": len(outcome.twins.left)}}


def _funnel(stored: Stored, outcome: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
    old = stored.metadata["funnel"]
    candidates = {
        split: {bucket: outcome.purged.left[f"{split}/{bucket}"] for bucket in row}
        for split, row in old["candidates"].items()
    }
    gone_invalid = Counter(no_split_name(entry["split"]) for entry in outcome.invalid_gone)
    sampled = {group.key: outcome.written[group.key]["records"] for group in stored.groups.values()}
    funnel = {
        **old,
        "invalid": {split: count - gone_invalid[split] for split, count in old["invalid"].items()},
        **_near_by_split(old, outcome.twins),
        "candidates": candidates,
        "sampled": metadata.by_group(sampled, with_splits=True),
    }
    before = stored.metadata["forgotten"] or {"times": 0, "conversations": 0, "not_kept": 0}
    had = sum(sum(row.values()) for row in old["candidates"].values())
    left, gone = outcome.purged.left.total(), len(outcome.purged.ids)
    forgotten = {
        "previous_id": stored.path.name,
        "times": before["times"] + 1,
        "conversations": before["conversations"] + gone + len(outcome.invalid_gone) + len(outcome.twins.gone),
        "not_kept": before["not_kept"] + had - left - gone,
        "candidates_kept": stored.kept is not None,
    }
    return funnel, forgotten


def _near_by_split(old: Mapping[str, Any], twins: Twins) -> dict[str, Any]:
    if not twins.dropping:
        return {}
    gone = twins.gone_by_split()
    return {
        "near_duplicates": {split: count - gone[split] for split, count in old["near_duplicates"].items()}
    }


def _warnings(stored: Stored, outcome: Outcome) -> dict[str, Any]:
    written: Counter[str] = Counter()
    for group in outcome.written.values():
        written.update(group["warnings"])
    named = {name: written[name] for name in WARNINGS}
    if stored.kept is None:
        return {"candidates": named, "written": named}
    old, gone = stored.metadata["warnings"]["candidates"], outcome.purged.gone_warnings
    return {"candidates": {name: old[name] - gone[name] for name in WARNINGS}, "written": named}
