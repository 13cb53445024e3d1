"""Values as Kusto writes them in JSON: datetimes and timespans as text, nested values as they are."""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from turnsmith.sources.telemetry.kql.parameters import timespan_text

DATA_TYPES = {
    "bool": "SByte", "int": "Int32", "long": "Int64", "real": "Double", "decimal": "SqlDecimal",
    "string": "String", "datetime": "DateTime", "timespan": "TimeSpan", "guid": "Guid", "dynamic": "Object",
}  # fmt: skip
Encoder = Callable[[Any], str]


def encoder(duckdb_type: str, kusto_type: str) -> Encoder:
    """Return what turns a column's values into JSON text; JSON goes through untouched."""
    if duckdb_type == "JSON":
        return lambda value: "null" if value is None else value
    if duckdb_type == "JSON[]":
        return lambda value: "null" if value is None else f"[{','.join(item or 'null' for item in value)}]"
    if kusto_type == "string":
        return lambda value: '""' if value is None else dumps(str(value))  # Kusto's strings are never null
    if kusto_type in ("guid", "decimal"):
        return lambda value: "null" if value is None else dumps(str(value))
    return lambda value: "null" if value is None else dumps(wire_value(value))


def dumps(value: Any) -> str:
    """Return JSON text without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=wire_value)


def wire_value(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, datetime):
        return datetime_text(value)
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, time):
        return timespan_text(datetime.combine(date.min, value) - datetime.min)
    if isinstance(value, timedelta):
        return timespan_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)


def datetime_text(moment: datetime) -> str:
    """Return a time in UTC with seven digits after the point, or none where they are all zero."""
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat() + ("0Z" if moment.microsecond else "Z")
