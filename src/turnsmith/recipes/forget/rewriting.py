"""Write the files of the new version from the candidates that are left, as an export does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.curate.sample import Group, fetched_texts, sampled_records
from turnsmith.curate.split_units import SplitBy
from turnsmith.engines.duckdb import file_list, quoted
from turnsmith.publish.invalid import write_invalid
from turnsmith.publish.units import write_units
from turnsmith.publish.writing import write_group
from turnsmith.recipes.forget.purging import Purged
from turnsmith.recipes.forget.stored import Stored


def write_data_files(
    stored: Stored, folder: Path, cursor: duckdb.DuckDBPyConnection, files: list[Path], group: Group
) -> dict[str, Any]:
    """Write a group's data file: the first candidates that are left; return checksum, counts and warnings."""
    sampled_records(cursor, files, group)
    return write_group(folder / stored.file_of(group), fetched_texts(cursor), stored.with_splits)


def write_other_files(
    stored: Stored, folder: Path, cursor: duckdb.DuckDBPyConnection, files: list[Path],
    invalid: Sequence[Mapping[str, Any]], stamp: str,
) -> dict[str, dict[str, str | int]]:  # fmt: skip
    """Write the files of invalid records and of split units; return their checksums by name."""
    splits = list(stored.config["splits"]) if stored.with_splits else [None]
    sums = write_invalid(folder, invalid, splits, stamp)
    if stored.config["split_by"] != SplitBy.conversation:
        sums |= write_units(folder, cursor, files, stored.groups.values())
    return sums


def gone_records(
    stored: Stored, cursor: duckdb.DuckDBPyConnection, files: list[Path], purged: Purged
) -> dict[str, int]:
    """Return how many records of each group went: candidates that had a place among those written."""
    gone = {}
    for group in stored.groups.values():
        places = purged.gone.get(group.key, [])
        if not places:
            continue
        left = cursor.execute(
            f"SELECT order_hash, conversation_id FROM read_parquet({file_list(files)}) "
            f"WHERE split = {quoted(group.split)} AND bucket = {quoted(group.bucket)} "
            f"ORDER BY order_hash, conversation_id LIMIT {group.target}"
        ).fetchall()
        first = sorted([*left, *places])[: group.target]
        if count := len(set(first) & set(places)):
            gone[group.key] = count
    return gone
