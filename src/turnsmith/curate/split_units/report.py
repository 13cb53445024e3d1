"""What split units did to the splits: groups, how far the shares moved, groups too big for a split."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.curate.split_units.connecting import SplitBy
from turnsmith.engines.duckdb import file_list, quoted

MOST_NAMED = 10


def describe_units(
    cursor: duckdb.DuckDBPyConnection,
    files: list[Path],
    by: SplitBy,
    shares: Mapping[str, int] | None,
    by_split: Mapping[str, int],
) -> dict[str, Any]:
    """Return metadata's `split_units`; `shares` are per cent (None without splits), `by_split` has the candidates.

    A group is too big for a split that should hold fewer candidates than the group has.
    """
    total = sum(by_split.values())
    report: dict[str, Any] = {"by": by.value, "candidates": total, "groups": total, "in_groups": 0}
    report["shares"] = {name: _share(name, by_split, share) for name, share in (shares or {}).items()}
    report["too_big"] = []
    if by is SplitBy.conversation or not shares:
        return report
    groups = (
        "SELECT unit, split, count(*) AS size, min(conversation_id) AS smallest_id "
        f"FROM read_parquet({file_list(files)}) WHERE split IN ({', '.join(map(quoted, shares))}) GROUP BY 1, 2"
    )
    row = cursor.execute(
        f"SELECT count(*), coalesce(sum(size) FILTER (size > 1), 0)::BIGINT FROM ({groups})"
    ).fetchone()
    assert row is not None
    report["groups"], report["in_groups"] = row
    smallest = min(share for share in shares.values() if share > 0)
    biggest = cursor.execute(
        f"SELECT smallest_id, size, split FROM ({groups}) WHERE size > 1 AND size * 100 > {smallest * total} "
        f"ORDER BY size DESC, smallest_id LIMIT {MOST_NAMED}"
    ).fetchall()
    report["too_big"] = [
        {
            "smallest_id": smallest_id,
            "candidates": size,
            "split": split,
            "too_big_for": [name for name, share in shares.items() if 0 < share * total < size * 100],
        }
        for smallest_id, size, split in biggest
    ]
    return report


def _share(name: str, by_split: Mapping[str, int], share: int) -> dict[str, Any]:
    total, found = sum(by_split.values()), by_split.get(name, 0)
    return {
        "expected": share / 100,
        "got": round(found / total, 4) if total else 0.0,
        "candidates": found,
    }
