"""Unfinished runs beside a set: which of them hold something of what is to be forgotten."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from pyarrow.lib import ArrowException

from turnsmith.core.files import PART_SUFFIX
from turnsmith.core.runs import Run
from turnsmith.engines.duckdb import quoted
from turnsmith.recipes.forget.asking import Matching


def runs_with(
    run: Run, cursor: duckdb.DuckDBPyConnection, matching: Matching, gone: Iterable[str]
) -> list[Path]:
    """Return the unfinished runs that hold a conversation or a user to be forgotten, or may hold one.

    They go as a whole: what a run keeps is a cache, and the same command makes it again from the events.
    """
    cursor.execute("CREATE OR REPLACE TEMP TABLE gone_ids (conversation_id VARCHAR)")
    cursor.execute("CREATE OR REPLACE TEMP TABLE gone_users (user_name VARCHAR)")
    ids = sorted({*matching.conversations, *gone})
    cursor.execute("INSERT INTO gone_ids SELECT unnest($ids)", {"ids": ids})
    cursor.execute("INSERT INTO gone_users SELECT unnest($users)", {"users": sorted(matching.raw_users)})
    return [
        path
        for path in sorted(run.strangers)
        if any(_holds(file, cursor) for file in sorted(path.rglob("*.parquet")))
    ]


def scraps(run: Run) -> list[Path]:
    """Return what unfinished runs left half done, which their next start would clear: it can't be looked through."""
    found = []
    for path in sorted(run.strangers):
        found += [
            *sorted(path.rglob(f"*{PART_SUFFIX}")),
            *(folder for folder in [Run(run.home, path.name).spill] if folder.is_dir()),
        ]
    return found


def _holds(file: Path, cursor: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether a file of a run holds something to be forgotten; one that can't be read may do so.

    Only Parquet files are looked at: all other files of a run are made of those.
    """
    try:
        columns = pq.read_schema(file).names
    except (OSError, ArrowException):
        return True
    conditions = [
        f"{column} IN (SELECT {column} FROM {table})"
        for column, table in (("conversation_id", "gone_ids"), ("user_name", "gone_users"))
        if column in columns
    ]
    if not conditions:
        return False
    query = f"SELECT count(*) FROM read_parquet({quoted(file)}) WHERE {' OR '.join(conditions)}"
    row = cursor.execute(query).fetchone()
    return row is not None and row[0] > 0
