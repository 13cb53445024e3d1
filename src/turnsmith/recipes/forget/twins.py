"""Near duplicates that an export dropped: those to be forgotten leave its list, and nothing names them any more.

A conversation that was dropped for being near a forgotten one stays dropped: it nearly repeats what is to go.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import msgspec

from turnsmith.core.errors import InputError
from turnsmith.core.lines import read_lines
from turnsmith.curate.split import split_of
from turnsmith.publish.near_duplicates import NAME
from turnsmith.recipes.forget.asking import Matching
from turnsmith.recipes.forget.stored import DAMAGED, Stored
from turnsmith.recipes.keeping import NEAR
from turnsmith.sources.telemetry.chunks import NO_SPLIT


@dataclass(slots=True)
class Twins:
    """Hold the entries that stay and those that go, and how many of the first named one that goes.

    `dropping` tells whether the set dropped near duplicates at all.
    """

    dropping: bool
    left: list[dict[str, Any]] = field(default_factory=list)
    gone: list[dict[str, Any]] = field(default_factory=list)
    unnamed: int = 0

    @property
    def ids(self) -> list[str]:
        """Return the ids of those that go."""
        return [entry["conversationId"] for entry in self.gone]

    def gone_by_split(self) -> Counter[str]:
        """Return how many go by the split that the funnel counts them under."""
        return Counter(entry["split"] for entry in self.gone)


def purge_twins(stored: Stored, matching: Matching, gone: Collection[str]) -> Twins:
    """Return what becomes of the dropped near duplicates; `gone` are the candidates that go.

    Raises InputError for a list that can't be read.
    """
    if "near_duplicates" not in stored.metadata:
        return Twins(dropping=False)
    users, twins = _users(stored), Twins(dropping=True)
    taken = {*gone, *matching.conversations}
    for entry in _entries(stored):
        key = entry["conversationId"]
        entry["userName"] = users.get(key)
        if matching.takes(key, users.get(key)):
            twins.gone.append(entry)
            continue
        if entry["near"] in taken:
            entry["near"] = None
            twins.unnamed += 1
        twins.left.append(entry)
    return twins


def _entries(stored: Stored) -> list[dict[str, Any]]:
    found = []
    for number, line in read_lines(str(stored.path / NAME)):
        try:
            entry = msgspec.json.decode(line)
            key = entry["conversationId"]
            split = split_of(key, stored.config["splits"]) if stored.with_splits else NO_SPLIT
            found.append(
                {
                    "conversationId": key,
                    "near": entry["near"],
                    "similarity": float(entry["similarity"]),
                    "split": split,
                }
            )
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{stored.path / NAME}:{number}: no dropped conversation; {DAMAGED}") from error
    return found


def _users(stored: Stored) -> dict[str, str | None]:
    """Return the users of dropped conversations by id, as far as they were kept."""
    if stored.kept is None or not (stored.kept / NEAR).exists():
        return {}
    lines = (msgspec.json.decode(line) for _, line in read_lines(str(stored.kept / NEAR)))
    return {line["conversationId"]: line["userName"] for line in lines}
