"""Candidates without loss: the prefix filter of set-similarity joins.

Order all shingles from rare to common. Two sets with a Jaccard similarity of at least t share one of the first
|x| - ceil(t |x|) + 1 shingles of both (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007). That holds for
any order; a rough count of how common a shingle is decides only how many candidates there are. Of the smaller set,
the first |x| - ceil(2t / (1 + t) |x|) + 1 are enough (Xiao et al. 2008).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from turnsmith.curate.near_duplicates.options import Near
from turnsmith.curate.near_duplicates.shards import Shards
from turnsmith.curate.near_duplicates.store import NONE, Store
from turnsmith.curate.near_duplicates.words import I64, U64

I32 = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint16]

SAMPLE = 4  # one row in so many is counted
SMALLEST_TABLE = 16  # as a power of two
MOST = 0xFFFF
_BYTES_TO_SORT = 64  # for each entry, about
_COMMON = np.uint64(48)  # where the count stands in a key
_REST = np.uint64(16)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SLACK = 1e-9  # so that rounding never shortens a prefix


@dataclass(slots=True)
class Index:
    """Hold which rows share a prefix shingle.

    Row i has entries `begins[i]` to `begins[i + 1]`: each names a `bucket` and the entry's `rank` in it, by row.
    Bucket b has the rows `rows[buckets[b] : buckets[b + 1]]`, ascending. An entry is `short` where the shingle is
    in the shorter prefix of its row, too.
    """

    begins: I64
    bucket: I32
    rank: I32
    short: npt.NDArray[np.bool_]
    buckets: I64
    rows: I32
    row_short: npt.NDArray[np.bool_]


def build_index(store: Store, rows: I64, near: Near, work: Path | None) -> Index:
    """Return the index over `rows` of the store; buckets without a candidate are left out.

    Entries that are too many for the memory are cut by ranges of their keys into files in `work`.
    """
    counts = rough_counts(store, rows, near.memory)
    entries = int(prefix_lengths(store.sizes[rows], near.threshold).sum())
    shards = Shards(1 + entries * _BYTES_TO_SORT // (near.memory // 4), work)
    for keys, owners in _entries(store, rows, counts, near.threshold):
        shards.add(keys, owners)
    sizes: list[I64] = []
    members: list[I32] = []
    shorts: list[npt.NDArray[np.bool_]] = []
    for keys, owners in shards:
        lengths, shared = _buckets(keys, owners)
        sizes.append(lengths)
        members.append((shared >> 1).astype(np.int32))
        shorts.append((shared & 1).astype(bool))
    return _index(
        len(store),
        np.concatenate([np.zeros(0, np.int64), *sizes]),
        np.concatenate([np.zeros(0, np.int32), *members]),
        np.concatenate([np.zeros(0, bool), *shorts]),
    )


def _buckets(keys: U64, owners: I64) -> tuple[I64, I64]:
    """Return the sizes of the buckets that hold a candidate, and their owners, by bucket and row."""
    shared = _maybe_shared(keys)
    keys, owners = keys[shared], owners[shared]
    order = np.lexsort((owners, keys))
    keys, owners = keys[order], owners[order]
    fresh = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
    firsts = np.flatnonzero(fresh)
    lengths = np.diff(np.append(firsts, len(keys)))
    # Of a pair one entry at least is short, so a bucket without one has no candidates: such are those of a template
    # that all rows share, and which makes too little of each for a near duplicate.
    useful = (lengths > 1) & (
        np.add.reduceat(owners & 1, firsts) > 0 if len(firsts) else np.zeros(0, np.bool_)
    )
    return lengths[useful], owners[np.repeat(useful, lengths)]


def _index(count: int, lengths: I64, rows: I32, short: npt.NDArray[np.bool_]) -> Index:
    """Return the index of buckets that are given one after another."""
    buckets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    by_row = np.argsort(rows, kind="stable")
    bucket = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    rank = (np.arange(len(rows)) - np.repeat(buckets[:-1], lengths)).astype(np.int32)
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(rows, minlength=count))])
    return Index(begins, bucket[by_row], rank[by_row], short[by_row], buckets, rows, short)


def rough_counts(store: Store, rows: I64, memory: int) -> Counts:
    """Return a table of how often shingles come, by their first bits, in a sample of the rows.

    A count stays at the highest that there is: one that began again at 0 would make the most common shingle the rarest.
    """
    sample = rows[::SAMPLE]
    total = int(store.sizes[sample].sum())
    most = (memory // 32).bit_length()
    bits = max(min(total.bit_length(), most), SMALLEST_TABLE)
    table: Counts = np.zeros(1 << bits, np.uint16)
    for group in store.alike(sample):
        matrix = store.matrix(sample[group])
        slots, more = np.unique(matrix[matrix != NONE] >> np.uint64(64 - bits), return_counts=True)
        table[slots.astype(np.int64)] = np.minimum(table[slots.astype(np.int64)] + more, MOST)
    return table


def _maybe_shared(keys: U64) -> npt.NDArray[np.bool_]:
    """Return which keys may come twice: most are of one row only, and would cost a sort."""
    if not len(keys):
        return np.zeros(0, np.bool_)
    bits = len(keys).bit_length() + 1
    slots = (keys * _SPREAD >> np.uint64(64 - bits)).astype(np.int64)
    place = np.arange(len(keys), dtype=np.int32)
    last = np.empty(1 << bits, np.int32)
    last[slots] = place
    crowded = np.zeros(1 << bits, np.bool_)
    crowded[slots[last[slots] != place]] = True
    return crowded[slots]


def _entries(store: Store, rows: I64, counts: Counts, threshold: float) -> Iterator[tuple[U64, I64]]:
    """Yield the keys of the shingles in the prefixes of rows, and their owners: twice the row, plus `short`."""
    for members, ranked, inside in ranked_prefixes(store, rows, counts, threshold):
        short = prefix_lengths(store.sizes[members], 2 * threshold / (1 + threshold))
        owners = members[:, None] * 2 + (np.arange(ranked.shape[1]) < short[:, None])
        yield ranked[inside], owners[inside]


def ranked_prefixes(
    store: Store, rows: I64, counts: Counts, threshold: float
) -> Iterator[tuple[I64, U64, Flags]]:
    """Yield some rows, a matrix of the keys of their rarest shingles in order, and which cells are in the prefix.

    Keys order shingles from rare to common: the count of a shingle, then the first 48 bits of its hash.
    """
    bits = len(counts).bit_length() - 1
    for group in store.alike(rows):
        members = rows[group]
        lengths = prefix_lengths(store.sizes[members], threshold)
        matrix = store.matrix(members)
        common = counts[(matrix >> np.uint64(64 - bits)).astype(np.int64)].astype(np.uint64)
        ranked = (common << _COMMON) | (matrix >> _REST)
        ranked[matrix == NONE] = NONE
        width = int(lengths.max())
        if width < ranked.shape[1]:
            ranked = np.partition(ranked, width - 1, axis=1)[:, :width]
        ranked.sort(axis=1)
        yield members, ranked, np.arange(width) < lengths[:, None]


def prefix_lengths(sizes: I64, threshold: float) -> I64:
    """Return how many of a set's rarest shingles a similar set must share one of."""
    lengths: I64 = (sizes - np.ceil(sizes * threshold - _SLACK) + 1).astype(np.int64)
    return np.minimum(lengths, sizes)
