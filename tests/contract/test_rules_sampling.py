"""Contract §3: the portable hash, split, sample and chunks."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from turnsmith.core.hashing import portable_hash

from .build import LONG, MEDIUM, SHORT, SPLITS, Row, ids, ok_conversation, sha_number, split_of

if TYPE_CHECKING:
    from .conftest import Exporter

BUCKETS = ("short", "medium", "long")
VECTORS = [
    ("abc", 839782156265856254, 54, 14),
    ("", 1025426827051516353, 53, 33),
    ("naïve-✅", 573449114868819634, 34, 34),
]


def crowd(conversations: list[str], turns: int = 3) -> list[Row]:
    """Build good conversations of these ids."""
    return [row for conversation in conversations for row in ok_conversation(conversation, turns, prompts=[])]


def in_order(conversations: list[str], seed: int = 0) -> list[str]:
    """Put conversations in sample order, by the contract."""
    return sorted(conversations, key=lambda each: (sha_number(f"{seed}:{each}"), each))


@pytest.mark.parametrize(("text", "number", "percent", "fortieth"), VECTORS)
def test_hash_vectors(text: str, number: int, percent: int, fortieth: int) -> None:
    """§3: the portable hash gives the vectors of the contract."""
    for h in (portable_hash, sha_number):
        assert (h(text), h(text) % 100, h(text) % 40) == (number, percent, fortieth)


def test_split_edges(export: Exporter) -> None:
    """§3: h % 100 below 83 is train, below 92 val, else test; held at both sides of each edge."""
    wanted = {0: "train", 82: "train", 83: "val", 91: "val", 92: "test", 99: "test"}
    found: dict[int, str] = {}
    number = 0
    while len(found) < len(wanted):
        rest = sha_number(f"edge-{number}") % 100
        if rest in wanted and rest not in found:
            found[rest] = f"edge-{number}"
        number += 1
    result = export(crowd(list(found.values())))
    for rest, conversation in found.items():
        assert conversation in result.conversations(wanted[rest], "short")
        assert result.record(conversation)["split"] == wanted[rest]


def test_split_of_ids_that_are_not_ascii(export: Exporter) -> None:
    """§3: the hash is that of the id's UTF-8."""
    conversations = [f"naïve-✅-{number}" for number in range(8)]
    result = export(crowd(conversations))
    assert {r["conversationId"]: r["split"] for r in result.records()} == {
        c: split_of(c) for c in conversations
    }


def test_splits_are_configurable(export: Exporter) -> None:
    """§3: the shares of the splits come from the configuration."""
    conversations = [f"share-{number}" for number in range(12)]
    result = export(crowd(conversations), splits={"train": 10, "val": 60, "test": 30})
    for record in result.records():
        rest = sha_number(record["conversationId"]) % 100
        assert record["split"] == ("train" if rest < 10 else "val" if rest < 70 else "test")
    assert len({record["split"] for record in result.records()}) > 1


@pytest.mark.parametrize("seed", [0, 7])
def test_sample_takes_the_first_in_hash_order(export_chunked: Exporter, seed: int) -> None:
    """§3: a group is the first `target` by (h(seed:id), id), and records stand in that order."""
    chosen = {split: ids(split, 9, "s") for split in ("val", "test")}
    rows = crowd([*chosen["val"], *chosen["test"]])
    random.Random(seed).shuffle(rows)
    result = export_chunked(rows, seed=seed)
    for split, conversations in chosen.items():
        assert result.conversations(split, "short") == in_order(conversations, seed)[:4]
    assert result.funnel["candidates"]["val"][SHORT] == 9


def test_seeds_choose_differently(export: Exporter) -> None:
    """§3: the seed decides who is chosen."""
    rows = crowd(ids("val", 12, "s"))
    assert export(rows).conversations() != export(rows, seed=1).conversations()


def test_sample_keeps_each_group_apart(export: Exporter) -> None:
    """§3: quotas are per split and bucket."""
    short, medium = ids("val", 6, "s"), ids("val", 5, "m")
    result = export([*crowd(short), *crowd(medium, 6), *crowd(ids("val", 3, "l"), 11)])
    assert [len(result.records("val", bucket)) for bucket in ("short", "medium", "long")] == [4, 4, 2]
    assert result.conversations("val", "medium") == in_order(medium)[:4]


def test_targets_of_test_mode(export: Exporter) -> None:
    """§4: test mode wants a thousandth: 40/40/20 for train, 4/4/2 for val and test."""
    conversations = ids("train", 44, "many")
    result = export(crowd(conversations))
    assert result.conversations("train", "short") == in_order(conversations)[:40]
    wanted = {item["group"]: (item["wanted"], item["available"]) for item in result.metadata["shortfalls"]}
    assert wanted == {
        "train.medium": (40, 0),
        "train.long": (20, 0),
        **{
            f"{split}.{name}": (n, 0)
            for split in ("val", "test")
            for name, n in zip(BUCKETS, (4, 4, 2), strict=True)
        },
    }


def test_larger_target_keeps_what_a_smaller_chose(export: Exporter) -> None:
    """§3: production and test mode choose from the same order, so the smaller set leads the larger."""
    rows = crowd(ids("val", 7, "s")) + crowd(ids("test", 5, "t"), 11)
    small, large = export(rows), export(rows, mode="production")
    assert len(large.records()) == 12
    for split in ("val", "test"):
        for bucket in BUCKETS:
            few, many = small.records(split, bucket), large.records(split, bucket)
            assert many[: len(few)] == few


def test_newcomers_change_nothing_else(export: Exporter) -> None:
    """§3: who is chosen depends on hashes alone, so conversations added elsewhere move nobody."""
    rows = crowd(ids("val", 6, "s"))
    more = crowd(ids("train", 3, "x")) + crowd(ids("val", 3, "y"), 6)
    assert export([*more, *rows]).records("val", "short") == export(rows).records("val", "short")


def test_counts_of_candidates_and_sampled(export: Exporter) -> None:
    """§4: the funnel gives candidates and sampled per split and bucket, zeros included."""
    rows = crowd(ids("val", 6, "s")) + crowd(ids("train", 3, "m"), 6)
    result = export(rows)
    empty = {SHORT: 0, MEDIUM: 0, LONG: 0}
    candidates = {"train": {**empty, MEDIUM: 3}, "val": {**empty, SHORT: 6}, "test": empty}
    assert result.funnel["candidates"] == candidates
    assert result.funnel["sampled"] == {**candidates, "val": {**empty, SHORT: 4}}
    actual = result.metadata["actual_counts"]
    assert {split: actual[split]["total"] for split in SPLITS} == {"train": 3, "val": 4, "test": 0}
    assert actual["total"] == 7
    assert {key: actual["val"][key] for key in empty} == {**empty, SHORT: 4}
