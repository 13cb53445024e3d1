"""The exact Jaccard similarity of pairs of rows."""

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.store import NONE, WIDEST_ROW, Store
from turnsmith.curate.near_duplicates.words import I64

F64 = npt.NDArray[np.float64]


def jaccard(store: Store, left: I64, right: I64) -> F64:
    """Return |A and B| / |A or B| of the sets of each pair of rows."""
    sizes = store.sizes[left] + store.sizes[right]
    shared = np.zeros(len(left), np.int64)
    for group in store.alike(left, sizes):
        shared[group] = _shared(store, left[group], right[group])
    return shared / (sizes - shared)


def _shared(store: Store, left: I64, right: I64) -> I64:
    """Return how many values the two sets of each pair share: a value that comes twice in both together."""
    if len(left) == 1 and store.sizes[left[0]] > WIDEST_ROW // 2:
        both = np.intersect1d(store.one(int(left[0])), store.one(int(right[0])), assume_unique=True)
        return np.array([len(both)])
    matrix = np.concatenate([store.matrix(left), store.matrix(right)], axis=1)
    matrix.sort(axis=1)
    twice = matrix[:, 1:] == matrix[:, :-1]
    twice &= matrix[:, 1:] != NONE
    shared: I64 = twice.sum(axis=1)
    return shared
