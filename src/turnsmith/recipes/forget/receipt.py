"""The deletion receipt: counts and keyed hashes, no contents and no names.

A conversation id is random, so whoever knows one can find its HMAC under the receipt's salt and prove that it went,
and nobody can guess it. A user name can be guessed, with or without a salt; so users are only counted.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from turnsmith.publish import metadata
from turnsmith.recipes.forget.asking import Asked
from turnsmith.recipes.forget.stored import Stored

PREFIX = "FORGOTTEN_"


def receipt_name(dataset_id: str) -> str:
    """Return the name of the receipt that lies beside a new version."""
    return f"{PREFIX}{dataset_id}.json"


def digest(salt: bytes, conversation: str) -> str:
    """Return the HMAC-SHA256 of a conversation id under the receipt's salt, as hex digits."""
    return hmac.new(salt, conversation.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def make_receipt(
    stored: Stored,
    asked: Asked,
    salt: bytes,
    ids: Iterable[str],
    removed: Mapping[str, Any],
    new: Mapping[str, Any],
    kept_old: bool,
    not_searched: Sequence[str],
) -> dict[str, Any]:
    """Return the content of a receipt; `new` is the new version's metadata, `ids` the removed conversations.

    `not_searched` names files beside the set that may hold something of them, too.
    """
    old_counts, counts = records_by_group(stored.metadata), records_by_group(new)
    gone: Mapping[str, int] = removed["records"]
    return {
        "previous_id": stored.path.name,
        "dataset_id": new["curation_info"]["curation_id"],
        "date": new["curation_info"]["curation_date"],
        "asked": {"users": len(asked.users), "conversations": len(asked.conversations)},
        "removed": dict(removed),
        "refilled": {
            key: filled
            for key, count in counts.items()
            if (filled := count - old_counts[key] + gone.get(key, 0))
        },
        "short": new["shortfalls"],
        "candidates_kept": stored.kept is not None,
        "not_searched": list(not_searched),
        "previous_version": "kept" if kept_old else "deleted",
        "previous_checksums": stored.metadata["checksums"],
        "checksums": new["checksums"],
        "hash": "HMAC-SHA256 of the conversation id, with the salt as key",
        "salt": salt.hex(),
        "conversations": sorted(digest(salt, each) for each in ids),
        "versions": metadata.versions(),
    }


def records_by_group(content: Mapping[str, Any]) -> dict[str, int]:
    """Return the records of a set by `split/bucket`, or by bucket without splits."""
    counts: dict[str, int] = {}
    for key, value in content["actual_counts"].items():
        if isinstance(value, dict):
            counts |= {f"{key}/{bucket}": n for bucket, n in value.items() if bucket != "total"}
        elif key != "total":
            counts[f"all/{key}"] = value
    return counts
