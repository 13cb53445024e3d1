"""The sets of all rows: in memory while they are few, in a file otherwise."""

import mmap
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.shingling import Sets
from turnsmith.curate.near_duplicates.words import I64, U64

NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Fills rows up; no shingle has this value."""
WIDEST_ROW = 2048
CELLS = 1 << 20


class Store:
    """Hold the set of each row: `starts[row]` and `sizes[row]` say where it lies among all hashes.

    What is beyond `limit` bytes goes to a file without a name in `folder`, so that a kill leaves nothing behind.
    """

    def __init__(self, limit: int, folder: Path | None) -> None:
        self.starts, self.sizes = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._limit, self._folder = limit, folder
        self._hashes: U64 = np.zeros(0, np.uint64)
        self._parts: list[U64] = []
        self._starts: list[I64] = []
        self._sizes: list[I64] = []
        self._total = 0
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        self._touched = 0

    def __len__(self) -> int:
        return len(self.starts)

    def append(self, sets: Sets) -> None:
        """Add the rows of a batch."""
        self._starts.append(sets.starts + self._total)
        self._sizes.append(sets.sizes)
        self._parts.append(sets.hashes)
        self._total += len(sets.hashes)
        if self._file is not None or self._total * 8 > self._limit:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        for part in self._parts:
            self._file.write(part.data)
        self._parts.clear()

    def seal(self) -> None:
        """End the adding; from now on rows can be gathered."""
        self.starts = np.concatenate([self.starts, *self._starts])
        self.sizes = np.concatenate([self.sizes, *self._sizes])
        self._starts, self._sizes = [], []
        if self._file is None:
            self._hashes = np.concatenate([self._hashes, *self._parts])
            self._parts.clear()
        else:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            self._hashes = np.frombuffer(self._map, np.uint64)

    def one(self, row: int) -> U64:
        """Return the set of a row, ascending."""
        start = int(self.starts[row])
        return self._hashes[start : start + int(self.sizes[row])]

    def matrix(self, rows: I64) -> U64:
        """Return the sets of rows as rows of one matrix, filled up with NONE; for rows of like size."""
        sizes = self.sizes[rows]
        columns = np.arange(int(sizes.max(initial=0)))
        places = self.starts[rows][:, None] + columns
        np.minimum(places, len(self._hashes) - 1, out=places)
        matrix: U64 = self._hashes[places]
        matrix[columns >= sizes[:, None]] = NONE
        self._touch(matrix.nbytes)
        return matrix

    def _touch(self, size: int) -> None:
        """Give pages of the file back to the system now and then; they count as ours while we hold them."""
        self._touched += size
        if self._map is not None and self._touched > self._limit:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0

    def alike(self, rows: I64, sizes: I64 | None = None) -> Iterator[I64]:
        """Yield positions in `rows`, all of them once, in groups of like size that make a matrix of bounded cells.

        `sizes` are the sizes to go by where they are not those of the rows.
        """
        sizes = self.sizes[rows] if sizes is None else sizes
        order = np.argsort(sizes, kind="stable")
        ordered = sizes[order]
        begin = 0
        while begin < len(order):
            smallest = int(ordered[begin])
            widest = smallest + max(smallest // 4, 4)
            end = int(np.searchsorted(ordered, widest, "right"))
            if smallest > WIDEST_ROW:
                end = begin + 1
            end = min(end, begin + max(CELLS // widest, 1))
            yield order[begin:end]
            begin = end


def all_rows(store: Store) -> npt.NDArray[np.int64]:
    """Return the numbers of all rows."""
    return np.arange(len(store), dtype=np.int64)
