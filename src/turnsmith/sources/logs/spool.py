"""Put transcripts aside on disk, and give back each conversation once.

A session is often there several times: saved again as it grew, or copied into the file that resumes it. Which
copy is the longest is known only at the end, so texts wait in a temporary file and memory holds eight bytes for
each message.
"""

import hashlib
import tempfile
from array import array
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from turnsmith.curate.account import Account
from turnsmith.sources.logs.transcript import Message, Transcript

SAVED_AGAIN = "saved again in another copy"
DIFFERS = "copies of one session that differ"


class _Copy(NamedTuple):
    offset: int
    size: int
    segment: int
    keys: "array[int]"


class Spool:
    """Take transcripts of all files, then yield those that no other copy of the same session holds whole."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="turnsmith-")  # noqa: SIM115 - closed by __exit__
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Transcript)
        self._sessions: dict[tuple[str, str], list[_Copy]] = {}
        self._end = 0
        self.count = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, transcript: Transcript) -> None:
        """Put a transcript aside."""
        encoded = self._encoder.encode(transcript)
        self._file.write(encoded)
        copy = _Copy(self._end, len(encoded), transcript.segment, array("q", map(_key, transcript.messages)))
        self._sessions.setdefault((transcript.source, transcript.id), []).append(copy)
        self._end += len(encoded)
        self.count += 1

    def unique(self, account: Account) -> Iterator[Transcript]:
        """Yield the transcripts in the order they came, without those that another copy holds whole.

        Copies of one session that differ are all kept; from the second on their ids end in `#2`, `#3`.
        """
        kept: list[tuple[_Copy, int]] = []
        for copies in self._sessions.values():
            kept += _without_copies(copies)
        account.read += self.count
        account.kept += len(kept)
        if self.count > len(kept):
            account.dropped[SAVED_AGAIN] += self.count - len(kept)
        for copy, number in sorted(kept, key=lambda each: each[0].offset):
            self._file.seek(copy.offset)
            transcript = self._decoder.decode(self._file.read(copy.size))
            if number > 1:
                account.note(DIFFERS)
                transcript.id = f"{transcript.id}#{number}"
            yield transcript


def _without_copies(copies: list[_Copy]) -> list[tuple[_Copy, int]]:
    """Return the copies of a session that no other one holds whole, numbered within their segment."""
    if len(copies) == 1:
        return [(copies[0], 1)]
    kept: list[_Copy] = []
    sets: list[set[int]] = []
    for copy in sorted(copies, key=lambda each: (-len(set(each.keys)), -each.size, each.offset)):
        keys = set(copy.keys)
        if not any(keys <= larger for larger in sets):
            kept.append(copy)
            sets.append(keys)
    numbers: dict[int, int] = {}
    numbered = []
    for copy in sorted(kept, key=lambda each: each.offset):
        numbers[copy.segment] = numbers.get(copy.segment, 0) + 1
        numbered.append((copy, numbers[copy.segment]))
    return numbered


def _key(message: Message) -> int:
    """Return what stands for a message in all its copies: its id, or else what it says."""
    name = message.id or f"{message.text}\0{message.reasoning}\0{message.tool_calls}"
    digest = hashlib.blake2b(f"{message.role}\0{name}".encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)
