"""Pairs of an index at or above a threshold: candidates, then the exact similarity of each.

`join_all` gives every pair. Their number can be the square of the rows, so there are two smaller answers: `join_kept`
compares rows with kept ones only, and `join_linked` tests only what is not connected yet.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.pairs import groups_of
from turnsmith.curate.near_duplicates.prefixes import I32, Index
from turnsmith.curate.near_duplicates.similarity import jaccard
from turnsmith.curate.near_duplicates.sketches import Sketches
from turnsmith.curate.near_duplicates.store import Store
from turnsmith.curate.near_duplicates.words import I64

CANDIDATES = 1 << 22  # at once
BLOCK = 8192  # rows
_SLACK = 1e-9
_LOW = 0xFFFFFFFF

Flags = npt.NDArray[np.bool_]
Found = tuple[I64, I64, npt.NDArray[np.float64]]
OnRows = Callable[[int], object]


def join_all(store: Store, index: Index, threshold: float, on_rows: OnRows | None = None) -> Iterator[Found]:
    """Yield (left, right, similarity) of the pairs at or above the threshold, left < right, each once."""
    sketches = Sketches(store)
    count = len(index.begins) - 1
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(index.rank, dtype=np.int64)])[index.begins]
    begin = 0
    while begin < count:
        end = int(np.searchsorted(before, before[begin] + CANDIDATES, "right")) - 1
        end = min(max(end, begin + 1), count)
        entries = slice(index.begins[begin], index.begins[end])
        owners = _owners(index, begin, end)
        found = _candidates(index, index.rows, index.row_short, entries, owners, index.rank[entries])
        yield similar(store, sketches, threshold, *found)
        if on_rows:
            on_rows(end - begin)
        begin = end


def _owners(index: Index, begin: int, end: int) -> I64:
    """Return the row of each entry of the rows `begin` to `end`."""
    return np.repeat(np.arange(begin, end), np.diff(index.begins[begin : end + 1]))


def _candidates(
    index: Index, rows: I32, row_short: Flags, entries: slice, owners: I64, limits: I32
) -> tuple[I64, I64]:
    """Return (other row, row), each pair once: a row goes with the first `limits` rows of its entries' buckets."""
    counts = limits.astype(np.int64)
    offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.repeat(index.buckets[index.bucket[entries]], counts) + offsets
    useful = row_short[places] | np.repeat(index.short[entries], counts)
    return _distinct(rows[places[useful]], np.repeat(owners, counts)[useful])


def _distinct(left: npt.NDArray[np.signedinteger], right: I64) -> tuple[I64, I64]:
    """Return pairs of rows each once, by right and then left."""
    if len(left) and (found := _distinct_in_table(left, right)):
        return found
    pairs = right << 32 | left
    pairs.sort()
    fresh = np.ones(len(pairs), bool)
    np.not_equal(pairs[1:], pairs[:-1], out=fresh[1:])
    pairs = pairs[fresh]
    return pairs & _LOW, pairs >> 32


def _distinct_in_table(left: npt.NDArray[np.signedinteger], right: I64) -> tuple[I64, I64] | None:
    """Return the same by ticking off a table of rows by rows, much faster than a sort; None if it is large."""
    lowest = int(right.min())
    lefts = np.flatnonzero(np.bincount(left))
    height = int(right.max()) - lowest + 1
    if height * len(lefts) > len(left):
        return None
    column = np.zeros(int(lefts[-1]) + 1, np.int64)
    column[lefts] = np.arange(len(lefts))
    ticked = np.zeros(height * len(lefts), bool)
    ticked[(right - lowest) * len(lefts) + column[left]] = True
    cells = np.flatnonzero(ticked)
    return lefts[cells % len(lefts)], cells // len(lefts) + lowest


def similar(store: Store, sketches: Sketches, threshold: float, left: I64, right: I64) -> Found:
    """Return those of the candidates that are at or above the threshold, with their similarity."""
    a, b = store.sizes[left], store.sizes[right]
    near = np.minimum(a, b) >= threshold * np.maximum(a, b) - _SLACK
    left, right = left[near], right[near]
    near = sketches.may_be_near(left, right, threshold)
    left, right = left[near], right[near]
    likeness = jaccard(store, left, right)
    near = likeness >= threshold
    return left[near], right[near], likeness[near]


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
        offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(self.index.buckets[self.index.bucket[entries]], counts) + offsets
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
        return _distinct(np.concatenate([left, more]), np.concatenate([right, of]))


