"""All pairs of an index at or above a threshold: candidates, then the exact similarity of each."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.prefixes import Index
from turnsmith.curate.near_duplicates.similarity import jaccard
from turnsmith.curate.near_duplicates.store import Store
from turnsmith.curate.near_duplicates.words import I64

CANDIDATES = 1 << 22  # at once
_SLACK = 1e-9

F64 = npt.NDArray[np.float64]
Found = tuple[I64, I64, F64]
OnRows = Callable[[int], object]


def join(store: Store, index: Index, threshold: float, on_rows: OnRows | None = None) -> Iterator[Found]:
    """Yield (left, right, similarity) of the pairs at or above the threshold, left < right, each once."""
    count = len(index.begins) - 1
    for begin, end in _blocks(index, count):
        entries = np.arange(index.begins[begin], index.begins[end])
        yield similar(store, threshold, *candidates(index, entries, index.rank[entries], begin, end))
        if on_rows:
            on_rows(end - begin)


def _blocks(index: Index, count: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows whose candidates fit; a row with more than fit comes alone."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(index.rank, dtype=np.int64)])[index.begins]
    begin = 0
    while begin < count:
        end = int(np.searchsorted(before, before[begin] + CANDIDATES, "right")) - 1
        end = min(max(end, begin + 1), count)
        yield begin, end
        begin = end


def candidates(
    index: Index, entries: I64, limits: npt.NDArray[np.int32], begin: int, end: int
) -> tuple[I64, I64]:
    """Return (earlier row, row), each pair once, for the rows `begin` to `end`.

    A row goes with the first `limits` rows in the bucket of each of its `entries`.
    """
    limits = limits.astype(np.int64)
    total = int(limits.sum())
    lengths = index.begins[begin + 1 : end + 1] - index.begins[begin:end]
    owner = np.repeat(np.arange(begin, end), lengths)
    firsts = index.buckets[index.bucket[entries]]
    offsets = np.arange(total) - np.repeat(np.cumsum(limits) - limits, limits)
    places = np.repeat(firsts, limits) + offsets
    useful = index.row_short[places] | np.repeat(index.short[entries], limits)
    pairs = (np.repeat(owner, limits)[useful] << 32) | index.rows[places[useful]]
    pairs.sort()
    fresh = np.ones(len(pairs), bool)
    np.not_equal(pairs[1:], pairs[:-1], out=fresh[1:])
    pairs = pairs[fresh]
    return pairs & 0xFFFFFFFF, pairs >> 32


def similar(store: Store, threshold: float, left: I64, right: I64) -> Found:
    """Return those of the candidates that are at or above the threshold, with their similarity."""
    a, b = store.sizes[left], store.sizes[right]
    near = np.minimum(a, b) >= threshold * np.maximum(a, b) - _SLACK
    left, right = left[near], right[near]
    likeness = jaccard(store, left, right)
    near = likeness >= threshold
    return left[near], right[near], likeness[near]
