"""Pairs of an index at or above a threshold: candidates, then the exact similarity of each.

`join_all` gives every pair. Their number can be the square of the rows, so there are two smaller answers: `join_kept`
compares rows with kept ones only, and `join_linked` tests only what is not connected yet.
"""

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
from turnsmith.curate.near_duplicates.kept import join_kept
from turnsmith.curate.near_duplicates.pairs import groups_of
from turnsmith.curate.near_duplicates.prefixes import I32, Flags, Index
from turnsmith.curate.near_duplicates.sketches import Sketches
from turnsmith.curate.near_duplicates.store import Store
from turnsmith.curate.near_duplicates.words import I64


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
        owners = owners_of(index, begin, end)
        found = _candidates(index, index.rows, index.row_short, entries, owners, index.rank[entries])
        yield similar(store, sketches, threshold, *found)
        if on_rows:
            on_rows(end - begin)
        begin = end


def _candidates(
    index: Index, rows: I32, row_short: Flags, entries: slice, owners: I64, limits: I32
) -> tuple[I64, I64]:
    """Return (other row, row), each pair once: a row goes with the first `limits` rows of its entries' buckets."""
    counts = limits.astype(np.int64)
    places = spread(index.buckets[index.bucket[entries]], counts)
    useful = row_short[places] | np.repeat(index.short[entries], counts)
    return distinct(rows[places[useful]], np.repeat(owners, counts)[useful])


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
        others = spread(firsts[at:to], counts)
        owners = np.repeat(rows[at:to], counts)
        useful = short[others] | np.repeat(short[at:to], counts)
        useful &= links.group[rows[others]] != links.group[owners]
        one, other = rows[others[useful]], owners[useful]
        found = similar(store, sketches, threshold, *distinct(np.minimum(one, other), np.maximum(one, other)))
        links.add(found)
        yield found
        at = to
