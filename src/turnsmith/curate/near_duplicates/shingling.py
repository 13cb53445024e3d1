"""Sets of word n-grams as sorted 64-bit hashes, for a batch of texts at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from turnsmith.curate.near_duplicates.words import I64, U64, Words, folded, whole_hash, words_of_texts

BATCH_BYTES = 2 << 20
BATCH_TEXTS = 4096
WIDEST_ROW = 2048
_FACTOR = np.uint64(0xA0761D6478BD642F)
_FINISH = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_MARK_FACTORS = (np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F))
_SHIFT = np.uint64(33)
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(slots=True)
class Sets:
    """Hold the sets of some texts: text i has `hashes[starts[i] : starts[i] + sizes[i]]`, ascending, each once."""

    hashes: U64
    starts: I64
    sizes: I64

    @property
    def marks(self) -> U64:
        """Return 128 bits for each set that only equal sets share: two sums over its mixed hashes."""
        order = np.argsort(self.starts)
        marks = np.empty((len(self.starts), 2), np.uint64)
        for column, factor in enumerate(_MARK_FACTORS):
            mixed = self.hashes * factor
            mixed ^= mixed >> _SHIFT
            mixed *= factor
            marks[order, column] = np.add.reduceat(mixed, self.starts[order])
        return marks + self.sizes[:, None].astype(np.uint64)


def shingles(text: str, ngram: int, seed: int = 0) -> U64:
    """Return the shingles of a text as ascending hashes, each once.

    A shingle is `ngram` words in a row; see `words` for what a word is. A text of fewer words has one shingle of
    all its words; a text of no or one word has one of its characters, so that only equal texts share it.
    """
    return shingle([text], ngram, seed).hashes


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts in lists of a few megabytes; a longer text comes alone."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (size + len(text) > BATCH_BYTES or len(batch) == BATCH_TEXTS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def shingle(texts: list[str], ngram: int, seed: int) -> Sets:
    """Return the sets of shingles of a batch of texts."""
    words = words_of_texts(texts, seed)
    counts = np.diff(words.first)
    grams = _grams(words.hashes, ngram)
    is_short = counts < max(ngram, 2)
    sets = _distinct(grams, words.first[:-1], np.where(is_short, 0, counts - ngram + 1))
    short = np.flatnonzero(is_short)
    if len(short):
        sets.starts[short] = len(sets.hashes) + np.arange(len(short))
        sets.sizes[short] = 1
        sets.hashes = np.concatenate([sets.hashes, _whole(texts, words, short, seed)])
    return sets


def _grams(hashes: U64, ngram: int) -> U64:
    """Return the hash of each run of `ngram` words, across the ends of texts too."""
    count = max(len(hashes) - ngram + 1, 0)
    grams = hashes[:count].copy()
    for offset in range(1, ngram):
        grams *= _FACTOR
        grams += hashes[offset : offset + count]
    return _finished(grams)


def _finished(grams: U64) -> U64:
    """Mix all bits, in place; the one value that stands for nothing is left out."""
    for factor in _FINISH:
        grams ^= grams >> _SHIFT
        grams *= factor
    grams ^= grams >> _SHIFT
    np.minimum(grams, _NONE - np.uint64(1), out=grams)
    return grams


def _whole(texts: list[str], words: Words, short: I64, seed: int) -> U64:
    """Return the one shingle of each short text."""
    firsts, ends = words.first[short], words.first[short + 1]
    counts = ends - firsts
    shingle = counts.astype(np.uint64) * _FACTOR  # so that fewer words are never a shingle of more
    for offset in range(int(counts.max())):
        longer = counts > offset
        shingle[longer] = shingle[longer] * _FACTOR + words.hashes[firsts[longer] + offset]
    for index in np.flatnonzero(counts < 2).tolist():
        whole = folded(texts[short[index]]).strip()
        shingle[index] = whole_hash(whole.encode("utf-8", "replace"), seed)
    return _finished(shingle)


def _distinct(grams: U64, starts: I64, sizes: I64) -> Sets:
    """Return the sets of `grams[start : start + size]`: texts of like size are sorted as rows of one matrix.

    Short rows sort in registers, which is many times as fast as one long sort of everything.
    """
    order = np.argsort(sizes, kind="stable")
    ordered = sizes[order]
    begin = int(np.searchsorted(ordered, 1))
    out_starts, out_sizes = np.zeros(len(sizes), np.int64), np.zeros(len(sizes), np.int64)
    parts: list[U64] = []
    written = 0
    while begin < len(order):
        smallest = int(ordered[begin])
        widest = smallest + max(smallest // 4, 4)
        end = begin + 1 if smallest > WIDEST_ROW else int(np.searchsorted(ordered, widest, "right"))
        rows = order[begin:end]
        matrix = _matrix(grams, starts[rows], sizes[rows])
        fresh = np.ones(matrix.shape, bool)
        np.not_equal(matrix[:, 1:], matrix[:, :-1], out=fresh[:, 1:])
        fresh &= matrix != _NONE
        parts.append(matrix[fresh])
        out_sizes[rows] = fresh.sum(axis=1)
        out_starts[rows] = written + np.cumsum(out_sizes[rows]) - out_sizes[rows]
        written += len(parts[-1])
        begin = end
    return Sets(np.concatenate(parts) if parts else np.zeros(0, np.uint64), out_starts, out_sizes)


def _matrix(grams: U64, starts: I64, sizes: I64) -> U64:
    """Return runs of grams as sorted rows, filled up with the value that stands for nothing."""
    width = int(sizes.max())
    if len(starts) == 1:
        row = np.sort(grams[starts[0] : starts[0] + width])
        return row.reshape(1, width)
    columns = np.arange(width)
    places = starts[:, None] + columns
    np.minimum(places, len(grams) - 1, out=places)
    matrix: U64 = grams[places]
    matrix[columns >= sizes[:, None]] = _NONE
    matrix.sort(axis=1)
    return matrix
