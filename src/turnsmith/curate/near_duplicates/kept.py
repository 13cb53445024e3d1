"""Pairs that decide what stays when, row by row, one with a kept earlier neighbour is dropped."""

from collections.abc import Iterator

import numpy as np

from turnsmith.curate.near_duplicates.candidates import (
    CANDIDATES,
    Found,
    OnRows,
    distinct,
    owners_of,
    similar,
    spread,
)
from turnsmith.curate.near_duplicates.prefixes import Index
from turnsmith.curate.near_duplicates.sketches import Sketches
from turnsmith.curate.near_duplicates.store import Store
from turnsmith.curate.near_duplicates.words import I64

BLOCK = 8192  # rows


def join_kept(store: Store, index: Index, threshold: float, on_rows: OnRows | None = None) -> Iterator[Found]:
    """Yield the pairs whose left row stays when, row by row, one with a kept earlier neighbour is dropped.

    A row meets kept rows only, so a million rows that are all near each other take a million comparisons.
    """
    sketches = Sketches(store)
    kept = _KeptRows(index)
    for begin in range(0, len(index.begins) - 1, BLOCK):
        end = min(begin + BLOCK, len(index.begins) - 1)
        yield from _settle(store, sketches, kept, threshold, begin, end)
        if on_rows:
            on_rows(end - begin)


class _Filled:
    """Hold some rows by bucket; bucket b has `counts[b]` of them."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.counts = np.zeros(len(index.buckets) - 1, np.int32)
        self._rows = np.empty_like(index.rows)

    def add(self, entries: I64, owners: I64) -> None:
        """Add rows by their entries."""
        bucket = self.index.bucket[entries]
        order = np.argsort(bucket, kind="stable")
        owners, bucket = owners[order], bucket[order]
        buckets, firsts, counts = np.unique(bucket, return_index=True, return_counts=True)
        ranks = np.arange(len(bucket)) - np.repeat(firsts, counts)
        self._rows[self.index.buckets[bucket] + self.counts[bucket] + ranks] = owners
        self.counts[buckets] += counts.astype(np.int32)

    def meeting(self, entries: I64, owners: I64) -> tuple[I64, I64]:
        """Return (row, owner) of each row in the bucket of each entry."""
        counts = self.counts[self.index.bucket[entries]].astype(np.int64)
        places = spread(self.index.buckets[self.index.bucket[entries]], counts)
        return self._rows[places].astype(np.int64), np.repeat(owners, counts)


class _KeptRows:
    """Hold the kept rows so far: all, and apart those whose entry in a bucket is short.

    Of a pair one entry at least is short, so an entry that is not has to meet only short ones. It matters where all
    rows share a template: its shingles are in the longer prefix of each and in the shorter one of hardly any.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._all, self._short = _Filled(index), _Filled(index)

    def add(self, entries: I64, owners: I64) -> None:
        """Add kept rows by their entries."""
        short = self.index.short[entries]
        self._all.add(entries, owners)
        self._short.add(entries[short], owners[short])

    def count(self, entries: slice) -> int:
        """Return how many candidates some entries have among the kept rows, each perhaps more than once."""
        bucket, short = self.index.bucket[entries], self.index.short[entries]
        return int(np.where(short, self._all.counts[bucket], self._short.counts[bucket]).sum(dtype=np.int64))

    def candidates(self, entries: slice, owners: I64) -> tuple[I64, I64]:
        """Return (kept row, row), each pair once."""
        places, short = np.arange(entries.start, entries.stop), self.index.short[entries]
        left, right = self._all.meeting(places[short], owners[short])
        more, of = self._short.meeting(places[~short], owners[~short])
        return distinct(np.concatenate([left, more]), np.concatenate([right, of]))


def _settle(
    store: Store, sketches: Sketches, kept: _KeptRows, threshold: float, begin: int, end: int
) -> Iterator[Found]:
    """Decide on the rows `begin` to `end`: by the kept rows before them, then by each other.

    Where that makes too many candidates at once, the first half is decided first; what it keeps decides on most
    of the second half.
    """
    index = kept.index
    entries = slice(index.begins[begin], index.begins[end])
    owners = owners_of(index, begin, end)
    if end - begin == 1 or kept.count(entries) <= CANDIDATES:
        found_before = similar(store, sketches, threshold, *kept.candidates(entries, owners))
        undecided = np.ones(end - begin, bool)
        undecided[found_before[1] - begin] = False
        left = np.flatnonzero(undecided[owners - begin]) + entries.start
        left_owners = owners[left - entries.start]
        runs = _Runs(index, left, left_owners)
        if end - begin == 1 or runs.count <= CANDIDATES:
            yield found_before
            found_within = similar(store, sketches, threshold, *runs.candidates())
            used, dropped = _greedy(found_within[0], found_within[1])
            yield (found_within[0][used], found_within[1][used], found_within[2][used])
            stay = ~np.isin(left_owners, dropped)
            kept.add(left[stay], left_owners[stay])
            return
    middle = (begin + end) // 2
    yield from _settle(store, sketches, kept, threshold, begin, middle)
    yield from _settle(store, sketches, kept, threshold, middle, end)


class _Runs:
    """Hold the entries of some rows by bucket, the short ones of each first, to pair them with each other."""

    def __init__(self, index: Index, entries: I64, owners: I64) -> None:
        short = index.short[entries]
        order = np.lexsort((~short, index.bucket[entries]))
        bucket, short, self._owners = index.bucket[entries][order], short[order], owners[order]
        _, firsts, sizes = np.unique(bucket, return_index=True, return_counts=True)
        self._firsts = np.repeat(firsts, sizes)
        shorts = np.add.reduceat(short, firsts, dtype=np.int64) if len(firsts) else firsts
        # An entry goes with those before it: all of a short one are short.
        self._counts = np.minimum(np.arange(len(bucket)) - self._firsts, np.repeat(shorts, sizes))

    @property
    def count(self) -> int:
        """Return the number of candidates, each perhaps more than once."""
        return int(self._counts.sum())

    def candidates(self) -> tuple[I64, I64]:
        """Return (row, later row), each pair once."""
        counts = self._counts
        one, other = self._owners[spread(self._firsts, counts)], np.repeat(self._owners, counts)
        return distinct(np.minimum(one, other), np.maximum(one, other))


def _greedy(left: I64, right: I64) -> tuple[I64, I64]:
    """Return which pairs have a kept left row, and the dropped rows; pairs come by right and then left."""
    dropped: set[int] = set()
    used = []
    for place, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if one not in dropped:
            dropped.add(other)
            used.append(place)
    return np.array(used, np.int64), np.array(sorted(dropped), np.int64)
