"""From texts to pairs of near duplicates."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from turnsmith.core.errors import DataError
from turnsmith.curate.near_duplicates.candidates import Found
from turnsmith.curate.near_duplicates.joining import join_all, join_linked
from turnsmith.curate.near_duplicates.kept import join_kept
from turnsmith.curate.near_duplicates.options import Near
from turnsmith.curate.near_duplicates.pairs import Pairs, sorted_pairs
from turnsmith.curate.near_duplicates.prefixes import build_index
from turnsmith.curate.near_duplicates.shingling import batches, shingle
from turnsmith.curate.near_duplicates.store import Store, all_rows
from turnsmith.curate.near_duplicates.words import I64, U64

OnProgress = Callable[[int], object]
"""Takes the number of texts that were read, and later of those that were compared, since the last call."""
SETS_SHARE = 16
"""The share of the memory that sets may take before they go to disk, as a divisor."""
Which = Literal["all", "kept", "linked"]
_JOINS = {"all": join_all, "kept": join_kept, "linked": join_linked}
_BYTES_A_PAIR = 64  # while they are sorted, about
_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


def find_pairs(
    texts: Iterable[str],
    near: Near,
    work: Path | None = None,
    on_progress: OnProgress | None = None,
    which: Which = "all",
) -> Pairs:
    """Return pairs of texts at or above the threshold, by their numbers from 0; see `Pairs` for equal ones.

    `which` says which pairs: "all", which may be as many as the square of the texts; "kept", those that
    `keep_first` needs, whose left text stays; "linked", enough for `clusters` to find the groups that all pairs
    make. The last two stay about linear where many texts are near each other. `work` is a folder for what does
    not fit into memory. The result does not depend on the memory. Raises DataError where the pairs alone are more
    than fit.
    """
    store, firsts = read_sets(texts, near, work, on_progress)
    return pairs_of(store, firsts, near, work, on_progress, which)


def pairs_of(
    store: Store, firsts: I64, near: Near, work: Path | None, on_progress: OnProgress | None, which: Which
) -> Pairs:
    """Return pairs of rows whose sets are read; see `find_pairs`."""
    rows = all_rows(store)
    copies = rows[firsts != rows]
    index = build_index(store, rows[firsts == rows], near, work)
    found = list(_bounded(_JOINS[which](store, index, near.threshold, on_progress), near.memory))
    left = np.concatenate([firsts[copies], *(left for left, _, _ in found)])
    right = np.concatenate([copies, *(right for _, right, _ in found)])
    similarity = np.concatenate([np.ones(len(copies), np.float32), *(_rounded(each) for _, _, each in found)])
    return sorted_pairs(left, right, similarity)


def _bounded(found: Iterator[Found], memory: int) -> Iterator[Found]:
    """Yield pairs as they are; raises DataError where they are more than fit into memory."""
    count = 0
    for each in found:
        count += len(each[0])
        if count * _BYTES_A_PAIR > memory:
            raise DataError(
                f"more than {count:,} pairs are near, which takes more than the memory limit of {memory:,} bytes; "
                "raise the limit or the threshold, or drop near duplicates first"
            )
        yield each


def _rounded(similarity: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return similarities of sets that differ; they stay below 1, however large the sets."""
    return np.minimum(similarity.astype(np.float32), _BELOW_ONE)


def read_sets(
    texts: Iterable[str],
    near: Near,
    work: Path | None,
    on_progress: OnProgress | None,
    *,
    resume: bool = False,
) -> tuple[Store, I64]:
    """Return the sets of all texts, and for each the first text with the same set.

    With `resume`, texts whose sets were saved in `work` before are passed over.
    """
    store = Store(near.memory // SETS_SHARE, work, resume=resume)
    with contextlib.closing(store):
        for batch in batches(islice(texts, len(store), None)):
            store.append(shingle(batch, near.ngram, near.seed))
            if on_progress:
                on_progress(len(batch))
        store.seal()
    return store, _firsts(store.marks)


def _firsts(marks: U64) -> I64:
    """Return for each mark the position where it comes first."""
    order = np.lexsort((marks[:, 1], marks[:, 0]))
    ordered = marks[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    group = np.cumsum(fresh) - 1
    firsts = np.empty(len(order), np.int64)
    firsts[order] = order[fresh][group]  # lexsort is stable, so the first of a group is its smallest
    return firsts
