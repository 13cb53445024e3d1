"""The sets of all rows: in memory while they are few, in a file otherwise."""

import mmap
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from turnsmith.core.files import read_json, write_json
from turnsmith.curate.near_duplicates.shingling import Sets
from turnsmith.curate.near_duplicates.words import I64, U64

NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Fills rows up; no shingle has this value."""
WIDEST_ROW = 2048
CELLS = 1 << 20
SAVED_EVERY = 32 << 20
_ROW = 4 * 8  # bytes: start, size and mark
_HASHES, _ROWS, _SAVED = "hashes.bin", "rows.bin", "saved.json"


class Store:
    """Hold the set of each row: `starts[row]` and `sizes[row]` say where it lies among all hashes.

    What is beyond `limit` bytes goes to a file without a name in `folder`, so that a kill leaves nothing behind.
    With `resume`, all goes to files in `folder`, and a store that a kill cut off goes on from what was saved: `len`
    says how many rows that is.
    """

    def __init__(self, limit: int, folder: Path | None, *, resume: bool = False) -> None:
        self.starts, self.sizes = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.marks: U64 = np.zeros((0, 2), np.uint64)
        self._limit, self._folder = limit, folder
        self._hashes: U64 = np.zeros(0, np.uint64)
        self._parts: list[U64] = []
        self._rows: list[tuple[I64, I64, U64]] = []
        self._total = 0
        self._unsaved = 0
        self._file: IO[bytes] | None = None
        self._saved: Path | None = folder if resume else None
        self._map: mmap.mmap | None = None
        self._touched = 0
        if self._saved is not None:
            self._load(self._saved)

    def __len__(self) -> int:
        return len(self.starts) + sum(len(starts) for starts, _, _ in self._rows)

    def append(self, sets: Sets) -> None:
        """Add the rows of a batch."""
        self._rows.append((sets.starts + self._total, sets.sizes, sets.marks))
        self._parts.append(sets.hashes)
        self._total += len(sets.hashes)
        self._unsaved += sets.hashes.nbytes
        if self._saved is not None:
            if self._unsaved > SAVED_EVERY:
                self._save(self._saved)
        elif self._file is not None or self._total * 8 > self._limit:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        for part in self._parts:
            self._file.write(part.data)
        self._parts.clear()

    def _load(self, folder: Path) -> None:
        """Take over what was saved; what came after it is cut off."""
        folder.mkdir(parents=True, exist_ok=True)
        saved = read_json(folder / _SAVED) if (folder / _SAVED).exists() else {"hashes": 0, "rows": 0}
        for name, size in ((_HASHES, saved["hashes"] * 8), (_ROWS, saved["rows"] * _ROW)):
            with (folder / name).open("ab") as file:
                file.truncate(size)
        rows = np.fromfile(folder / _ROWS, np.uint64).reshape(-1, _ROW // 8)
        self.starts, self.sizes = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
        self.marks = rows[:, 2:].copy()
        self._total = saved["hashes"]
        self._file = (folder / _HASHES).open("ab+")

    def _save(self, folder: Path) -> None:
        """Make what was added stay; the small file that says how far comes after what it speaks of."""
        assert self._file is not None
        self._spill()
        self._file.flush()
        self._take_rows()
        new = slice((folder / _ROWS).stat().st_size // _ROW, None)
        rows = np.column_stack([self.starts[new], self.sizes[new], self.marks[new].view(np.int64)])
        with (folder / _ROWS).open("ab") as file:
            file.write(rows.data)
        write_json(folder / _SAVED, {"hashes": self._total, "rows": len(self.starts)}, durable=False)
        self._unsaved = 0

    def _take_rows(self) -> None:
        starts, sizes, marks = zip(*self._rows, strict=True) if self._rows else ((), (), ())
        self.starts = np.concatenate([self.starts, *starts])
        self.sizes = np.concatenate([self.sizes, *sizes])
        self.marks = np.concatenate([self.marks, *marks])
        self._rows.clear()

    def seal(self) -> None:
        """End the adding; from now on rows can be gathered."""
        if self._saved is not None:
            self._save(self._saved)
        self._take_rows()
        if self._file is None:
            self._hashes = np.concatenate([self._hashes, *self._parts])
            self._parts.clear()
        elif self._total:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            self._hashes = np.frombuffer(self._map, np.uint64)
        self.close()

    def close(self) -> None:
        """Close the file; what was mapped can still be gathered."""
        if self._file is not None:
            self._file.close()

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


def all_rows(store: Store) -> I64:
    """Return the numbers of all rows."""
    return np.arange(len(store), dtype=np.int64)
