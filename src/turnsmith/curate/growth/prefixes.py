"""Which conversations are the beginning of another one: found by hashes, to be proven by digests.

A conversation is its messages but for the system's, which a client often changes between two saves. It has one
64-bit hash for each of its beginnings. A conversation whose last hash is among those of another one began the same.
"""

import hashlib
import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from turnsmith.core.chat import Example
from turnsmith.curate.clean.exact import said

SYSTEM = ("system", "developer")
HASH_BYTES = 8
BLOCK = 1 << 20
NONE = -1

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what was said in a conversation: one encoding for each message, and one of the system's together."""

    messages: list[bytes]
    system: bytes


def said_in(record: Example) -> Said | None:
    """Return what was said in a chat example or a curated conversation; None for anything else and without messages."""
    messages = _messages_of(record)
    if messages is None or not all(isinstance(each, dict) for each in messages):
        return None
    own = [_encoded(said(each)) for each in messages if each.get("role") not in SYSTEM]
    system = [said(each) for each in messages if each.get("role") in SYSTEM]
    return Said(own, _encoded(system)) if own else None


def _messages_of(record: Example) -> list[Any] | None:
    if isinstance(record.get("messages"), list):
        return list(record["messages"])
    turns = record.get("turnsArray")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return None
    names = (("user", "userMessage"), ("assistant", "modelMessage"))
    return [{"role": role, "content": turn.get(key)} for turn in turns for role, key in names]


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Suspects:
    """Hold pairs to prove: the first `length` messages of `keeper` are all of `row`; `grown` or else equal."""

    row: Ints
    keeper: Ints
    length: Ints
    grown: npt.NDArray[np.bool_]


class Beginnings:
    """Collect the hashes of all beginnings, 8 bytes for each message, and 24 for each conversation."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._rows = array("q")
        self._lengths = array("q")
        self._systems = array("Q")

    def add(self, row: int, conversation: Said) -> None:
        """Add the conversation of a row; rows come in ascending order."""
        before = b""
        for message in conversation.messages:
            before = hashlib.blake2b(message, digest_size=HASH_BYTES, key=before).digest()
            self._hashes.append(int.from_bytes(before, "little"))
        self._rows.append(row)
        self._lengths.append(len(conversation.messages))
        self._systems.append(
            int.from_bytes(hashlib.blake2b(conversation.system, digest_size=HASH_BYTES).digest(), "little")
        )

    def suspects(self) -> Suspects:
        """Return for each conversation that is a beginning its longest other, or for a copy the first one.

        Of two that say the same, the later is a copy only where the system's messages are the same, too.
        """
        rows, lengths = np.array(self._rows, np.int64), np.array(self._lengths, np.int64)
        hashes = np.array(self._hashes, np.uint64)
        full = hashes[np.cumsum(lengths) - 1] if len(rows) else hashes
        wholes, group = np.unique(full, return_inverse=True)
        longest = self._longest_of(wholes, hashes, lengths)
        keeper = longest[group]
        grown = (keeper != NONE) & (lengths[keeper] > lengths)
        firsts = self._first_copies(full)
        is_copy = ~grown & (firsts != np.arange(len(rows)))
        keeper[is_copy] = firsts[is_copy]
        found = np.flatnonzero(grown | is_copy)
        return Suspects(rows[found], rows[keeper[found]], lengths[found], grown[found])

    def _longest_of(self, wholes: Hashes, hashes: Hashes, lengths: Ints) -> Ints:
        """Return for each whole conversation the longest that begins with it, the first of equals; NONE without."""
        best = np.full(len(wholes), NONE, np.int64)
        for owners, begin, end in _blocks(lengths):
            some = hashes[begin:end]
            owner = np.repeat(owners, lengths[owners])
            is_last = np.zeros(end - begin, bool)
            is_last[np.cumsum(lengths[owners]) - 1] = True
            place = np.minimum(np.searchsorted(wholes, some), len(wholes) - 1)
            hit = (wholes[place] == some) & ~is_last
            order = np.lexsort(
                (-owner[hit], lengths[owner[hit]])
            )  # the last one written is the longest, the first
            for whole, candidate in zip(place[hit][order].tolist(), owner[hit][order].tolist(), strict=True):
                if best[whole] == NONE or lengths[candidate] > lengths[best[whole]]:
                    best[whole] = candidate
                elif lengths[candidate] == lengths[best[whole]]:
                    best[whole] = min(best[whole], candidate)
        return best

    def _first_copies(self, full: Hashes) -> Ints:
        """Return for each conversation the first that says the same, the system's messages included."""
        systems = np.array(self._systems, np.uint64)
        order = np.lexsort((systems, full))
        fresh = np.ones(len(order), bool)
        fresh[1:] = (full[order][1:] != full[order][:-1]) | (systems[order][1:] != systems[order][:-1])
        firsts = np.empty(len(order), np.int64)
        firsts[order] = order[fresh][np.cumsum(fresh) - 1]
        return firsts


def _blocks(lengths: Ints) -> Iterator[tuple[Ints, int, int]]:
    """Yield conversations in runs with their range of hashes, about a million at a time."""
    ends = np.cumsum(lengths)
    first = begin = 0
    while first < len(lengths):
        last = max(int(np.searchsorted(ends, begin + BLOCK, "right")), first + 1)
        end = int(ends[last - 1])
        yield np.arange(first, last), begin, end
        first, begin = last, end


def digest(messages: list[bytes]) -> bytes:
    """Return 32 bytes that only conversations with the same messages share."""
    running = hashlib.sha256()
    for message in messages:
        running.update(b"%d:" % len(message))
        running.update(message)
    return running.digest()
