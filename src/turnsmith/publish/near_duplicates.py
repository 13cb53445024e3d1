"""`near_duplicates.jsonl`: the conversations that were dropped for being near one that stays, by id.

`near` is the conversation that stays, which need not be in the set: it may not have been sampled. It is null where
that one was forgotten since.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.files import HashingWriter, writing

NAME = "near_duplicates.jsonl"
DIGITS = 6


def write_near_duplicates(
    folder: Path, dropped: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, str | int]]:
    """Write `conversationId`, `near` and `similarity` of each entry, in the order of the ids; return the checksum."""
    with writing(folder / NAME) as part, part.open("wb") as file:
        writer = HashingWriter(file)
        for entry in dropped:
            line = {
                "conversationId": entry["conversationId"],
                "near": entry["near"],
                "similarity": round(entry["similarity"], DIGITS),
            }
            writer.write(msgspec.json.encode(line) + b"\n")
    return {NAME: writer.checksum}
