"""Shared passages, against a search that compares every word with every word."""

from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.curate.decontaminate import words
from turnsmith.curate.decontaminate.benchmarks import Item
from turnsmith.curate.decontaminate.index import Index, build
from turnsmith.curate.decontaminate.options import DecontaminateOptions
from turnsmith.curate.decontaminate.words import words_of

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=14).map(" ".join)
ITEMS = st.lists(st.lists(WORDS, min_size=1, max_size=2), min_size=1, max_size=6)
OPTIONS = DecontaminateOptions(ngram=5, min_words=3, common=2)


def grams(text: str, length: int) -> set[tuple[str, ...]]:
    """Return all runs of `length` words."""
    found = words_of(text)
    return {tuple(found[begin : begin + length]) for begin in range(len(found) - length + 1)}


def looked_for(items: list[list[str]]) -> list[set[tuple[str, ...]]]:
    """Return by item the passages that the documentation says are looked for, before common ones go."""
    passages: list[set[tuple[str, ...]]] = []
    for texts in items:
        long = [grams(text, OPTIONS.ngram) for text in texts]
        longest = max(texts, key=lambda text: len(words_of(text)))
        if any(long):
            passages.append(set().union(*long))
        else:
            enough = len(words_of(longest)) >= OPTIONS.min_words
            passages.append({tuple(words_of(longest))} if enough else set())
    return passages


def index_of(items: list[list[str]]) -> Index:
    """Return the index of one benchmark."""
    named = [Item(str(number), texts) for number, texts in enumerate(items)]
    return build([("one", named)], OPTIONS)


@settings(max_examples=300, deadline=None)
@given(items=ITEMS, text=WORDS)
def test_found_is_what_brute_force_finds(items: list[list[str]], text: str) -> None:
    """An item is found exactly where a passage of it, that is not common, stands in the text."""
    passages = looked_for(items)
    common = {each for found in passages for each in found if sum(each in other for other in passages) > 2}
    expected = {
        item
        for item, found in enumerate(passages)
        if any(each in grams(text, len(each)) for each in found - common)
    }
    index = index_of(items)
    matches = index.find(text)
    assert {match.item for match in matches} == expected
    assert index.benchmarks[0].common == len(common)
    for match in matches:
        run = tuple(words_of(text)[match.first : match.last])
        assert all(
            any(run[begin : begin + len(each)] == each for each in passages[match.item])
            for begin in range(len(run) - OPTIONS.ngram + 1)
        )
    assert not expected or index.suspects(["d", text, text + " d"])[1:] == [True, True]


def test_passages_that_only_overlap_stay_apart() -> None:
    """Two passages that overlap, but not as they do in the item, are two."""
    matches = index_of([["a a a b b b a b a"]]).find("a a a b b a b a")
    assert [(match.first, match.last) for match in matches] == [(0, 5), (3, 8)]


@settings(max_examples=100, deadline=None)
@given(items=ITEMS, text=WORDS)
def test_windows_change_nothing(items: list[list[str]], text: str) -> None:
    """A text that is looked at in pieces has the same items in it."""
    index = index_of(items)
    whole = {match.item for match in index.find(text)}
    original, words.WINDOW = words.WINDOW, 4
    try:
        assert {match.item for match in index.find(text)} == whole
    finally:
        words.WINDOW = original


@settings(max_examples=60, deadline=None)
@given(items=ITEMS, text=WORDS)
def test_a_collision_of_hashes_finds_nothing(items: list[list[str]], text: str) -> None:
    """Where all words have the same hash, the words themselves still decide."""
    index = index_of(items)
    expected = {match.item for match in index.find(text)}
    index.word_hashes[:] = 1
    for number, passages in enumerate(index.passages):
        passages.hashes[:] = sum(0x9E3779B97F4A7C15**power for power in range(passages.length)) % 2**64
        assert len(index.passages[number].hashes) == len(passages.places)
    assert {match.item for match in index.find(text)} == expected


def test_passages_of_an_item_stop_at_its_texts() -> None:
    """Words of two texts of an item make no passage together."""
    index = index_of([["a a a b b", "c c c c a"]])
    assert index.find("a b b c c c") == []
    assert [match.item for match in index.find("x a a a b b y")] == [0]


def test_passages_are_joined() -> None:
    """Passages of an item that follow each other word by word are one, from its first word to its last."""
    (match,) = index_of([["a b c a b c a"]]).find("x a b c a b c a")
    assert (match.first, match.last, match.passage) == (1, 8, "a b c a b c a")
