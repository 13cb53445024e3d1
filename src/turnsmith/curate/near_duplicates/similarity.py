"""The exact Jaccard similarity of pairs of rows."""

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.store import NONE, WIDEST_ROW, Store
from turnsmith.curate.near_duplicates.words import I64

F64 = npt.NDArray[np.float64]


def jaccard(store: Store, left: I64, right: I64, of_right: Store | None = None) -> F64:
    """Return |A and B| / |A or B| of the sets of each pair of rows; `of_right` may be another store of right ones."""
    of_right = store if of_right is None else of_right
    sizes = store.sizes[left] + of_right.sizes[right]
    shared = np.zeros(len(left), np.int64)
    for group in store.alike(left, sizes):
        shared[group] = _shared(store, left[group], of_right, right[group])
    return shared / (sizes - shared)


def _shared(store: Store, left: I64, of_right: Store, right: I64) -> I64:
    """Return how many values the two sets of each pair share: a value that comes twice in both together."""
    if len(left) == 1 and store.sizes[left[0]] > WIDEST_ROW // 2:
        both = np.intersect1d(store.one(int(left[0])), of_right.one(int(right[0])), assume_unique=True)
        return np.array([len(both)])
    matrix = np.concatenate([store.matrix(left), of_right.matrix(right)], axis=1)
    matrix.sort(axis=1)
    twice = matrix[:, 1:] == matrix[:, :-1]
    twice &= matrix[:, 1:] != NONE
    shared: I64 = twice.sum(axis=1)
    return shared
