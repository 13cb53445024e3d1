"""Leakage between splits, against a comparison of every request with every other."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.curate.clean.exact import normalized
from turnsmith.curate.decontaminate.words import words_of
from turnsmith.curate.leakage import Asked, Leakage, Unit, held, measure_leakage
from turnsmith.curate.near_duplicates import Near

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "B", "  "]), min_size=0, max_size=12).map(" ".join)
CONVERSATIONS = st.lists(
    st.tuples(st.sampled_from(["", "ada", "bob", "eve"]), st.lists(TEXTS, min_size=1, max_size=3)), max_size=6
)
NEAR = Near(threshold=0.6, ngram=2)


def measured(
    splits: Mapping[str, list[tuple[str, list[str]]]], unit: Unit = Unit.all, near: Near = NEAR
) -> Leakage:
    """Return the leakage of splits given as lists of (user, requests)."""
    asked = {
        name: [Asked(f"{name}-{number}", *each) for number, each in enumerate(conversations)]
        for name, conversations in splits.items()
    }
    return measure_leakage({name: each.__iter__ for name, each in asked.items()}, unit, near)


def jaccard(left: str, right: str, ngram: int) -> float:
    """Return the similarity of two texts of `ngram` words or more."""
    first, second = (
        {tuple(words[place : place + ngram]) for place in range(len(words) - ngram + 1)}
        for words in (words_of(left), words_of(right))
    )
    return len(first & second) / len(first | second)


def compared(conversation: tuple[str, list[str]], unit: Unit) -> list[str]:
    """Return the requests that are compared."""
    requests = conversation[1][:1] if unit is Unit.first else conversation[1]
    return [text for text in requests if len(words_of(text)) >= NEAR.ngram]


@settings(max_examples=150, deadline=None)
@given(train=CONVERSATIONS, val=CONVERSATIONS, test=CONVERSATIONS, unit=st.sampled_from(Unit))
def test_counts_are_those_of_brute_force(
    train: list[tuple[str, list[str]]],
    val: list[tuple[str, list[str]]],
    test: list[tuple[str, list[str]]],
    unit: Unit,
) -> None:
    """Exact twins, near twins and same users are counted as a comparison of all with all counts them."""
    splits = {"train": train, "val": val, "test": test}
    leakage = measured(splits, unit)
    assert [(pair.of, pair.in_) for pair in leakage.pairs] == [
        ("val", "train"),
        ("test", "train"),
        ("test", "val"),
    ]
    for pair in leakage.pairs:
        others = [text for each in splits[pair.in_] for text in compared(each, unit)]
        users = {user for user, _ in splits[pair.in_] if user}
        exact, near, same = [], [], []
        for user, texts in splits[pair.of]:
            requests = compared((user, texts), unit)
            exact.append([any(normalized(a) == normalized(b) for b in others) for a in requests])
            near.append([any(jaccard(a, b, NEAR.ngram) >= NEAR.threshold for b in others) for a in requests])
            same.append([user in users] * len(requests))
        assert pair.requests.total == sum(map(len, exact))
        assert pair.requests.exact == sum(map(sum, exact))
        assert pair.requests.near == sum(map(sum, near))
        assert pair.conversations.total == len(splits[pair.of])
        assert pair.conversations.exact == sum(map(any, exact))
        assert pair.conversations.near == sum(map(any, near))
        known = users and any(user for user, _ in splits[pair.of])
        assert pair.requests.same_user == (sum(map(sum, same)) if known else None)
        for twin in pair.worst:
            (_, texts), (_, other) = (
                splits[name][int(place.rpartition("-")[2])]
                for name, place in ((pair.of, twin.id), (pair.in_, twin.twin_id))
            )
            a, b = texts[twin.request - 1], other[twin.twin_request - 1]
            assert jaccard(a, b, NEAR.ngram) == pytest.approx(twin.similarity)
            assert twin.exact == (normalized(a) == normalized(b))


@settings(max_examples=100, deadline=None)
@given(train=CONVERSATIONS, test=CONVERSATIONS)
def test_block_sizes_change_no_count(
    train: list[tuple[str, list[str]]], test: list[tuple[str, list[str]]]
) -> None:
    """The counts don't depend on how many candidates are looked up and compared at once."""
    splits = {"train": train, "test": test}
    (whole,) = measured(splits).pairs
    sizes = held.LOOKED_UP, held.COMPARED
    held.LOOKED_UP, held.COMPARED = 1, 1
    try:
        (pieces,) = measured(splits).pairs
    finally:
        held.LOOKED_UP, held.COMPARED = sizes
    assert (whole.requests, whole.conversations) == (pieces.requests, pieces.conversations)


def test_short_requests_are_not_compared() -> None:
    """A request of fewer words than a shingle says nothing; it is counted apart."""
    (pair,) = measured(
        {"train": [("", ["go on"])], "test": [("", ["go on", "see the tests fail again"])]}, near=Near()
    ).pairs
    assert (pair.short, pair.requests.total, pair.requests.near) == (1, 1, 0)


def test_long_texts_are_never_short() -> None:
    """A long text of few words, such as a link, is compared."""
    link = "https://" + "x" * 300
    (pair,) = measured({"train": [("", [link])], "test": [("", [link + " \n"])]}, near=Near()).pairs
    assert (pair.short, pair.requests.exact, pair.requests.near) == (0, 1, 1)


def test_texts_without_spaces() -> None:
    """Chinese texts are compared by their characters."""
    one, other = "请帮我写一个函数计算列表中所有整数的平均值", "请帮我写一个函数计算列表中所有整数的平均数"
    (pair,) = measured({"train": [("", [one])], "test": [("", [other])]}, near=Near()).pairs
    assert (pair.requests.exact, pair.requests.near) == (0, 1)


def test_a_split_may_be_empty() -> None:
    """Empty splits have no twins, and shares of 0."""
    for train, test in (([], []), ([("", ["a b c"])], []), ([], [("", ["a b c"])])):
        (pair,) = measured({"train": train, "test": test}).pairs
        assert pair.requests.near == 0
        assert pair.requests.as_json()["near_share"] == 0.0


def test_one_template_everywhere_stays_linear() -> None:
    """Twenty thousand variants of one text in each split cost about as much as other texts."""
    template = " ".join(f"word{number}" for number in range(60))
    splits = {
        name: [("", [f"{template} {name} {number}"]) for number in range(20_000)]
        for name in ("train", "test")
    }
    (pair,) = measured(splits, near=Near()).pairs
    assert (pair.requests.total, pair.requests.near, pair.requests.exact) == (20_000, 20_000, 0)
    assert len(pair.worst) == 10
