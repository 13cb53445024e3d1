"""What names a record that another program made for training."""

import hashlib
from typing import Any

from turnsmith.sources.logs.values import json_text, string, table

_KEYS = ("id", "conversation_id", "uuid", "hash")


def identity(record: dict[str, Any], place: str) -> str:
    """Return the id that a record has, in `meta` or beside it, else one made from its content.

    So the same record has the same id in whatever file it stands; only where JSON can't write it, it is by place.
    """
    for holder in (table(record.get("meta")), record):
        for key in _KEYS:
            value = holder.get(key)
            if string(value).strip():
                return string(value)
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
    written = json_text(record)
    return hashlib.sha256((place if written is None else written).encode("utf-8", "replace")).hexdigest()[:16]
