"""Pairs of near duplicates against a second implementation."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.curate.near_duplicates import brute
from turnsmith.core.errors import UsageError
from turnsmith.curate.near_duplicates import (
    Near,
    Pairs,
    clusters,
    find_pairs,
    joining,
    keep_first,
    kept,
    shingles,
)
from turnsmith.curate.near_duplicates.prefixes import build_index
from turnsmith.curate.near_duplicates.shingling import shingle
from turnsmith.curate.near_duplicates.store import Store, all_rows

WORD = st.sampled_from(
    ["a", "bc", "the", "Zoë", "zoe", "x_1", "漢字", "ไทย", "नमस्ते", "internationalization", "!"]
)
TEXT = st.one_of(st.lists(WORD, max_size=14).map(" ".join), st.text(max_size=12))


def as_dict(pairs: Pairs) -> dict[tuple[int, int], np.float32]:
    """Return pairs in the shape of the second implementation."""
    keys = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    return dict(zip(keys, pairs.similarity, strict=True))


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXT, max_size=30), st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.integers(1, 5))
def test_pairs_are_exactly_those_of_brute_force(texts: list[str], threshold: float, ngram: int) -> None:
    """All pairs at or above the threshold are found, none else, with their exact similarity."""
    pairs = find_pairs(texts, Near(threshold=threshold, ngram=ngram))
    assert as_dict(pairs) == brute.all_pairs(texts, threshold, ngram)
    assert list(as_dict(pairs)) == sorted(as_dict(pairs))


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXT, max_size=30), st.sampled_from([0.3, 0.5, 0.8]))
def test_keep_first_drops_only_with_a_kept_neighbour(texts: list[str], threshold: float) -> None:
    """A dropped text has an earlier kept neighbour, named with its similarity; no two kept texts are near."""
    result = keep_first(len(texts), find_pairs(texts, Near(threshold=threshold, ngram=2)))
    sets = [brute.shingle_set(text, 2) for text in texts]
    for row, stays in enumerate(result.kept.tolist()):
        near = [
            left
            for left in range(row)
            if result.kept[left] and brute.jaccard(sets[left], sets[row]) >= threshold
        ]
        assert stays == (not near)
        if not stays:
            best = max(brute.jaccard(sets[left], sets[row]) for left in near)
            assert result.neighbour[row] in near
            assert result.similarity[row] == np.float32(best)


@pytest.mark.parametrize("at_once", [1, 10, 1 << 22])
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, max_size=40), threshold=st.sampled_from([0.3, 0.5, 0.8]))
def test_fewer_pairs_decide_the_same(
    monkeypatch: pytest.MonkeyPatch, at_once: int, texts: list[str], threshold: float
) -> None:
    """Kept pairs keep the same rows as all pairs, linked pairs make the same groups, however few go at once."""
    for module in (joining, kept):
        monkeypatch.setattr(module, "CANDIDATES", at_once)
    near, count = Near(threshold=threshold, ngram=2), len(texts)
    pairs = find_pairs(texts, near)
    expected = keep_first(count, pairs)
    result = keep_first(count, find_pairs(texts, near, which="kept"))
    assert result.kept.tolist() == expected.kept.tolist()
    assert result.neighbour.tolist() == expected.neighbour.tolist()
    assert result.similarity.tolist() == expected.similarity.tolist()
    linked = find_pairs(texts, near, which="linked")
    assert clusters(count, linked).tolist() == clusters(count, pairs).tolist()
    assert set(as_dict(linked).items()) <= set(as_dict(pairs).items())


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)).filter(lambda pair: pair[0] < pair[1])))
def test_clusters_are_connected_groups(edges: list[tuple[int, int]]) -> None:
    """Rows are in one group when any chain of pairs joins them; its smallest row names it."""
    edges = sorted(set(edges))
    left, right = (np.array([edge[side] for edge in edges], np.int64) for side in (0, 1))
    group = list(range(20))
    for one, other in edges:
        low, high = sorted((group[one], group[other]))
        group = [low if each == high else each for each in group]
    assert clusters(20, Pairs(left, right, np.ones(len(edges), np.float32))).tolist() == group


@pytest.mark.parametrize(
    "setting",
    [
        {"threshold": 0.0},
        {"threshold": 1.1},
        {"threshold": float("nan")},
        {"ngram": 0},
        {"seed": -1},
        {"memory": 1},
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    """A setting out of range is a usage error that names it."""
    with pytest.raises(UsageError, match=r"^--"):
        Near(**setting)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_shingles_of_any_text_are_those_of_brute_force(texts: list[str]) -> None:
    """Any characters, foreign and odd ones too, give as many shingles as words read one by one."""
    for text in texts:
        assert len(shingles(text, 1)) == len(brute.shingle_set(text, 1))


def test_shingles_are_ascending_and_each_once() -> None:
    """Shingles are ascending hashes without repeats."""
    found = shingles("to be or not to be or not to be or not", 3)
    assert len(found) == 4
    assert (found[1:] > found[:-1]).all()


def test_a_template_below_the_threshold_makes_no_candidates() -> None:
    """Texts that share a template, but too little for near duplicates, don't meet at all: not the square of them."""
    template = [f"t{number}" for number in range(86)]
    texts = [" ".join([*template, *(f"u{row}_{number}" for number in range(18))]) for row in range(300)]
    near = Near()
    store = Store(near.memory, None)
    store.append(shingle(texts, near.ngram, near.seed))
    store.seal()
    assert len(build_index(store, all_rows(store), near, None).rows) < 10
    assert len(find_pairs(texts, near)) == 0


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_templates_around_the_threshold_lose_no_pair(threshold: float) -> None:
    """Where templates make some texts near and others not, what stays is what brute force keeps."""
    chance = random.Random(7)
    texts = []
    for row in range(400):
        own = [f"u{row}_{number}" for number in range(chance.randrange(1, 60))]
        texts.append(" ".join([*(f"t{number}" for number in range(90)), *own]))
    near = Near(threshold=threshold)
    sets = [set(zip(*(text.split()[offset:] for offset in range(5)), strict=False)) for text in texts]
    staying: list[int] = []
    for row, each in enumerate(sets):
        if all(len(each & sets[other]) < threshold * len(each | sets[other]) for other in staying):
            staying.append(row)
    for pairs in (find_pairs(texts, near, which="kept"), find_pairs(texts, near)):
        assert np.flatnonzero(keep_first(len(texts), pairs).kept).tolist() == staying
