"""Lines in the order of a hash, sorted in pieces on the disk, so that memory does not follow their size."""

import struct
from collections.abc import Iterator
from pathlib import Path

from turnsmith.core.lines import Write
from turnsmith.curate.merge.choosing import HASHES

BUCKET_BYTES = 32 << 20
MOST_BUCKETS = 1024
BUFFER_BYTES = 32 << 10
_HEADER = struct.Struct(">QL")


class Mixer:
    """Take lines with their 60-bit hashes and write them in the order of (hash, line), heads before all others."""

    def __init__(self, folder: Path, expected_bytes: int) -> None:
        self._folder = folder
        self._folder.mkdir()
        self._count = min(MOST_BUCKETS, expected_bytes // BUCKET_BYTES + 1)
        self._buffers = [bytearray() for _ in range(self._count)]
        self._heads: list[tuple[int, bytes]] = []

    def add(self, order: int, line: bytes, *, head: bool = False) -> None:
        """Take a line, its end included."""
        if head:
            self._heads.append((order, line))
            return
        number = order * self._count // HASHES
        buffer = self._buffers[number]
        buffer += _HEADER.pack(order, len(line)) + line
        if len(buffer) > BUFFER_BYTES:
            self._flush(number)

    def write_to(self, write: Write) -> None:
        """Write all lines and forget them."""
        for line in self.lines():
            write(line)

    def lines(self) -> Iterator[bytes]:
        """Yield all lines in order and forget them."""
        for _, line in sorted(self._heads):
            yield line
        for number in range(self._count):
            self._flush(number)
            path = self._path(number)
            if path.exists():
                for _, line in sorted(_entries(path.read_bytes())):
                    yield line
                path.unlink()

    def _flush(self, number: int) -> None:
        if self._buffers[number]:
            with self._path(number).open("ab") as file:
                file.write(self._buffers[number])
            self._buffers[number].clear()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:04}"


def _entries(data: bytes) -> list[tuple[int, bytes]]:
    entries = []
    at = 0
    while at < len(data):
        order, size = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        entries.append((order, data[at : at + size]))
        at += size
    return entries
