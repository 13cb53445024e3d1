"""Pairs of near duplicates, and the two ways to act on them: keep the first, or group what is connected."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.words import I64

NO_ROW = -1


@dataclass(frozen=True, slots=True)
class Pairs:
    """Hold pairs of rows, `left[k] < right[k]`, sorted by left and then right, with their exact similarity.

    Rows with the same shingles as an earlier row stand in one pair each, with the first of them, and in no
    other: so a million equal rows make a million pairs.
    """

    left: I64
    right: I64
    similarity: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class Kept:
    """Hold which rows stay: `kept[i]`; for a dropped row its kept `neighbour` (else -1) and their `similarity`."""

    kept: npt.NDArray[np.bool_]
    neighbour: I64
    similarity: npt.NDArray[np.float32]


def sorted_pairs(left: I64, right: I64, similarity: npt.NDArray[np.float32]) -> Pairs:
    """Return pairs in the order that `Pairs` promises."""
    order = np.lexsort((right, left))
    return Pairs(left[order], right[order], similarity[order])


def keep_first(count: int, pairs: Pairs) -> Kept:
    """Return which of `count` rows stay when, row by row, one with a kept earlier neighbour is dropped.

    Every dropped row names the most similar of its kept neighbours (the first of equals); two kept rows are in
    no pair. Nothing is dropped for being similar to a row that is dropped, but for rows with the same shingles,
    which share their neighbours.
    """
    kept = np.ones(count, bool)
    neighbour = np.full(count, NO_ROW, np.int64)
    similarity = np.zeros(count, np.float32)
    order = np.lexsort((pairs.left, -pairs.similarity, pairs.right))
    lefts, rights = pairs.left[order].tolist(), pairs.right[order].tolist()
    similarities = pairs.similarity[order].tolist()
    for left, right, likeness in zip(lefts, rights, similarities, strict=True):
        if neighbour[right] != NO_ROW:
            continue
        if kept[left]:
            kept[right] = False
            neighbour[right], similarity[right] = left, likeness
        elif likeness == 1:  # the same shingles as a row that its own neighbour dropped
            kept[right] = False
            neighbour[right], similarity[right] = neighbour[left], similarity[left]
    return Kept(kept, neighbour, similarity)


def clusters(count: int, pairs: Pairs) -> I64:
    """Return for each row the smallest row that it is connected with, over any number of pairs."""
    return groups_of(np.arange(count, dtype=np.int64), pairs.left, pairs.right)


def groups_of(group: I64, left: I64, right: I64) -> I64:
    """Return groups, each named by its smallest row, after `left[k]` and `right[k]` were connected, too."""
    group = group.copy()
    while len(left):
        one, other = group[left], group[right]
        np.minimum.at(group, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(jumped := group[group], group):
            group = jumped
        apart = group[left] != group[right]
        left, right = left[apart], right[apart]
    return group
