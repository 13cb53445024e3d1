"""The benchmarks in memory: every passage of a given number of words, found by hash and proven word by word."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from turnsmith.curate.decontaminate.benchmarks import Item
from turnsmith.curate.decontaminate.options import DecontaminateOptions
from turnsmith.curate.decontaminate.words import WINDOW, windows_of, words_of
from turnsmith.curate.near_duplicates.words import folded
from turnsmith.curate.near_duplicates.words import words_of as word_hashes_of

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
NO_WORD = -1  # stands between texts, and for words that no benchmark has
WORDS_SHOWN = 20
TABLE_SPARSE, SMALLEST_TABLE, LARGEST_TABLE = 16, 16, 28  # the latter two as powers of two
BLOCK = 1 << 16  # of places compared at a time


@dataclass(slots=True)
class Benchmark:
    """Hold what is known of a benchmark: its name, items, items too short to look for, and common passages."""

    name: str
    items: int = 0
    too_short: int = 0
    common: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """Say that words `first` to `last` (excluded) of a text stand in an item; `item` is its number.

    `passage` has the first of these words.
    """

    item: int
    first: int
    last: int
    passage: str


@dataclass(frozen=True, slots=True)
class Passages:
    """Hold the passages of one length: their sorted hashes, and where each stands in `Index.words`.

    `table` says for the first bits of a hash whether there is one that begins so: it turns most others away at once.
    """

    length: int
    hashes: Hashes
    places: Ints
    table: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        bits = min(max((len(self.hashes) * TABLE_SPARSE).bit_length(), SMALLEST_TABLE), LARGEST_TABLE)
        table = np.zeros(1 << bits, bool)
        table[self.hashes >> np.uint64(64 - bits)] = True
        object.__setattr__(self, "table", table)

    def has(self, hashes: Hashes) -> Ints:
        """Return the positions of those hashes that a passage has."""
        bits = len(self.table).bit_length() - 1
        found = np.flatnonzero(self.table[hashes >> np.uint64(64 - bits)])
        places = np.searchsorted(self.hashes, hashes[found])
        places = np.minimum(places, len(self.hashes) - 1)
        return found[self.hashes[places] == hashes[found]] if len(self.hashes) else found


@dataclass(slots=True)
class Index:
    """Hold benchmarks as numbers of words.

    `words` has the words of all texts, each text followed by NO_WORD; `word_hashes` has a hash for each number.
    `starts` and `text_items` have for each text where it begins and its item; `item_names` and `item_benchmarks`
    describe the items.
    """

    vocabulary: dict[str, int] = field(default_factory=dict)
    word_hashes: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    words: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    starts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    text_items: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    item_names: list[str] = field(default_factory=list)
    item_benchmarks: "array[int]" = field(default_factory=lambda: array("l"))
    benchmarks: list[Benchmark] = field(default_factory=list)
    passages: list[Passages] = field(default_factory=list)

    def suspects(self, texts: list[str]) -> list[bool]:
        """Return which texts may hold a passage: all that do, and few others."""
        short = [text if len(text) <= WINDOW else "" for text in texts]
        found = word_hashes_of([folded(text).encode("utf-8", "replace") for text in short], 0)
        suspect = np.array([len(text) > WINDOW for text in texts], bool)
        for passages in self.passages:
            hashes = _hashed(found.hashes, passages.length)
            hits = passages.has(hashes)
            suspect[np.searchsorted(found.first, hits, "right") - 1] = True
        return list(map(bool, suspect))

    def find(self, text: str) -> list[Match]:
        """Return the passages of a text that stand in a benchmark, joined where one begins a word after another."""
        if not self.passages:
            return []
        return [
            match for piece in windows_of(text, self.passages[-1].length - 1) for match in self._find(*piece)
        ]

    def _find(self, first: int, words: list[str]) -> Iterator[Match]:
        get = self.vocabulary.get
        numbers = np.array([get(word, NO_WORD) for word in words], np.int64)
        spans: dict[int, list[tuple[int, int]]] = {}
        for passages in self.passages:
            for item, place in self._hits(passages, numbers):
                spans.setdefault(item, []).append((place, place + passages.length))
        for item in sorted(spans):
            for begin, end in _joined(spans[item]):
                shown = " ".join(words[begin : min(end, begin + WORDS_SHOWN)])
                yield Match(item, first + begin, first + end, shown)

    def _hits(self, passages: Passages, numbers: Ints) -> Iterable[tuple[int, int]]:
        """Yield (item, place in `numbers`) of each passage of one length."""
        places = _whole(numbers, passages.length)
        if not len(places):
            return
        # A place with an unknown word takes any hash: it is left out by `places`.
        hashes = _hashed(self.word_hashes[numbers], passages.length)[places]
        low = np.searchsorted(passages.hashes, hashes, "left")
        counts = np.searchsorted(passages.hashes, hashes, "right") - low
        found = np.flatnonzero(counts)
        for begin in range(0, len(found), BLOCK):
            some = found[begin : begin + BLOCK]
            here = np.repeat(places[some], counts[some])
            inner = np.arange(len(here)) - np.repeat(np.cumsum(counts[some]) - counts[some], counts[some])
            there = passages.places[np.repeat(low[some], counts[some]) + inner]
            offsets = np.arange(passages.length)
            equal = (numbers[here[:, None] + offsets] == self.words[there[:, None] + offsets]).all(axis=1)
            yield from zip(self._items_at(there[equal]).tolist(), here[equal].tolist(), strict=True)

    def _items_at(self, places: Ints) -> Ints:
        items: Ints = self.text_items[np.searchsorted(self.starts, places, "right") - 1]
        return items


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans of one length, those joined that begin one word after another: all of it is in the item."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and last <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _whole(numbers: Ints, length: int) -> Ints:
    """Return the places from which `length` known words follow."""
    unknown = np.concatenate(([0], np.cumsum(numbers == NO_WORD)))
    places: Ints = np.flatnonzero(unknown[length:] == unknown[:-length])
    return places


def _hashed(words: Hashes, length: int) -> Hashes:
    """Return the hash of the `length` words from each place on, given the hash of each word."""
    count = max(len(words) - length + 1, 0)
    hashes = np.zeros(count, np.uint64)
    for offset in range(length):
        hashes *= MULTIPLIER
        hashes += words[offset : offset + count]
    return hashes


def _changes(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return where a value differs from the one before; true for the first."""
    return np.concatenate(([True], values[1:] != values[:-1]))[: len(values)]


