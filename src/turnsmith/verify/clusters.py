"""Find near-duplicate requests exactly: an inverted index over the rarest shingles, then whole sets compared.

Written from the definition in docs/near-duplicates.md and not from the code that made the groups. Two requests of
Jaccard similarity t or more must share one of their |x| - ceil(t |x|) + 1 rarest shingles, so that whoever
compares all that do misses none.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]

THRESHOLD = 4, 5  # as a fraction, so that no rounding decides
NGRAM = 5
NEVER_SHORT = 200  # characters from which a request is compared, however few words it has
BLOCK = 1 << 20
ASCII_SPACE = " \t\n\r\x0b\x0c"
# Scripts without spaces: each character is a word. The two planes from U+20000 on hold nothing else.
UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x312F), (0x31F0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9D),
)  # fmt: skip
UNSPACED_PLANES = 0x20000, 0x3FFFF
MARKS_BEYOND = 0xE0000, 0xE0FFF  # the only ones beyond those planes


class Near(NamedTuple):
    """Hold two positions whose requests are near duplicates, and their similarity."""

    left: int
    right: int
    similarity: float


def shingles(text: str) -> Numbers:
    """Return the shingles of a text, five words in a row, as ascending hashes, each once."""
    words = words_of(text)
    if len(words) < 2:
        # So little to compare that only equal texts count as alike.
        text = unicodedata.normalize("NFC", text.casefold())
        return np.array([hash(("alone", text.strip(ASCII_SPACE)))], np.int64)
    if len(words) < NGRAM:
        return np.array([hash(tuple(words))], np.int64)
    found = set(map(hash, zip(*(words[offset:] for offset in range(NGRAM)), strict=False)))
    return np.sort(np.fromiter(found, np.int64, len(found)))


def words_of(text: str) -> list[str]:
    """Return the words of a text in order, case folded and in NFC."""
    words: list[str] = _word().findall(unicodedata.normalize("NFC", text.casefold()))
    return words


def is_short(text: str) -> bool:
    """Tell whether a request says too little to be recognized: such requests are not compared."""
    return len(text) < NEVER_SHORT and len(words_of(text)) < NGRAM


@functools.cache
def _word() -> re.Pattern[str]:
    """Return what a word is: one character of an unspaced script, or a run of letters, digits, marks and `_`."""
    in_word: list[int] = []
    alone: list[int] = []
    for code in (*range(UNSPACED_PLANES[0]), *range(MARKS_BEYOND[0], MARKS_BEYOND[1] + 1)):
        char = chr(code)
        if char.isalnum() or char == "_" or unicodedata.category(char).startswith("M"):
            unspaced = any(low <= code <= high for low, high in UNSPACED)
            (alone if unspaced else in_word).append(code)
    planes = "\\U{:08x}-\\U{:08x}".format(*UNSPACED_PLANES)
    return re.compile(f"[{_ranges(alone)}{planes}]|[{_ranges(in_word)}]+")


def _ranges(codes: list[int]) -> str:
    """Return ascending code points as the inside of a character class."""
    numbers = np.array(codes)
    breaks = np.flatnonzero(np.diff(numbers) > 1)
    lows, highs = numbers[np.r_[0, breaks + 1]], numbers[np.r_[breaks, len(numbers) - 1]]
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in zip(lows, highs, strict=True))


def near_duplicates_apart(sets: list[Numbers], units: Numbers) -> Iterator[Near]:
    """Yield all near duplicates among `sets` whose units differ, each pair once.

    Pairs within a unit are where they should be and are never compared: so a family of a million near-equal
    requests in one unit costs nothing.
    """
    ranked, starts = _by_rarity(sets)
    sizes = np.diff(starts)
    seen: set[int] = set()
    for left, right in _sharing_a_rare_one(ranked, starts, units):
        keys = np.unique(left * len(sets) + right)
        for key in keys.tolist():
            first, second = divmod(key, len(sets))
            if key in seen or not _sizes_allow(int(sizes[first]), int(sizes[second])):
                continue
            seen.add(key)
            one, other = (ranked[starts[each] : starts[each + 1]] for each in (first, second))
            common = len(np.intersect1d(one, other, assume_unique=True))
            union = len(one) + len(other) - common
            if common * THRESHOLD[1] >= union * THRESHOLD[0]:
                yield Near(first, second, common / union)


def _by_rarity(sets: list[Numbers]) -> tuple[Numbers, Numbers]:
    """Return all sets one after another, each shingle as its rank by rarity, ascending; and where each starts."""
    starts = np.concatenate([[0], np.cumsum([len(each) for each in sets])]).astype(np.int64)
    if not sets:
        return np.empty(0, np.int64), starts
    _, inverse, counts = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    ranked = rank[inverse]
    owners = np.repeat(np.arange(len(sets)), np.diff(starts))
    return ranked[np.lexsort((ranked, owners))], starts


def _sharing_a_rare_one(
    ranked: Numbers, starts: Numbers, units: Numbers
) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield blocks of pairs of different units that share a shingle which is among the rarest of both."""
    sizes = np.diff(starts)
    prefixes = sizes - -(-sizes * THRESHOLD[0] // THRESHOLD[1]) + 1
    owners = np.repeat(np.arange(len(sizes)), prefixes)
    places = np.arange(len(owners)) - np.repeat(np.cumsum(prefixes) - prefixes, prefixes)
    tokens = ranked[np.repeat(starts[:-1], prefixes) + places]
    order = np.lexsort((owners, tokens))
    tokens, owners = tokens[order], owners[order]
    if not len(tokens):
        return
    begins = np.concatenate([[0], np.flatnonzero(np.diff(tokens)) + 1])
    ends = np.append(begins[1:], len(tokens))
    of_owners = units[owners]
    mixed = np.minimum.reduceat(of_owners, begins) != np.maximum.reduceat(of_owners, begins)
    for begin, end in zip(begins[mixed].tolist(), ends[mixed].tolist(), strict=True):
        yield from _pairs_of(owners[begin:end], units)


def _pairs_of(run: Numbers, units: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the pairs of different units in an ascending run of positions, some rows of the square at a time."""
    rows = max(1, BLOCK // len(run))
    for begin in range(0, len(run), rows):
        block = run[begin : begin + rows]
        different = (units[block][:, None] != units[run][None, :]) & (block[:, None] < run[None, :])
        left, right = np.nonzero(different)
        if len(left):
            yield block[left], run[right]


def _sizes_allow(one: int, other: int) -> bool:
    return min(one, other) * THRESHOLD[1] >= max(one, other) * THRESHOLD[0]
