"""Candidate pairs of rows, each once, and which of them are near."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.prefixes import Index
from turnsmith.curate.near_duplicates.similarity import jaccard
from turnsmith.curate.near_duplicates.sketches import Sketches
from turnsmith.curate.near_duplicates.store import Store
from turnsmith.curate.near_duplicates.words import I64

CANDIDATES = 1 << 22  # at once
_SLACK = 1e-9
_LOW = 0xFFFFFFFF

Found = tuple[I64, I64, npt.NDArray[np.float64]]
OnRows = Callable[[int], object]


def owners_of(index: Index, begin: int, end: int) -> I64:
    """Return the row of each entry of the rows `begin` to `end`."""
    return np.repeat(np.arange(begin, end), np.diff(index.begins[begin : end + 1]))


def spread(begins: I64, counts: I64) -> I64:
    """Return `counts[k]` places from `begins[k]` on, for one k after another."""
    return np.repeat(begins - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))


def distinct(left: npt.NDArray[np.signedinteger], right: I64) -> tuple[I64, I64]:
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