class Builder:
    """Take the items of benchmarks, one after another, and make the index."""

    def __init__(self, options: DecontaminateOptions) -> None:
        self._options = options
        self._index = Index()
        self._words = array("q")
        self._starts = array("q")
        self._text_items = array("q")

    def begin(self, name: str) -> None:
        """Let the items that follow belong to another benchmark."""
        self._index.benchmarks.append(Benchmark(name))

    def add(self, item: Item) -> None:
        """Take an item: its texts of `ngram` words or more; of a shorter one its longest text."""
        index = self._index
        index.benchmarks[-1].items += 1
        number = len(index.item_names)
        index.item_names.append(item.name)
        index.item_benchmarks.append(len(index.benchmarks) - 1)
        texts = [words for words in map(words_of, item.texts) if len(words) >= self._options.min_words]
        long = [words for words in texts if len(words) >= self._options.ngram]
        if not texts:
            index.benchmarks[-1].too_short += 1
        for words in long or [max(texts, key=len)] if texts else []:
            self._starts.append(len(self._words))
            self._text_items.append(number)
            vocabulary = index.vocabulary
            self._words.extend(vocabulary.setdefault(word, len(vocabulary)) for word in words)
            self._words.append(NO_WORD)

    def finish(self) -> Index:
        """Return the index, common passages left out."""
        index = self._index
        index.words = np.array(self._words, np.int64)
        index.word_hashes = word_hashes_of(
            [word.encode("utf-8", "replace") for word in index.vocabulary], 0
        ).hashes
        index.starts = np.array(self._starts, np.int64)
        index.text_items = np.array(self._text_items, np.int64)
        lengths = np.diff(np.append(index.starts, len(index.words))) - 1
        for length in np.unique(np.minimum(lengths, self._options.ngram)).tolist():
            places = (
                _whole(index.words, length)
                if length == self._options.ngram
                else index.starts[lengths == length]
            )
            index.passages.append(self._passages(length, places))
        return index

    def _passages(self, length: int, places: Ints) -> Passages:
        """Return the passages that begin at `places`, those of more than `common` items left out."""
        index = self._index
        hashes = _hashed(index.word_hashes[index.words], length)[places]
        order = np.argsort(hashes, kind="stable")
        hashes, places = hashes[order], places[order]
        items = index._items_at(places)
        benchmarks = np.array(index.item_benchmarks, np.int64)[items]
        # Places of one hash are in order, so those of one benchmark and of one item stand together.
        begins_group = _changes(hashes) | _changes(benchmarks)
        group = np.cumsum(begins_group) - 1
        counts = np.bincount(group[begins_group | _changes(items)])
        is_common = counts > self._options.common
        for number in benchmarks[begins_group][is_common].tolist():
            index.benchmarks[number].common += 1
        kept = ~is_common[group]
        return Passages(length, hashes[kept], places[kept])


def build(sources: Iterable[tuple[str, Iterable[Item]]], options: DecontaminateOptions) -> Index:
    """Return the index of (name, items) of benchmarks; memory follows the number of words in them."""
    builder = Builder(options)
    for name, items in sources:
        builder.begin(name)
        for item in items:
            builder.add(item)
    return builder.finish()
