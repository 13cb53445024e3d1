"""The embedded engine: DuckDB connections under a memory limit, the portable hash, Parquet files."""

from pathlib import Path
from typing import Any

import duckdb

PORTABLE_HASH = "CREATE MACRO portable_hash(text) AS ('0x' || substr(sha256(text), 1, 15))::BIGINT"


def connect(memory_limit: int, spill_folder: Path) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that spills to `spill_folder` beyond `memory_limit` bytes.

    Each query runs in the thread that asks: work is spread over threads by shard, part and chunk, and
    helpers inside a query on top of that only get in each other's way.
    """
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_limit}B",
            "threads": 1,
            "temp_directory": str(spill_folder),
            "preserve_insertion_order": False,
            "enable_object_cache": True,
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(PORTABLE_HASH)
    return connection


def quoted(text: str | Path) -> str:
    """Return a SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def file_list(paths: list[Path]) -> str:
    """Return a SQL list literal of file names, for `read_parquet`."""
    return "[" + ", ".join(quoted(path) for path in paths) + "]"


def write_parquet(
    cursor: duckdb.DuckDBPyConnection, query: str, path: Path, row_group_rows: int = 2048
) -> None:
    """Write what a query returns to a Parquet file; several small row groups let readers skip."""
    cursor.execute(
        f"COPY ({query}) TO {quoted(path)} (FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE {row_group_rows})"
    )


def one(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Return the only row of a query's result."""
    row = cursor.execute(query).fetchone()
    assert row is not None
    return row
