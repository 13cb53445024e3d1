"""`invalid_records_*.json`: what validation refused, with every error of each record (contract §2.9)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from turnsmith.core.files import checksum, write_json

KEYS = ("conversationId", "bucket", "turnCount", "errors")


def write_invalid(
    folder: Path, invalid: Sequence[Mapping[str, Any]], splits: Sequence[str | None], stamp: str
) -> dict[str, dict[str, str | int]]:
    """Write one file per split that has invalid records (split None: no splits); return checksums by name."""
    written = {}
    for split in splits:
        entries = [entry for entry in invalid if split is None or entry["split"] == split]
        if entries:
            name = f"invalid_records_{split}_{stamp}.json" if split else f"invalid_records_{stamp}.json"
            write_json(folder / name, _content(entries))
            written[name] = checksum(folder / name)
    return written


def _content(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    texts = Counter(error for entry in entries for error in entry["errors"])
    return {
        "summary": {"total_invalid": len(entries), "error_summary": dict(sorted(texts.items()))},
        "invalid_records": [{key: entry[key] for key in KEYS} for entry in entries],
    }
