"""Values that may be of any type, because an export is what somebody else wrote."""

import json
from datetime import UTC, datetime
from typing import Any


def text(value: Any) -> str:
    """Return a string, "" for everything else."""
    return value if isinstance(value, str) else ""


def table(value: Any) -> dict[str, Any]:
    """Return an object, an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def array(value: Any) -> list[Any]:
    """Return an array, an empty one for everything else."""
    return value if isinstance(value, list) else []


def tables(value: Any) -> list[dict[str, Any]]:
    """Return the objects of an array."""
    return [item for item in array(value) if isinstance(item, dict)]


def json_text(value: Any) -> str | None:
    """Return a value as JSON text, None where JSON has no way to write it."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None


def utc(value: Any) -> str | None:
    """Return a time, epoch seconds or ISO 8601 (UTC where no offset is given), as ISO 8601 in UTC; None for others.

    Milliseconds are as fine as it gets, so that times of all sources compare as text.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def joined(*parts: str) -> str:
    """Return the parts that are not blank, a blank line between them."""
    return "\n\n".join(part for part in parts if part.strip())
