"""JSON files of any size, an item at a time: the items of an array, or values one after another."""

import re
from collections.abc import Iterator
from typing import IO

from turnsmith.core.errors import InputError
from turnsmith.core.lines import BOM

CHUNK = 1 << 20
LONGEST_ITEM = 256 << 20

# Strings are passed over whole, so that brackets in them don't count; possessive, so that a string that the
# chunk cuts costs one pass and no backtracking. A line end also ends a string: none is allowed within, so the
# quote that should be there is missing.
_PLAIN = rb"""(?:[^"\[\]{}%s]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+["\n])*+"""
_BRACKET = re.compile(_PLAIN % b"" + rb"([\[\]{}])", re.DOTALL)
_BRACKET_OR_COMMA = re.compile(_PLAIN % b"," + rb"([\[\]{},])", re.DOTALL)
_OPENER = {ord("}"): ord("{"), ord("]"): ord("[")}


def read_items(name: str, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield (index from 0, bytes) for each item of the arrays at the top of a file, and each object there.

    Bytes are not validated: what does not balance (a cut end, say) is an item too, for the caller to count.
    Memory follows the largest item. Raises InputError for an item beyond 256 MiB.
    """
    yield from enumerate(_Splitter(name, file).items())


class _Splitter:
    """Hold the window of a file that the item in work lies in."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self.file = name, file
        self.data = b""
        while len(self.data) < len(BOM) and (more := file.read(CHUNK)):
            self.data += more
        self.data = self.data.removeprefix(BOM)
        self.start = self.position = 0  # where the item in work starts, and how far it was looked at

    def items(self) -> Iterator[bytes]:
        """Yield the bytes of each item; blank ones, between two commas say, are none."""
        in_array = False
        while match := self._next(_BRACKET_OR_COMMA):
            mark = match[1]
            scalar = self._take(match.start(1))
            if scalar.strip():
                yield scalar
            if mark == b"{" or (mark == b"[" and in_array):
                self._to_end_of_item(match, in_array)
                yield self._take(self.position)
                continue
            mark = self._take(self.position)
            if mark in (b"[", b","):
                in_array = in_array or mark == b"["
            elif mark == b"]" and in_array:
                in_array = False
            else:  # closes what nothing opened
                yield mark
        rest = self.data[self.start :]
        if rest.strip():
            yield rest

    def _to_end_of_item(self, opening: re.Match[bytes], in_array: bool) -> None:
        """Move to the end of the item that a bracket opens, or to what shows that its end is missing."""
        stack = bytearray(opening[1])
        while stack:
            match = self._next(_BRACKET)
            if match is None:  # the file ends within the item
                self.position = len(self.data)
                return
            mark = match[1][0]
            if mark in b"[{":
                if stack[-1] == ord("{") and not self._follows_colon(match):  # so the item before has no end
                    self.position = match.start(1)
                    return
                stack.append(mark)
            elif (depth := stack.rfind(_OPENER[mark])) >= 0:
                del stack[depth:]  # more than one only where a bracket is missing
            elif mark == ord("]") and in_array:  # the end of the array around it
                self.position = match.start(1)
                return

    def _follows_colon(self, match: re.Match[bytes]) -> bool:
        end = match.start(1)
        return self.data[end - 1] == ord(":") or self.data[match.start() : end].rstrip().endswith(b":")

    def _next(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Return the next mark, read as much as it takes; None at the end of the file."""
        while True:
            if match := pattern.match(self.data, self.position):
                self.position = match.end()
                return match
            kept = len(self.data) - self.start
            if kept > LONGEST_ITEM:
                raise InputError(f"{self.name}: an item longer than 256 MiB; is this an export of chats?")
            # As much again, so that a long string is not looked through over and over.
            more = self.file.read(max(CHUNK, kept))
            if not more:
                return None
            self.data = self.data[self.start :] + more
            self.position -= self.start
            self.start = 0

    def _take(self, end: int) -> bytes:
        taken = self.data[self.start : end]
        self.start = end
        return taken
