"""Values out of other people's JSON: whatever stands there, the answer has the type that was asked for."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from turnsmith.core.chat import text_of

Record = dict[str, Any]

LARGEST = 1 << 53


def record(value: Any) -> Record:
    """Return a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []


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


def instant(value: Any) -> str | None:
    """Return a time as ISO 8601 in UTC with milliseconds; None where there is none.

    `value` is a text in ISO 8601 (taken for UTC where it names no zone), or milliseconds since 1970.
    """
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        elif count(value):
            time = datetime.fromtimestamp(value / 1000, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