def _settle(
    store: Store, sketches: Sketches, kept: _KeptRows, threshold: float, begin: int, end: int
) -> Iterator[Found]:
    """Decide on the rows `begin` to `end`: by the kept rows before them, then by each other.

    Where that makes too many candidates at once, the first half is decided first; what it keeps decides on most
    of the second half.
    """
    index = kept.index
    entries = slice(index.begins[begin], index.begins[end])
    owners = _owners(index, begin, end)
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
        offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        one, other = self._owners[np.repeat(self._firsts, counts) + offsets], np.repeat(self._owners, counts)
        return _distinct(np.minimum(one, other), np.maximum(one, other))


def _greedy(left: I64, right: I64) -> tuple[I64, I64]:
    """Return which pairs have a kept left row, and the dropped rows; pairs come by right and then left."""
    dropped: set[int] = set()
    used = []
    for place, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if one not in dropped:
            dropped.add(other)
            used.append(place)
    return np.array(used, np.int64), np.array(sorted(dropped), np.int64)


def join_linked(
    store: Store, index: Index, threshold: float, on_rows: OnRows | None = None
) -> Iterator[Found]:
    """Yield pairs that connect the same rows as all pairs do: those of `join_kept`, and what they leave apart.

    Within a bucket, rows that are connected already are not compared.
    """
    sketches = Sketches(store)
    links = _Links(len(index.begins) - 1)
    for found in join_kept(store, index, threshold, on_rows):
        links.add(found)
        yield found
    begin = 0
    while begin < len(index.buckets) - 1:
        end = int(np.searchsorted(index.buckets, index.buckets[begin] + CANDIDATES, "right")) - 1
        end = max(end, begin + 1)
        yield from _link(store, sketches, index, threshold, links, begin, end)
        begin = end


class _Links:
    """Hold for each row the smallest row that it is connected with so far."""

    def __init__(self, count: int) -> None:
        self.group = np.arange(count, dtype=np.int64)

    def add(self, found: Found) -> None:
        """Connect the rows of pairs."""
        if len(found[0]):
            self.group = groups_of(self.group, found[0], found[1])


def _link(
    store: Store, sketches: Sketches, index: Index, threshold: float, links: _Links, begin: int, end: int
) -> Iterator[Found]:
    """Connect the rows within each of the buckets `begin` to `end`."""
    places = slice(index.buckets[begin], index.buckets[end])
    rows = index.rows[places].astype(np.int64)
    buckets = np.repeat(np.arange(begin, end), np.diff(index.buckets[begin : end + 1]))
    group = links.group[rows]
    order = np.lexsort((group, buckets))
    rows, buckets, group, short = rows[order], buckets[order], group[order], index.row_short[places][order]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = (buckets[1:] != buckets[:-1]) | (group[1:] != group[:-1])
    runs = np.maximum.accumulate(np.where(fresh, np.arange(len(rows)), 0))
    firsts = index.buckets[buckets] - places.start
    limits = runs - firsts  # rows of the bucket that belong to other groups, and stand before
    if end - begin > 1 and int(limits.sum()) > CANDIDATES:
        middle = (begin + end) // 2
        yield from _link(store, sketches, index, threshold, links, begin, middle)
        yield from _link(store, sketches, index, threshold, links, middle, end)
        return
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(limits)])
    at = 0
    while at < len(rows):
        to = max(int(np.searchsorted(before, before[at] + CANDIDATES, "right")) - 1, at + 1)
        counts = limits[at:to]
        offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        others = np.repeat(firsts[at:to], counts) + offsets
        owners = np.repeat(rows[at:to], counts)
        useful = short[others] | np.repeat(short[at:to], counts)
        useful &= links.group[rows[others]] != links.group[owners]
        one, other = rows[others[useful]], owners[useful]
        found = similar(
            store, sketches, threshold, *_distinct(np.minimum(one, other), np.maximum(one, other))
        )
        links.add(found)
        yield found
        at = to
