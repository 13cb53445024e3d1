"""Event files into a table `AppEvents` of DuckDB, as Kusto would hold them.

Ordinary rows are read in bulk. The rest (half a surrogate pair, numbers that JSON lacks, odd times) is read
one by one with the rules of `events`; rows that are no event at all are counted and left out.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from turnsmith.sources.telemetry import events
from turnsmith.sources.telemetry.blocks import Block, read_blocks
from turnsmith.sources.telemetry.inputs import find_files, plan_shards
from turnsmith.sources.telemetry.reading import event_at, is_blank

TABLE = "AppEvents"
COLUMN_TYPES = {
    "TimeGenerated": "datetime",
    "Name": "string",
    "Properties": "dynamic",
    "Measurements": "dynamic",
}
_SHAPE = '{"TimeGenerated": "VARCHAR", "Name": "VARCHAR", "Properties": "JSON", "Measurements": "JSON"}'
_TIME = "____-__-__T__:__:__%Z"


@dataclass(slots=True)
class Loaded:
    """Account for the rows of the files."""

    rows: int = 0
    malformed: int = 0


def load_events(connection: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> Loaded:
    """Create the table and fill it from files, folders and globs.

    Raises InputError for a file that can't be used.
    """
    shards = plan_shards(find_files(paths))
    connection.execute(
        f"CREATE TABLE {TABLE} (TimeGenerated TIMESTAMP_NS, Name VARCHAR, Properties JSON, Measurements JSON)"
    )
    loaded = Loaded()
    for shard in shards:
        for block in read_blocks(shard):
            _load_block(connection, block, loaded)
    return loaded


def _load_block(connection: duckdb.DuckDBPyConnection, block: Block, loaded: Loaded) -> None:
    connection.register("block", block.table)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE parsed AS {_bulk(block.table)}")
    connection.execute(
        f"INSERT INTO {TABLE} SELECT time, name, properties, measurements FROM parsed WHERE ordinary ORDER BY row"
    )
    odd = connection.execute("SELECT row FROM parsed WHERE NOT ordinary ORDER BY row").fetchall()
    rows = []
    for (number,) in odd:
        if is_blank(block, number):
            continue
        loaded.rows += 1
        try:
            rows.append(_read(event_at(block, number)))
        except events.MalformedRowError:
            loaded.malformed += 1
    if rows:
        connection.executemany(f"INSERT INTO {TABLE} VALUES (make_timestamp_ns(?), ?, ?, ?)", rows)
    loaded.rows += block.table.num_rows - len(odd)
    connection.unregister("block")


def _bulk(block: pa.Table) -> str:
    """Return SQL for `row`, the four columns, and whether the row is ordinary."""
    if "line" in block.column_names:
        source = f"SELECT row, TRY(json_transform(line, '{_SHAPE}')) AS e FROM block"
        columns = "e.TimeGenerated AS t, e.Name AS name, e.Properties AS p, e.Measurements AS m"
    else:
        source = "SELECT row, TimeGenerated, Name, Properties, Measurements FROM block"
        bags = "TRY_CAST(Properties AS JSON) AS p, TRY_CAST(Measurements AS JSON) AS m"
        columns = f"TimeGenerated AS t, Name AS name, {bags}"
    is_number = "line" not in block.column_names and block.schema.field("TimeGenerated").type == pa.int64()
    moment = (
        "make_timestamp_ns(t)"
        if is_number
        else f"CASE WHEN t LIKE '{_TIME}' THEN TRY_CAST(t AS TIMESTAMP_NS) END"
    )
    return f"""
        SELECT *, time IS NOT NULL AND name IS NOT NULL AND json_type(properties) = 'OBJECT'
                  AND json_type(measurements) = 'OBJECT' AS ordinary
        FROM (SELECT row, {moment} AS time, name, {_bag("p")} AS properties, {_bag("m")} AS measurements
              FROM (SELECT row, {columns} FROM ({source})))"""


def _bag(value: str) -> str:
    """Return SQL that takes an object out of a string that holds one, and an empty one for null."""
    return f"""CASE WHEN {value} IS NULL OR json_type({value}) = 'NULL' THEN '{{}}'::JSON
        WHEN json_type({value}) = 'VARCHAR' THEN TRY_CAST({value} ->> '$' AS JSON) ELSE {value} END"""


def _read(event: dict[str, Any]) -> tuple[int, str, str, str]:
    name = event.get("Name")
    if not isinstance(name, str):
        raise events.MalformedRowError("Name is missing or not a string")
    time = events.parse_time(event.get("TimeGenerated"))
    return time, name, _mended(event.get("Properties")), _mended(event.get("Measurements"))


def _mended(value: Any) -> str:
    """Return an object as valid JSON, long texts joined first: a part may end within a character."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except (ValueError, RecursionError) as error:
            raise events.MalformedRowError("a string that holds no JSON") from error
    if not isinstance(value, dict | None):
        raise events.MalformedRowError("not an object")
    bag = value or {}
    joined = events.join_parts(bag)
    texts = {key: joined[key] for key in bag if joined is bag or not _is_joined_part(key, bag)}
    return json.dumps(_storable(texts), ensure_ascii=False)


def _storable(value: Any) -> Any:
    """Return a JSON value without what Kusto can't hold: half surrogate pairs, NaN and infinity."""
    if isinstance(value, str):
        return events.mend_surrogates(value)
    if isinstance(value, dict):
        return {events.mend_surrogates(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_joined_part(key: str, bag: dict[str, Any]) -> bool:
    name, _, number = key.rpartition("_")
    return len(number) > 1 and number.isdecimal() and isinstance(bag.get(name), str)
