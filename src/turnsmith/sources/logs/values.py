"""Values out of other people's JSON: whatever stands there, the answer has the type that was asked for."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from turnsmith.core.chat import text_of

Record = dict[str, Any]

LARGEST = 1 << 53


def table(value: Any) -> Record:
    """Return a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def tables(value: Any) -> list[Record]:
    """Return the JSON objects of an array."""
    return [item for item in items(value) if isinstance(item, dict)]


def string(value: Any) -> str:
    """Return a text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """Return a whole number from 0 to 2**53, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= LARGEST else None


def shown(value: Any) -> str:
    """Return what a tool gave back as text: parts joined, other structures as JSON, nothing for null."""
    if isinstance(value, str | list):
        return text_of(value)
    return "" if value is None else msgspec.json.encode(value).decode()


def as_json(value: Any) -> str:
    """Return a value as JSON text; a text is taken for JSON already, nothing at all for an empty object."""
    if isinstance(value, str):
        return value or "{}"
    return "{}" if value is None else msgspec.json.encode(value).decode()


def json_text(value: Any) -> str | None:
    """Return a value as JSON text, None where JSON has no way to write it."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None


def joined(*parts: str) -> str:
    """Return the parts that are not blank, a blank line between them."""
    return "\n\n".join(part for part in parts if part.strip())


def instant(value: Any) -> str | None:
    """Return a time as ISO 8601 in UTC with milliseconds; None where there is none.

    `value` is a text in ISO 8601 (taken for UTC where it names no zone), or milliseconds since 1970.
    """
    return _utc(value, 1000) if isinstance(value, str) or count(value) else None


def utc(value: Any) -> str | None:
    """Do the same as `instant` where numbers are seconds since 1970."""
    return _utc(value, 1)


def _utc(value: Any, per_second: int) -> str | None:
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            time = datetime.fromtimestamp(value / per_second, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
