"""The requests of one split, held to be compared with those of another one that stream by.

Of two sets with a Jaccard similarity of t or more, the larger overlap has at least t |x| elements; so any
|x| - ceil(t |x|) + 1 elements of x have one of y among them. Of every held request so many shingles are indexed,
the rarest, and all shingles of the others are looked up: no pair is missed, and few have to be compared.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates import Near
from turnsmith.curate.near_duplicates.prefixes import prefix_lengths
from turnsmith.curate.near_duplicates.shingling import batches, shingle
from turnsmith.curate.near_duplicates.store import NONE, Store, all_rows
from turnsmith.curate.near_duplicates.words import I64, U64

F64 = npt.NDArray[np.float64]
SHINGLES = 1 << 15  # looked up at once
LOOKED_UP = 1 << 20  # candidate pairs that come of it
COMPARED = 1 << 15
_SLACK = 1e-9


class Held:
    """Hold the shingles of texts, to find their twins among others.

    A text that has found a twin is not looked up again, until `reset`. So its twin is one of its twins, not always
    the most similar, and a million copies of a text cost no more than other texts.
    """

    def __init__(self, texts: Iterable[str], near: Near) -> None:
        self._near = near
        self._store = Store(near.memory, None)
        for batch in batches(texts):
            self._store.append(shingle(batch, near.ngram, near.seed))
        self._store.seal()
        self._whole_index = self._index()
        self.reset()

    @property
    def sizes(self) -> I64:
        """Return the number of shingles of each text."""
        return self._store.sizes

    def reset(self) -> None:
        """Let all texts be looked up again."""
        self._best = np.zeros(len(self._store), np.float64)
        self._hashes, self._rows = self._whole_index

    def settle(self, number: int) -> None:
        """Let a text not be looked up: its twin is known."""
        self._best[number] = 1.0

    def _index(self) -> tuple[U64, I64]:
        """Return the rarest shingles of all texts, sorted, and whose they are."""
        store = self._store
        rows = all_rows(store)
        parts = [store.one(row) for row in range(len(store))]
        hashes = np.concatenate([np.zeros(0, np.uint64), *parts])
        owners = np.repeat(rows, store.sizes)
        _, group, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        order = np.lexsort((hashes, counts[group], owners))
        place_in_row = np.arange(len(order)) - np.repeat(np.cumsum(store.sizes) - store.sizes, store.sizes)
        kept = order[place_in_row < np.repeat(prefix_lengths(store.sizes, self._near.threshold), store.sizes)]
        kept = kept[np.argsort(hashes[kept], kind="stable")]
        return hashes[kept], owners[kept]

    def compare(self, sets: Store) -> list[tuple[int, int, float]]:
        """Return (number of a text, row of its twin in `sets`, similarity) for each text that finds one now."""
        hashes = np.concatenate([np.zeros(0, np.uint64), *(sets.one(row) for row in range(len(sets)))])
        owners = np.repeat(all_rows(sets), sets.sizes)
        found: list[tuple[int, int, float]] = []
        begin = 0
        while begin < len(hashes) and len(self._hashes):
            some = hashes[begin : begin + SHINGLES]
            low = np.searchsorted(self._hashes, some, "left")
            counts = np.searchsorted(self._hashes, some, "right") - low
            fitting = int(np.searchsorted(np.cumsum(counts), LOOKED_UP, "right"))
            end = max(min(fitting, len(some)), 1)
            pairs = self._candidates(sets, owners[begin : begin + end], low[:end], counts[:end])
            found += self._settled(sets, *pairs)
            begin += end
            self._forget_settled()
        return found

    def _forget_settled(self) -> None:
        """Leave texts that have found a twin out of the index, once they are half of it."""
        is_open = self._best[self._rows] == 0
        if np.count_nonzero(is_open) * 2 < len(is_open):
            self._hashes, self._rows = self._hashes[is_open], self._rows[is_open]

    def _candidates(self, sets: Store, owners: I64, low: I64, counts: I64) -> tuple[I64, I64]:
        """Return pairs of a held text without a twin and one of the texts, each once, of like size."""
        inner = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        held = self._rows[np.repeat(low, counts) + inner]
        other = np.repeat(owners, counts)
        a, b = self._store.sizes[held], sets.sizes[other]
        useful = (self._best[held] == 0) & (
            np.minimum(a, b) >= self._near.threshold * np.maximum(a, b) - _SLACK
        )
        pairs = np.unique((other[useful] << 32) | held[useful])
        return pairs & 0xFFFFFFFF, pairs >> 32

    def _settled(self, sets: Store, held: I64, other: I64) -> Iterator[tuple[int, int, float]]:
        """Compare candidates, some at a time, leaving out those whose held text has found its twin."""
        for begin in range(0, len(held), COMPARED):
            left, right = held[begin : begin + COMPARED], other[begin : begin + COMPARED]
            open_ = self._best[left] == 0
            left, right = left[open_], right[open_]
            similarity = _jaccard(self._store, left, sets, right)
            near = similarity >= self._near.threshold
            left, right, similarity = left[near], right[near], similarity[near]
            order = np.lexsort((right, -similarity, left))  # of each text the most similar first
            left, right, similarity = left[order], right[order], similarity[order]
            first = np.concatenate((np.ones(1, bool), left[1:] != left[:-1]))[: len(left)]
            self._best[left[first]] = similarity[first]
            yield from zip(
                left[first].tolist(), right[first].tolist(), similarity[first].tolist(), strict=True
            )


def _jaccard(a: Store, left: I64, b: Store, right: I64) -> F64:
    """Return |A and B| / |A or B| of a row of `a` and a row of `b`, pair by pair."""
    sizes = a.sizes[left] + b.sizes[right]
    shared = np.zeros(len(left), np.int64)
    for group in a.alike(left, sizes):
        matrix = np.concatenate([a.matrix(left[group]), b.matrix(right[group])], axis=1)
        matrix.sort(axis=1)
        twice = (matrix[:, 1:] == matrix[:, :-1]) & (matrix[:, 1:] != NONE)
        shared[group] = twice.sum(axis=1)
    similarity: F64 = shared / (sizes - shared)
    return similarity
