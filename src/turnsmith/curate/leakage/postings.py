"""Which held rows share a rare shingle with other rows, and may be near them by their sizes and by its place.

Let the first shingle that two sets share, in an order from rare to common, stand at place i of x, counted from 0. Then
they share at most |x| - i. A Jaccard similarity of t takes t / (1 + t) (|x| + |y|) shared ones, so y has at most
(1 + t) / t (|x| - i) - |x|: the `reach` of x at that place (the positional filter of Xiao et al. 2008). Where all texts
follow one template and each has words of its own, those that reach each other are near, or almost.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.candidates import spread
from turnsmith.curate.near_duplicates.prefixes import I32, Counts, ranked_prefixes
from turnsmith.curate.near_duplicates.store import Store
from turnsmith.curate.near_duplicates.words import I64, U64

F64 = npt.NDArray[np.float64]
PARTS = 16  # that are sorted one by one
_SLACK = 1e-6  # so that rounding never shortens a reach
_HASH, _SIZE = np.uint64(32), np.uint64(16)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_SIXTEEN = np.uint64(16)
_MOST = 0xFFFF


@dataclass(slots=True)
class Entries:
    """Hold the shingles in the prefixes of rows: 32 bits of each hash, the row, its size, and the reach."""

    hashes: U64
    rows: I64
    sizes: I64
    reach: I64

    @property
    def codes(self) -> U64:
        """Return hash, size and reach in one number, the last two up to 65,535."""
        sizes, reach = _bounded(self.sizes), _bounded(self.reach)
        return self.hashes << _HASH | sizes << _SIZE | reach


def entries_of(store: Store, rows: I64, counts: Counts, threshold: float) -> Iterator[Entries]:
    """Yield the entries of rows, in groups; the order of shingles goes by `counts`."""
    factor = (1 + threshold) / threshold
    for members, ranked, inside in ranked_prefixes(store, rows, counts, threshold):
        lengths = inside.sum(axis=1)
        owners = np.repeat(members, lengths)
        sizes = store.sizes[owners]
        left = sizes - np.nonzero(inside)[1]
        reach = np.floor(factor * left + _SLACK).astype(np.int64) - sizes
        yield Entries(ranked[inside] >> _SIXTEEN & _LOW_HALF, owners, sizes, reach)


def entries_by_row(store: Store, rows: I64, counts: Counts, threshold: float) -> Entries:
    """Return the entries of some rows together, row by row."""
    parts = list(entries_of(store, rows, counts, threshold))
    owners = np.concatenate([part.rows for part in parts])
    order = np.argsort(owners, kind="stable")
    return Entries(
        np.concatenate([part.hashes for part in parts])[order],
        owners[order],
        np.concatenate([part.sizes for part in parts])[order],
        np.concatenate([part.reach for part in parts])[order],
    )


class Postings:
    """Hold the entries of rows, sorted, to be looked up by those of others: 12 bytes each."""

    def __init__(self, codes: U64, rows: I32) -> None:
        self._codes, self._rows = codes, rows

    def __len__(self) -> int:
        return len(self._rows)

    def without(self, done: F64) -> "Postings":
        """Return the entries of the rows that are not done; `done` is above 0 for a row that is."""
        is_open = done[self._rows] == 0
        return Postings(self._codes[is_open], self._rows[is_open])

    def rows(self, begins: I64, counts: I64) -> I64:
        """Return the rows of `counts[k]` entries from `begins[k]` on, one after another."""
        return self._rows[spread(begins, counts)].astype(np.int64)

    def meeting(self, entries: Entries, threshold: float) -> tuple[I64, I64, I64]:
        """Return (number of an entry, begin, count) of runs of entries here that reach and are reached by it.

        The entries of a shingle stand by size, those of a size by reach: so of each size within reach one search
        gives the run, and entries that don't reach are not even looked at.
        """
        by_hash = np.argsort(entries.hashes)  # searches that go up stay in the processor's cache
        base, sizes = entries.hashes[by_hash] << _HASH, entries.sizes[by_hash]
        smallest = _bounded(np.ceil(sizes * threshold - _SLACK).astype(np.int64))
        needed, largest = _bounded(sizes), _bounded(entries.reach[by_hash])
        at = np.searchsorted(self._codes, base | smallest << _SIZE)
        last = np.searchsorted(self._codes, base | largest << _SIZE | np.uint64(_MOST), "right")
        found: list[tuple[I64, I64, I64]] = []
        numbers = np.flatnonzero(at < last)
        while len(numbers):
            group = self._codes[at[numbers]] >> _SIZE << _SIZE
            begins = np.searchsorted(self._codes, group | needed[numbers])
            ends = np.searchsorted(self._codes, group | np.uint64(_MOST), "right")
            some = begins < ends
            found.append((by_hash[numbers[some]], begins[some], (ends - begins)[some]))
            at[numbers] = ends
            numbers = numbers[ends < last[numbers]]
        found.append((numbers, numbers, numbers))  # none, so that there is always something to put together
        number, begin, count = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(number, kind="stable")
        return number[order], begin[order], count[order]


def build_postings(store: Store, rows: I64, counts: Counts, threshold: float) -> Postings:
    """Return the entries of rows of the store. They are sorted in parts, so that no copy of all is made."""
    parts: list[list[tuple[U64, I32]]] = [[] for _ in range(PARTS)]
    total = 0
    for entries in entries_of(store, rows, counts, threshold):
        codes, owners = entries.codes, entries.rows.astype(np.int32)
        part = (codes >> np.uint64(60)).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        begin = 0
        for into, end in zip(parts, np.cumsum(np.bincount(part, minlength=PARTS)).tolist(), strict=True):
            into.append((codes[order[begin:end]], owners[order[begin:end]]))
            begin = end
        total += len(codes)
    all_codes, all_rows = np.empty(total, np.uint64), np.empty(total, np.int32)
    begin = 0
    for part_of in parts:
        codes = np.concatenate([np.zeros(0, np.uint64), *(codes for codes, _ in part_of)])
        owners = np.concatenate([np.zeros(0, np.int32), *(owners for _, owners in part_of)])
        part_of.clear()
        order = np.argsort(codes, kind="stable")
        all_codes[begin : begin + len(codes)] = codes[order]
        all_rows[begin : begin + len(codes)] = owners[order]
        begin += len(codes)
    return Postings(all_codes, all_rows)


def _bounded(values: I64) -> U64:
    return np.minimum(values, _MOST).astype(np.uint64)
