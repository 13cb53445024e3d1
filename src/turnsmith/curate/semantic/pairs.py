"""All pairs of texts whose embeddings point the same way: exact, by products of matrices, block by block.

The time is that of comparing all texts with all; a hundred thousand take minutes, a million hours.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from turnsmith.core.errors import DataError, UsageError
from turnsmith.curate.near_duplicates import Pairs
from turnsmith.curate.semantic.model import Embed, Vectors

SEMANTIC_THRESHOLD = 0.95
MOST_PAIRS = 50_000_000
BLOCK = 2048
BATCH_CHARS, BATCH_TEXTS = 1 << 20, 1024
DIGEST_BYTES = 16
# Products of single precision differ in their last digits from one shape of a block to another.
_MARGIN = 1e-4
_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))

Ints = npt.NDArray[np.int64]
OnProgress = Callable[[int], object]
"""Takes the number of distinct texts that were compared since the last call."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Hold for each text the number of the first equal one, the numbers of those first ones, and their vectors."""

    firsts: Ints
    rows: Ints
    vectors: Vectors


def find_semantic_pairs(
    texts: Iterable[str],
    embed: Embed,
    threshold: float = SEMANTIC_THRESHOLD,
    on_progress: OnProgress | None = None,
) -> Pairs:
    """Return all pairs of texts whose cosine is at or above the threshold, by their numbers from 0.

    Equal texts stand in one pair each, with the first of them, and in no other; only theirs have a similarity of 1.
    A text that the model knows no word of is near none. In memory are the embeddings of all distinct texts, 4 bytes
    a dimension. Raises UsageError for a threshold out of range, DataError for more than 50 million pairs.
    """
    if not 0 < threshold <= 1:
        raise UsageError(
            f"--threshold: {threshold} is not above 0 and up to 1; {SEMANTIC_THRESHOLD} is usual"
        )
    return semantic_pairs_of(embed_texts(texts, embed), threshold, on_progress)


def semantic_pairs_of(embedded: Embedded, threshold: float, on_progress: OnProgress | None = None) -> Pairs:
    """Return all pairs of embedded texts, as `find_semantic_pairs` does."""
    firsts, rows = embedded.firsts, embedded.rows
    copies = np.flatnonzero(firsts != np.arange(len(firsts)))
    lefts, rights, similarities = [firsts[copies]], [copies], [np.ones(len(copies), np.float32)]
    total = 0
    for left, right, similarity in _near(embedded.vectors, threshold, on_progress):
        lefts.append(rows[left])
        rights.append(rows[right])
        similarities.append(similarity)
        total += len(left)
        if total > MOST_PAIRS:
            raise DataError(
                f"more than {MOST_PAIRS:,} pairs have a cosine of {threshold:g} or more; give a higher --threshold"
            )
    left, right = np.concatenate(lefts), np.concatenate(rights)
    order = np.lexsort((right, left))
    return Pairs(left[order], right[order], np.concatenate(similarities)[order])


def embed_texts(texts: Iterable[str], embed: Embed) -> Embedded:
    """Return the embeddings of texts, equal ones once."""
    seen: dict[bytes, int] = {}
    firsts: list[int] = []
    rows: list[int] = []
    parts: list[Vectors] = []
    batch: list[str] = []
    size = 0
    for number, text in enumerate(texts):
        first = seen.setdefault(
            hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=DIGEST_BYTES).digest(), number
        )
        firsts.append(first)
        if first == number:
            rows.append(number)
            batch.append(text)
            size += len(text)
        if size > BATCH_CHARS or len(batch) == BATCH_TEXTS:
            parts.append(_unit(embed(batch)))
            batch, size = [], 0
    if batch:
        parts.append(_unit(embed(batch)))
    vectors = np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)
    return Embedded(np.array(firsts, np.int64), np.array(rows, np.int64), vectors)


def _unit(vectors: Vectors) -> Vectors:
    """Return vectors of length 1; those without a direction stay 0, near nothing."""
    vectors = np.nan_to_num(vectors)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.where(lengths == 0, 1.0, lengths)).astype(np.float32)
    return unit


def _near(
    vectors: Vectors, threshold: float, on_progress: OnProgress | None
) -> Iterator[tuple[Ints, Ints, npt.NDArray[np.float32]]]:
    """Yield (left, right, cosine), left < right, each pair once."""
    for begin in range(0, len(vectors), BLOCK):
        block = vectors[begin : begin + BLOCK]
        for other in range(0, begin + len(block), BLOCK):
            products = block @ vectors[other : other + BLOCK].T
            right, left = np.nonzero(products >= threshold - _MARGIN)
            right, left = right + begin, left + other
            once = left < right
            yield _exact(vectors, left[once], right[once], threshold)
        if on_progress:
            on_progress(len(block))


def _exact(
    vectors: Vectors, left: Ints, right: Ints, threshold: float
) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
    """Return those of the candidates that are at or above the threshold in double precision."""
    cosine = np.empty(len(left), np.float64)
    for begin in range(0, len(left), BLOCK):
        part = slice(begin, begin + BLOCK)
        products = vectors[left[part]].astype(np.float64) * vectors[right[part]].astype(np.float64)
        cosine[part] = products.sum(axis=1)
    cosine = np.round(cosine, 6)  # what is left of single precision
    near = cosine >= threshold
    return left[near], right[near], np.minimum(cosine[near].astype(np.float32), _BELOW_ONE)
