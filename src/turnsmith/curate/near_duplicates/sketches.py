"""A quick test that two sets can't be near, without reading them; it never errs.

The sketch of a set has one bit per remainder of its hashes: whether an odd number of them has it. Where the sketches
of two sets differ in k bits, at least k shingles are in one set only, and Jaccard similarity t allows no more than
(1 - t) / (1 + t) of both sizes together.
"""

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.store import NONE, Store
from turnsmith.curate.near_duplicates.words import I64

WORDS = 16
BITS = 64 * WORDS
WORTH = 4
"""Candidates for each row from which on sketches pay."""
PAIRS = 1 << 18  # at once
_SLACK = 1e-6


class Sketches:
    """Hold the sketches of those rows that were asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made = np.zeros(len(store), bool)
        self._bits = np.zeros((len(store), WORDS), np.uint64)  # takes memory where it is written only

    def may_be_near(
        self, left: I64, right: I64, threshold: float, of_right: "Sketches | None" = None
    ) -> npt.NDArray[np.bool_]:
        """Return False for pairs of rows that are surely below the threshold.

        `of_right` has the sketches of the right rows where they are in another store.
        """
        of_right = self if of_right is None else of_right
        may = np.ones(len(left), bool)
        rows = np.flatnonzero(np.bincount(left, minlength=1)), np.flatnonzero(np.bincount(right, minlength=1))
        if len(left) < WORTH * (len(rows[0]) + len(rows[1])):
            return may
        self._make(rows[0])
        of_right._make(rows[1])
        sizes = self._store.sizes[left] + of_right._store.sizes[right]
        allowed = sizes * ((1 - threshold) / (1 + threshold)) + _SLACK
        for begin in range(0, len(left), PAIRS):
            some = slice(begin, begin + PAIRS)
            differ = np.bitwise_count(self._bits[left[some]] ^ of_right._bits[right[some]])
            may[some] = differ.sum(axis=1, dtype=np.int64) <= allowed[some]
        return may

    def _make(self, rows: I64) -> None:
        rows = rows[~self._made[rows]]
        self._made[rows] = True
        for group in self._store.alike(rows):
            matrix = self._store.matrix(rows[group])
            filled = matrix != NONE
            slots = (matrix[filled] & np.uint64(BITS - 1)).astype(np.int64)
            owners = np.repeat(rows[group], filled.sum(axis=1))
            bits = np.uint64(1) << (slots & 63).astype(np.uint64)
            np.bitwise_xor.at(self._bits.reshape(-1), owners * WORDS + (slots >> 6), bits)
