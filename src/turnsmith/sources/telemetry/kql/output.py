"""A result as text or file: CSV, JSON, Parquet. Nested values are JSON text in CSV and Parquet."""

import csv
import io
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core.files import writing
from turnsmith.sources.telemetry.kql.parameters import timespan_text
from turnsmith.sources.telemetry.kql.result import Result

ARROW_TYPES = {
    "bool": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "real": pa.float64(), "string": pa.string(),
    "datetime": pa.timestamp("us", "UTC"), "timespan": pa.duration("us"),
}  # fmt: skip


def cell_text(value: Any) -> str:
    """Return a value as one cell of text."""
    if value is None:
        return ""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime | timedelta):
        return str(_json_value(value))
    return str(value)


def csv_text(result: Result) -> str:
    """Return the result as CSV with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in result.columns])
    writer.writerows([cell_text(value) for value in row] for row in result.rows)
    return text.getvalue()


def json_text(result: Result) -> str:
    """Return the result as a JSON array of objects, one a line."""
    lines = [
        json.dumps({key: _json_value(value) for key, value in row.items()}, ensure_ascii=False)
        for row in result.dicts()
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def write_parquet(result: Result, path: Path) -> None:
    """Write the result as a Parquet file, whole or not at all."""
    columns, fields = [], []
    for index, column in enumerate(result.columns):
        kind = ARROW_TYPES.get(column.type, pa.string())
        values = [row[index] for row in result.rows]
        if kind == pa.string():
            values = [None if value is None else cell_text(value) for value in values]
        columns.append(pa.array(values, kind))
        fields.append(pa.field(column.name, kind))
    with writing(path) as part:
        pq.write_table(pa.table(columns, schema=pa.schema(fields)), part, compression="zstd")


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, timedelta):
        return timespan_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | dict | list) else str(value)
