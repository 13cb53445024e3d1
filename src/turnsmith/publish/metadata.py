"""`metadata.json`: what was asked, what was done with every event and conversation, and what lies where.

The groups of the first pipeline's schema are kept; docs/metadata.md describes every key.
"""

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from turnsmith.curate.sample import Group, Shortfall
from turnsmith.curate.split import bounds
from turnsmith.curate.validate import WARNINGS

LIBRARIES = ("turnsmith", "duckdb", "ibis-framework", "pyarrow", "msgspec")


@dataclass(frozen=True, slots=True)
class Origin:
    """Hold where the conversations come from: names of files, or host and database of a cluster."""

    data_source: str
    events: Sequence[str] = ()
    query_file: str | None = None
    cluster: str | None = None
    database: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """Hold what a data set was asked to be; `shares` is None in the layout without splits."""

    dataset_id: str
    fingerprint: str
    stamp: str
    as_of: datetime
    begin: datetime
    origin: Origin
    groups: Mapping[str, Group]
    files: Mapping[str, str]
    ranges: Mapping[str, tuple[int, int]]
    shares: Mapping[str, int] | None
    config: Mapping[str, Any]

    @property
    def with_splits(self) -> bool:
        """Say whether the layout has splits."""
        return self.shares is not None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold what came of it; `written` is by group key: `records` and `warnings`.

    `identical_rows` is None where a cluster collapsed them, `near_duplicates` where they were left in.
    """

    funnel: Mapping[str, Any]
    identical_rows: int | None
    shortfalls: Sequence[Shortfall]
    candidate_warnings: Mapping[str, int]
    written: Mapping[str, Mapping[str, Any]]
    checksums: Mapping[str, Any]
    split_units: Mapping[str, Any]
    leakage: Mapping[str, Any]
    near_duplicates: Mapping[str, Any] | None = None


def build(asked: Description, outcome: Outcome) -> dict[str, Any]:
    """Return the content of `metadata.json`."""
    return {
        "curation_info": _curation_info(asked),
        "query_parameters": _query_parameters(asked),
        "completeness_criteria": {
            "minTurnIndex_equals": 1,
            "capturedTurnCount_equals_maxTurnIndex": True,
            "mode": "agent",
            "failed_turn_end_reasons": asked.config["failed_turn_end_reasons"],
        },
        "deduplication": {
            "method": "longest messageText by conversationId, messageId, source",
            "description": "Of the rows of one (conversationId, messageId, source) the longest text counts; "
            "ties go to the earliest, then to the smallest text.",
            "model_text": asked.config["model_text"],
            "identical_rows_collapsed": outcome.identical_rows,
        },
        "stratification": _stratification(asked),
        "actual_counts": _actual_counts(asked, outcome),
        "output_files": by_group(asked.files, with_splits=asked.with_splits),
        "funnel": outcome.funnel,
        "shortfalls": [
            {"group": s.group, "wanted": s.wanted, "available": s.available, "window_factor": s.window_factor}
            for s in outcome.shortfalls
        ],
        **({} if outcome.near_duplicates is None else {"near_duplicates": outcome.near_duplicates}),
        "split_units": outcome.split_units,
        "leakage": outcome.leakage,
        "forgotten": None,
        "warnings": _warnings(outcome),
        "checksums": dict(sorted(outcome.checksums.items())),
        "config": asked.config,
        "versions": versions(),
    }


def _curation_info(asked: Description) -> dict[str, Any]:
    moment = datetime.strptime(asked.stamp, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    return {
        "curation_date": iso(moment),
        "curation_id": asked.dataset_id,
        "data_source": asked.origin.data_source,
        "query_file": asked.origin.query_file,
        "run_fingerprint": asked.fingerprint,
    }


def _query_parameters(asked: Description) -> dict[str, Any]:
    return {
        "time_window": f"({iso(asked.begin)}, {iso(asked.as_of)}]",
        "window": asked.config["window"],
        "as_of": iso(asked.as_of),
        "events": list(asked.origin.events),
        "cluster": asked.origin.cluster,
        "database": asked.origin.database,
    }


def _stratification(asked: Description) -> dict[str, Any]:
    targets = {
        group.key: {"turn_range": list(asked.ranges[group.bucket]), "target_count": group.target}
        for group in asked.groups.values()
    }
    tree = by_group(targets, with_splits=asked.with_splits)
    if asked.shares is not None:
        ranges = {name: list(pair) for name, pair in bounds(asked.shares).items()}
        by_id = asked.config["split_by"] == "conversation"
        method = "h(conversationId) % 100" if by_id else "h(smallest conversationId of the split unit) % 100"
        tree["split_assignment"] = {"method": method, **ranges}
    return {**tree, "total_target": sum(group.target for group in asked.groups.values())}


def _actual_counts(asked: Description, outcome: Outcome) -> dict[str, Any]:
    counts = {group.key: outcome.written[group.key]["records"] for group in asked.groups.values()}
    tree = by_group(counts, with_splits=asked.with_splits)
    if asked.with_splits:
        for split in tree.values():
            split["total"] = sum(split.values())
    return {**tree, "total": sum(counts.values())}


def _warnings(outcome: Outcome) -> dict[str, Any]:
    written: Counter[str] = Counter()
    for group in outcome.written.values():
        written.update(group["warnings"])
    return {
        "candidates": {name: outcome.candidate_warnings.get(name, 0) for name in WARNINGS},
        "written": {name: written[name] for name in WARNINGS},
    }


def dataset_id(prefix: str, total_target: int, window: str, stamp: str) -> str:
    """Return the data set's name, from the values used (contract §4)."""
    total = f"{total_target // 1000}k" if total_target and total_target % 1000 == 0 else str(total_target)
    return f"{prefix}_{total}_complete_stratified_deduped_{window}_{stamp}"


def versions() -> dict[str, str]:
    """Return the versions of what shapes the output."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def by_group(values: Mapping[str, Any], *, with_splits: bool) -> dict[str, Any]:
    """Return values keyed `split/bucket` as a tree, or by bucket alone without splits."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        split, bucket = key.split("/")
        (tree.setdefault(split, {}) if with_splits else tree)[bucket] = value
    return tree


def iso(moment: datetime) -> str:
    """Return a UTC time as ISO 8601 with Z."""
    return moment.isoformat().replace("+00:00", "Z")
