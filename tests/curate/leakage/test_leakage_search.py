"""The search behind leakage: no pair lost, and no more work than the texts are worth."""

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.curate.leakage import held
from turnsmith.curate.leakage.compact import Digests, Names
from turnsmith.curate.leakage.held import Held
from turnsmith.curate.leakage.postings import build_postings, entries_by_row
from turnsmith.curate.near_duplicates import Near, prefixes, shingles
from turnsmith.curate.near_duplicates.shingling import shingle
from turnsmith.curate.near_duplicates.store import Store, all_rows

TEMPLATE = [f"t{number}" for number in range(90)]


def stored(texts: list[str], near: Near) -> Store:
    """Return the sets of texts."""
    store = Store(near.memory, None)
    store.append(shingle(texts, near.ngram, near.seed))
    store.seal()
    return store


def templated(name: str, count: int, own: range) -> list[str]:
    """Return texts of one template, each with some words of its own before, behind or in it."""
    chance = random.Random(name)
    texts = []
    for row in range(count):
        words = [f"{name}{row}_{number}" for number in range(chance.choice(own))]
        place = chance.choice((0, 40, 90))
        texts.append(" ".join([*TEMPLATE[:place], *words, *TEMPLATE[place:]]))
    return texts


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9, 1.0])
def test_templates_around_the_threshold_lose_no_twin(threshold: float) -> None:
    """Where some texts of a template are near and others are not quite, all that have a twin find one."""
    near = Near(threshold=threshold)
    texts, others = templated("a", 150, range(70)), templated("b", 150, range(70))
    others += texts[:3]
    search = Held(texts, near)
    search.compare(stored(others, near))
    sets, other_sets = ([set(shingles(text, 5).tolist()) for text in each] for each in (texts, others))
    expected = [any(len(one & other) / len(one | other) >= threshold for other in other_sets) for one in sets]
    assert any(expected)
    assert search.has_twin.tolist() == expected


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=30).map(" ".join), max_size=25),
    st.lists(
        st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=30).map(" ".join), min_size=1, max_size=25
    ),
    st.sampled_from([0.3, 0.5, 0.8, 1.0]),
    st.sampled_from([(1, 1), (20, 7), (held.SHINGLES, held.LOOKED_UP)]),
)
def test_any_texts_find_what_brute_force_finds(
    texts: list[str], others: list[str], threshold: float, at_once: tuple[int, int]
) -> None:
    """Which texts have a twin, and how similar it is, holds against brute force, however few go at once."""
    near = Near(threshold=threshold, ngram=2)
    sets, other_sets = ([set(shingles(text, 2).tolist()) for text in each] for each in (texts, others))
    usual = held.SHINGLES, held.LOOKED_UP
    held.SHINGLES, held.LOOKED_UP = at_once
    try:
        search = Held(texts, near)
        found = search.compare(stored(others, near))
    finally:
        held.SHINGLES, held.LOOKED_UP = usual
    for text, row, similarity in found:
        assert len(sets[text] & other_sets[row]) / len(sets[text] | other_sets[row]) == similarity
    expected = [any(len(a & b) / len(a | b) >= threshold for b in other_sets) for a in sets]
    assert search.has_twin.tolist() == expected
    assert sorted(text for text, _, _ in found) == [text for text, has in enumerate(expected) if has]


def test_what_is_below_the_threshold_by_its_place_is_not_met() -> None:
    """Texts of a template that are longer or shorter, but all below the threshold, make no candidates at all."""
    near = Near()
    store, others = (
        stored(templated("a", 2000, range(13, 14)), near),
        stored(templated("b", 2000, range(9, 20)), near),
    )
    counts = prefixes.rough_counts(store, all_rows(store), near.memory)
    postings = build_postings(store, all_rows(store), counts, near.threshold)
    entries = entries_by_row(others, all_rows(others), counts, near.threshold)
    _, _, met = postings.meeting(entries, near.threshold)
    assert len(postings) > 20_000
    assert met.sum() < 100


def test_twins_that_are_found_cost_nothing_later() -> None:
    """Beside many texts without a twin, those of a template that have found theirs are not met by every later one."""
    near = Near()
    chance = random.Random(1)
    vocabulary = [f"w{number}" for number in range(5000)]
    unrelated = [" ".join(chance.choices(vocabulary, k=20)) for _ in range(8000)]
    search = Held([*templated("a", 4000, range(3, 4)), *unrelated], near)
    texts = templated("b", 4000, range(3, 4))
    started = time.perf_counter()
    for begin in range(0, len(texts), 1000):
        search.compare(stored(texts[begin : begin + 1000], near))
    assert search.has_twin.sum() == 4000
    assert time.perf_counter() - started < 20  # a second or two; the square took minutes


def test_counts_of_shingles_do_not_begin_again() -> None:
    """A shingle in more rows than a count can hold stays the most common one."""
    near = Near()
    store = stored(["one two three four five", "six seven eight nine ten"], near)
    rows = np.zeros(prefixes.SAMPLE * 66_000, np.int64)
    counts = prefixes.rough_counts(store, rows, near.memory)
    assert counts.max() == prefixes.MOST
    assert prefixes.rough_counts(store, all_rows(store), near.memory).max() == 1


@given(st.lists(st.binary(min_size=16, max_size=16) | st.just(b"\0" * 16), max_size=50))
def test_digests_are_numbered_as_a_dict_would(digests: list[bytes]) -> None:
    """Each distinct digest has the number of those before it; one that was not added has none."""
    numbers: dict[bytes, int] = {}
    compact = Digests()
    for digest in digests:
        assert compact.find(digest) == numbers.get(digest)
        assert compact.add(digest) == numbers.setdefault(digest, len(numbers))
    assert len(compact) == len(numbers)


def test_many_digests_that_begin_alike_are_told_apart() -> None:
    """Digests whose first bytes are equal find places of their own, while the table grows."""
    digests = [bytes(8) + number.to_bytes(8) for number in range(1500)]
    compact = Digests()
    assert [compact.add(digest) for digest in digests] == list(range(1500))
    assert [compact.find(digest) for digest in digests] == list(range(1500))
    assert compact.find(b"\1" * 16) is None


@given(st.lists(st.text(st.characters(), max_size=8), max_size=10))
def test_names_come_back_as_they_were(names: list[str]) -> None:
    """Names of any characters, empty ones and lone surrogates too, are given back."""
    compact = Names()
    for name in names:
        compact.append(name)
    assert [compact[number] for number in range(len(names))] == names
