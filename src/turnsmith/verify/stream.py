"""Read a file as a stream: its bytes hashed on the way, its text through a window that moves along."""

from __future__ import annotations

import codecs
import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

CHUNK_BYTES = 1 << 20
MAX_RECORD_CHARACTERS = 1 << 26
SPACE = re.compile(r"[ \t\n\r]*")


class Row(NamedTuple):
    """Hold one record of a file, or what is wrong with it.

    `number` counts from 1, and is 0 where the problem lies between records; `line` is 0 where there are none.
    """

    number: int
    line: int
    value: Any
    problem: str = ""

    @property
    def where(self) -> str:
        """Return the position in words."""
        parts = [f"record {self.number}"] if self.number else []
        return ", ".join(parts + ([f"line {self.line}"] if self.line else []))


class Source:
    """Read a file in chunks; keep SHA-256 and count of bytes, and report progress (bytes of a chunk)."""

    def __init__(self, path: Path, on_progress: Callable[[int], None] | None = None) -> None:
        self._file = path.open("rb", buffering=0)
        self._hash = hashlib.sha256()
        self._on_progress = on_progress
        self.size = 0

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes, none at the end of the file."""
        data = self._file.read(count) or b""
        self._hash.update(data)
        self.size += len(data)
        if self._on_progress and data:
            self._on_progress(len(data))
        return data

    def drain(self) -> None:
        """Read to the end, for the hash only."""
        while self.read(CHUNK_BYTES):
            pass

    @property
    def sha256(self) -> str:
        """Return the hash of what was read so far, in hex."""
        return self._hash.hexdigest()


class Window:
    """Hold the stretch of a file's text that is being parsed; `pos` is the next character.

    Bytes that are no UTF-8 become lone surrogates and set `suspicious`.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tail = b""
        self._lines_before = 0
        self.text = ""
        self.pos = 0
        self.ended = False
        self.suspicious = False

    def line(self, pos: int) -> int:
        """Return the number of the line of `pos`, from 1."""
        return self._lines_before + self.text.count("\n", 0, pos) + 1

    def fill(self) -> bool:
        """Drop the text before `pos` and append as much again as is kept; tell whether there was more.

        Where there was none, nothing moves.
        """
        kept = len(self.text) - self.pos
        if self.ended or kept > MAX_RECORD_CHARACTERS:
            return False
        data = self._source.read(max(CHUNK_BYTES, kept))
        self.ended = not data
        if self.ended and not self._tail:
            return False
        self._lines_before += self.text.count("\n", 0, self.pos)
        self.text = self.text[self.pos :] + self._decode(self._tail + data)
        self.pos = 0
        return True

    def _decode(self, data: bytes) -> str:
        try:
            text, used = codecs.utf_8_decode(data, "strict", self.ended)
        except UnicodeDecodeError:
            text, used = codecs.utf_8_decode(data, "surrogateescape", self.ended)
            self.suspicious = True
        self._tail = data[used:]
        return text

    def peek(self) -> str:
        """Skip white space and return the next character, empty at the end."""
        while True:
            space = SPACE.match(self.text, self.pos)
            self.pos = space.end() if space else self.pos
            if self.pos < len(self.text):
                return self.text[self.pos]
            if not self.fill():
                return ""

    def find(self, mark: str) -> int:
        """Return the position of `mark` at or after `pos`, reading on as needed; -1 if there is none."""
        while (found := self.text.find(mark, self.pos)) < 0 and self.fill():
            pass
        return found

    def seek(self, mark: str) -> bool:
        """Move `pos` to the next `mark`, dropping what lies before; tell whether there is one."""
        while (found := self.text.find(mark, self.pos)) < 0:
            self.pos = max(self.pos, len(self.text) - len(mark) + 1)
            if not self.fill():
                return False
        self.pos = found
        return True
