"""The requests of one split, held to be compared with those of another one that stream by."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from turnsmith.curate.leakage.postings import build_postings, entries_by_row
from turnsmith.curate.near_duplicates import Near
from turnsmith.curate.near_duplicates.candidates import distinct
from turnsmith.curate.near_duplicates.finding import SETS_SHARE
from turnsmith.curate.near_duplicates.prefixes import rough_counts
from turnsmith.curate.near_duplicates.shingling import batches, shingle
from turnsmith.curate.near_duplicates.similarity import jaccard
from turnsmith.curate.near_duplicates.sketches import Sketches
from turnsmith.curate.near_duplicates.store import Store, all_rows
from turnsmith.curate.near_duplicates.words import I64

Flags = npt.NDArray[np.bool_]
SHINGLES = 1 << 15  # of texts that are looked up at once
LOOKED_UP = 1 << 20  # candidate pairs that come of it
COMPARED = 1 << 15


class Held:
    """Hold the shingles of texts, to find their twins among others.

    A text that has found a twin is not looked up again, until `reset`. So its twin is one of its twins, not always
    the most similar, and a million copies of a text cost no more than other texts. Sets beyond a share of the memory
    lie in a file without a name.
    """

    def __init__(self, texts: Iterable[str], near: Near) -> None:
        self._near = near
        self._store = Store(near.memory // SETS_SHARE, None)
        for batch in batches(texts):
            self._store.append(shingle(batch, near.ngram, near.seed))
        self._store.seal()
        rows = all_rows(self._store)
        self._counts = rough_counts(self._store, rows, near.memory)
        self._all = build_postings(self._store, rows, self._counts, near.threshold)
        self._sketches = Sketches(self._store)
        self.reset()

    @property
    def sizes(self) -> I64:
        """Return the number of shingles of each text."""
        return self._store.sizes

    @property
    def has_twin(self) -> Flags:
        """Return which texts have found a twin, or were settled."""
        return self._best > 0

    def reset(self) -> None:
        """Let all texts be looked up again."""
        self._best = np.zeros(len(self._store), np.float64)
        self._open = self._all
        self._wasted = 0

    def settle(self, number: int) -> None:
        """Let a text not be looked up: its twin is known."""
        self._best[number] = 1.0

    def compare(self, sets: Store) -> list[tuple[int, int, float]]:
        """Return (number of a text, row of its twin in `sets`, similarity) for each text that finds one now."""
        sketches = Sketches(sets)
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(sets.sizes)])
        found: list[tuple[int, int, float]] = []
        begin = 0
        while begin < len(sets) and len(self._open):
            end = int(np.searchsorted(before, before[begin] + SHINGLES, "right")) - 1
            end = min(max(end, begin + 1), len(sets))
            rows = np.arange(begin, end)
            entries = entries_by_row(sets, rows, self._counts, self._near.threshold)
            number, begins, counts = self._open.meeting(entries, self._near.threshold)
            owners = entries.rows[number]
            if counts.sum() > LOOKED_UP:  # fewer rows at once, so that what they settle is not met again
                end = max(int(owners[np.searchsorted(np.cumsum(counts), LOOKED_UP, "right")]), begin + 1)
                fitting = int(np.searchsorted(owners, end))
                begins, counts, owners = begins[:fitting], counts[:fitting], owners[:fitting]
            for some in _slices(counts):
                pairs = self._candidates(begins[some], counts[some], owners[some])
                found += self._settled(sets, sketches, *pairs)
            begin = end
            self._forget_settled()
        return found

    def _candidates(self, begins: I64, counts: I64, owners: I64) -> tuple[I64, I64]:
        """Return pairs of a held text without a twin and one of the texts, each once, of some runs of entries."""
        held, other = self._open.rows(begins, counts), np.repeat(owners, counts)
        is_open = self._best[held] == 0
        self._wasted += len(held) - int(np.count_nonzero(is_open))
        return distinct(held[is_open], other[is_open])

    def _forget_settled(self) -> None:
        """Leave texts that have found a twin out of the index, once they cost as much as that does."""
        if self._wasted > len(self._open):
            self._open = self._open.without(self._best)
            self._wasted = 0

    def _settled(
        self, sets: Store, sketches: Sketches, held: I64, other: I64
    ) -> Iterator[tuple[int, int, float]]:
        """Compare candidates, some at a time, leaving out those whose held text has found its twin."""
        may = self._sketches.may_be_near(held, other, self._near.threshold, sketches)
        held, other = held[may], other[may]
        for begin in range(0, len(held), COMPARED):
            left, right = held[begin : begin + COMPARED], other[begin : begin + COMPARED]
            is_open = self._best[left] == 0
            left, right = left[is_open], right[is_open]
            similarity = jaccard(self._store, left, right, sets)
            near = similarity >= self._near.threshold
            left, right, similarity = left[near], right[near], similarity[near]
            order = np.lexsort((right, -similarity, left))  # of each text the most similar first
            left, right, similarity = left[order], right[order], similarity[order]
            first = np.concatenate((np.ones(1, bool), left[1:] != left[:-1]))[: len(left)]
            self._best[left[first]] = similarity[first]
            yield from zip(
                left[first].tolist(), right[first].tolist(), similarity[first].tolist(), strict=True
            )


def _slices(counts: I64) -> Iterator[slice]:
    """Yield slices that sum up to what is looked up at once, or of one count that is more."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    begin = 0
    while begin < len(counts):
        end = max(int(np.searchsorted(before, before[begin] + LOOKED_UP, "right")) - 1, begin + 1)
        yield slice(begin, end)
        begin = end
