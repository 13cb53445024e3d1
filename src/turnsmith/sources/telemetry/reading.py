"""Read blocks of events into the three flat tables with DuckDB.

Ordinary rows are read in bulk by SQL; the rest (`regular` is false) one by one by `events.read_event`,
whose word counts. What is written per block is partitioned by message: everything about a turn is keyed
by its `messageId`, whatever conversation it belongs to.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from turnsmith.engines.duckdb import one, write_parquet
from turnsmith.sources.telemetry import bulk_sql, events, schema
from turnsmith.sources.telemetry.blocks import Block

SAMPLES = 20
TABLES = {"messages": schema.MESSAGES, "llm_rows": schema.LLM_ROWS, "turn_facts": schema.TURN_FACTS}
ARROW_TYPES = {"string": pa.string(), "int64": pa.int64()}


@dataclass(slots=True)
class BlockCounts:
    """Account for every row of a block; `lines` counts blank ones too.

    `bad` holds the first malformed rows as (row, reason); `first` and `last` bound the times of known events.
    """

    lines: int = 0
    rows: int = 0
    malformed: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, str]] = field(default_factory=list)
    first: int | None = None
    last: int | None = None


def read_block(
    cursor: duckdb.DuckDBPyConnection,
    block: Block,
    window: events.Window,
    parts: int,
    stem: Path,
    *,
    canonical: bool,
) -> BlockCounts:
    """Write a block's flat rows to `<stem>.messages.parquet` and its siblings; return the counts.

    Every file has a column `part`, the message's partition below `parts`, and is sorted by it.
    """
    cursor.register("block", block.table)
    for kind in TABLES:
        query = bulk_sql.bulk(kind, block.table, window, canonical=canonical)
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE read_{kind} AS {query}")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE read_others AS {bulk_sql.others(block.table)}")
    counts = _count_bulk_rows(cursor, block.table.num_rows)
    odd = _read_odd_rows(cursor, block, window, counts)
    for kind, columns in TABLES.items():
        arrow_schema = pa.schema([(column, ARROW_TYPES[type_]) for column, type_ in columns.items()])
        cursor.register(f"odd_{kind}", pa.Table.from_pylist(odd[kind], arrow_schema))
        cursor.execute(
            f"CREATE OR REPLACE TEMP VIEW {kind} AS "
            f"SELECT * EXCLUDE (row, fate) FROM read_{kind} WHERE fate = 'used' "
            f"UNION ALL BY NAME SELECT * FROM odd_{kind}"
        )
    for name, query in bulk_sql.OUTPUTS.items():
        write_parquet(cursor, query.format(parts=parts), stem.with_name(f"{stem.name}.{name}.parquet"))
    return counts


_FATES = " UNION ALL ".join(f"SELECT row, fate FROM read_{kind}" for kind in (*TABLES, "others"))


def _count_bulk_rows(cursor: duckdb.DuckDBPyConnection, lines: int) -> BlockCounts:
    query = f"SELECT fate, count(*) FROM ({_FATES}) WHERE fate != 'odd' GROUP BY fate"
    fates = Counter(dict(cursor.execute(query).fetchall()))
    times = " UNION ALL ".join(f"SELECT time FROM read_{kind}" for kind in TABLES)
    first, last = one(cursor, f"SELECT min(time), max(time) FROM ({times})")
    return BlockCounts(lines=lines, rows=fates.total(), fates=fates, first=first, last=last)


def _read_odd_rows(
    cursor: duckdb.DuckDBPyConnection, block: Block, window: events.Window, counts: BlockCounts
) -> dict[str, list[dict[str, Any]]]:
    """Read the rows that SQL passed over; return the flat rows by table and add to the counts."""
    flat: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for (row,) in cursor.execute(f"SELECT row FROM ({_FATES}) WHERE fate = 'odd' ORDER BY row").fetchall():
        if is_blank(block, row):
            continue
        counts.rows += 1
        try:
            reading = events.read_event(event_at(block, row), window)
        except events.MalformedRowError as error:
            counts.malformed += 1
            if len(counts.bad) < SAMPLES:
                counts.bad.append((row, str(error)))
            continue
        counts.fates[reading.fate] += 1
        counts.wrong.update(reading.wrong)
        if reading.table is not None and reading.row is not None:
            flat[reading.table].append(reading.row)
    return flat


def is_blank(block: Block, row: int) -> bool:
    """Say whether a row is a blank line, which is no row at all."""
    if row in block.bad_utf8 or "line" not in block.table.column_names:
        return False
    return not block.table.column("line")[row].as_py().strip()


def event_at(block: Block, row: int) -> dict[str, Any]:
    """Return the event in a row as a dict; raises MalformedRowError."""
    if row in block.bad_utf8:
        raise events.MalformedRowError("not valid UTF-8")
    if "line" in block.table.column_names:
        return events.decode_line(block.table.column("line")[row].as_py())
    event = {name: block.table.column(name)[row].as_py() for name in schema.COLUMNS}
    if isinstance(event["TimeGenerated"], int):
        event["TimeGenerated"] = events.Nanoseconds(event["TimeGenerated"])
    return event
