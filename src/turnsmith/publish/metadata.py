"""`metadata.json`: what was asked, what was done with every event and conversation, and what lies where.

The groups of the first pipeline's schema are kept; docs/metadata.md describes every key.
"""

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from turnsmith.curate.sample import Group, Shortfall
from turnsmith.curate.split import bounds
from turnsmith.curate.validate import WARNINGS

LIBRARIES = ("turnsmith", "duckdb", "ibis-framework", "pyarrow", "msgspec")


def dataset_id(prefix: str, total_target: int, window: str, stamp: str) -> str:
    """Return the data set's name, from the values used (contract §4)."""
    total = f"{total_target // 1000}k" if total_target and total_target % 1000 == 0 else str(total_target)
    return f"{prefix}_{total}_complete_stratified_deduped_{window}_{stamp}"


def versions() -> dict[str, str]:
    """Return the versions of what shapes the output."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def stratification(
    groups: Mapping[str, Group], ranges: Mapping[str, Sequence[int]], shares: Mapping[str, int] | None
) -> dict[str, Any]:
    """Return turn ranges and targets by split and bucket, with how the splits are assigned."""
    targets = by_group(
        {
            group.key: {"turn_range": list(ranges[group.bucket]), "target_count": group.target}
            for group in groups.values()
        },
        with_splits=shares is not None,
    )
    total = {"total_target": sum(group.target for group in groups.values())}
    if shares is None:
        return {**targets, **total}
    assignment = {
        "method": "h(conversationId) % 100",
        **{name: list(pair) for name, pair in bounds(shares).items()},
    }
    return {**targets, "split_assignment": assignment, **total}


def by_group(values: Mapping[str, Any], *, with_splits: bool) -> dict[str, Any]:
    """Return values keyed `split/bucket` as a tree, or by bucket alone without splits."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        split, bucket = key.split("/")
        (tree.setdefault(split, {}) if with_splits else tree)[bucket] = value
    return tree


def with_totals(counts: Mapping[str, int], *, with_splits: bool) -> dict[str, Any]:
    """Return counts by group as a tree with a `total` on each level."""
    tree = by_group(counts, with_splits=with_splits)
    if with_splits:
        for split in tree.values():
            split["total"] = sum(split.values())
    return {**tree, "total": sum(counts.values())}


def shortfall_entries(found: Sequence[Shortfall]) -> list[dict[str, Any]]:
    """Return shortfalls as they stand in the file."""
    return [
        {"group": s.group, "wanted": s.wanted, "available": s.available, "window_factor": s.window_factor}
        for s in found
    ]


def iso(moment: datetime) -> str:
    """Return a UTC time as ISO 8601 with Z."""
    return moment.isoformat().replace("+00:00", "Z")


def all_warnings(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the count of every warning there is, zeros included."""
    return {name: counts.get(name, 0) for name in WARNINGS}
