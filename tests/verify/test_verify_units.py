"""`turnsmith verify` proves split units, and finds what breaks them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.dataset_builder import Dataset, build
from turnsmith.curate.leakage import Asked, measure_leakage
from turnsmith.curate.near_duplicates import Near, Pairs, clusters, find_pairs
from turnsmith.verify import Report, verify_dataset
from turnsmith.verify.clusters import near_duplicates_apart, shingles

if TYPE_CHECKING:
    from pathlib import Path

WORDS = st.sampled_from([
    "fix", "the", "test", "of", "checkout", "a", "42", "x_1", "テスト", "中文", "ไทย", "é", "e\u0301", "ß", "İ", "!",
    "-", "…", "\u0301", "\U00020001", "\U000e0100", "😀",
])  # fmt: skip
TEXTS = st.tuples(st.lists(WORDS, max_size=30), st.sampled_from(["", " ", "\n"])).map(
    lambda t: t[1].join(t[0])
)


@settings(max_examples=30, deadline=None)
@given(
    bases=st.lists(TEXTS, min_size=1, max_size=4),
    picks=st.lists(st.tuples(st.integers(0, 3), TEXTS), max_size=16),
)
def test_both_searches_find_the_same_clusters(bases: list[str], picks: list[tuple[int, str]]) -> None:
    """The search of `verify`, written apart, connects the same requests as the one that makes the units."""
    texts = [*bases, *(bases[number % len(bases)] + " " + more[:8] for number, more in picks)]
    made = clusters(len(texts), find_pairs(texts, Near()))
    found = list(near_duplicates_apart([shingles(text) for text in texts], np.arange(len(texts))))
    left, right = (np.array([pair[side] for pair in found], np.int64) for side in (0, 1))
    again = clusters(len(texts), Pairs(left, right, np.ones(len(found), np.float32)))
    assert again.tolist() == made.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.integers(0, 12), min_size=1), max_size=12), st.data())
def test_no_pair_of_two_units_is_missed(sets: list[set[int]], data: st.DataObject) -> None:
    """All pairs of similarity 0.8 or more in different units are found, each once, and no others."""
    units = data.draw(st.lists(st.integers(0, 2), min_size=len(sets), max_size=len(sets)))
    arrays = [np.array(sorted(each), np.int64) for each in sets]
    found = [(p.left, p.right) for p in near_duplicates_apart(arrays, np.array(units, np.int64))]
    expected = [
        (one, other)
        for one in range(len(sets))
        for other in range(one + 1, len(sets))
        if units[one] != units[other] and 5 * len(sets[one] & sets[other]) >= 4 * len(sets[one] | sets[other])
    ]
    assert sorted(found) == expected


def test_a_family_in_one_unit_costs_nothing() -> None:
    """Requests that are all alike but in one unit are not compared: 20,000 of them take no time."""
    sets = [np.sort(np.append(np.arange(100), 1000 + number)) for number in range(20_000)]
    assert list(near_duplicates_apart(sets, np.zeros(len(sets), np.int64))) == []


def unit(text: str) -> str:
    """Name the unit of a smallest id."""
    return hashlib.sha256(text.encode()).hexdigest()[:15]


def with_units(by: str, form: str = "json") -> Dataset:
    """Return a valid set that is split by units, each conversation its own."""
    dataset = build(form)
    records = [record for each in dataset.records.values() for record in each]
    for number, record in enumerate(records):
        record["userName"] = f"user {number}"
        record["turnsArray"][0]["userMessage"] = f"please do task {number} with the tools of shop {number}"
    totals: dict[str, int] = {}
    for record in records:
        totals[record["split"]] = totals.get(record["split"], 0) + 1
    shares = {
        split: {
            "expected": share / 100,
            "got": round(totals[split] / len(records), 4),
            "candidates": totals[split],
        }
        for split, share in dataset.metadata["config"]["splits"].items()
    }
    dataset.metadata["config"]["split_by"] = by
    dataset.metadata["split_units"] = {
        "by": by, "candidates": len(records), "groups": len(records), "in_groups": 0, "shares": shares, "too_big": [],
    }  # fmt: skip
    name_units(dataset, {record["conversationId"]: unit(record["conversationId"]) for record in records})
    return dataset


def name_units(dataset: Dataset, units: dict[str, str]) -> None:
    """Write the file of units."""
    lines = (json.dumps({"conversationId": key, "unit": units[key]}) + "\n" for key in sorted(units))
    dataset.raw["split_units.jsonl"] = "".join(lines).encode()


def units_in(dataset: Dataset) -> dict[str, str]:
    """Read the file of units."""
    lines = map(json.loads, dataset.raw["split_units.jsonl"].splitlines())
    return {line["conversationId"]: line["unit"] for line in lines}


def verified(dataset: Dataset, folder: Path) -> Report:
    """Write a set, with the leakage that its records have, and verify it."""
    splits: dict[str, list[Asked]] = {}
    for record in (record for each in dataset.records.values() for record in each):
        request = record["turnsArray"][0]["userMessage"]
        splits.setdefault(record["split"], []).append(
            Asked(record["conversationId"], record["userName"], [request])
        )
    order = [split for split in dataset.metadata["config"]["splits"] if split in splits]
    dataset.metadata["leakage"] = measure_leakage({name: splits[name].copy for name in order}).as_json()
    return verify_dataset(dataset.write(folder))


def broken(dataset: Dataset, folder: Path) -> dict[str, int]:
    """Return the breaches of each check that does not hold."""
    return {check.name: check.breaches for check in verified(dataset, folder).checks if not check.ok}


def record_of(dataset: Dataset, split: str, number: int = 0) -> dict[str, Any]:
    """Return a record of a split."""
    found: dict[str, Any] = dataset.records[dataset.path(split, "short")][number]
    return found


@pytest.mark.parametrize("by", ["user", "cluster", "user+cluster"])
@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
def test_a_valid_set_with_units_passes(by: str, form: str, tmp_path: Path) -> None:
    """All checks hold, and those that were asked for examined every record."""
    report = verified(with_units(by, form), tmp_path)
    assert [(check.name, check.samples) for check in report.checks if not check.ok] == []
    examined = {check.name: check.examined for check in report.checks}
    assert examined["users_apart"] == (17 if by != "cluster" else 0)
    assert examined["clusters_apart"] == (17 if by != "user" else 0)


def test_a_user_in_two_splits_is_found(tmp_path: Path) -> None:
    """A user in train and in test breaks `users_apart`; the name is not shown."""
    dataset = with_units("user")
    record_of(dataset, "test")["userName"] = record_of(dataset, "train")["userName"] = "ada lovelace"
    report = verified(dataset, tmp_path)
    (check,) = (check for check in report.checks if not check.ok)
    assert check.name == "users_apart"
    assert "split 'train'" in check.samples[0] or "split 'test'" in check.samples[0]
    assert "lovelace" not in str(report.to_dict())


def test_a_near_duplicate_in_two_splits_is_found(tmp_path: Path) -> None:
    """Two requests that differ in a word of twenty in train and test break `clusters_apart`; no text is shown."""
    dataset = with_units("cluster")
    text = " ".join(f"word{number}" for number in range(60))
    record_of(dataset, "train")["turnsArray"][0]["userMessage"] = text
    record_of(dataset, "test")["turnsArray"][0]["userMessage"] = f"{text.upper()}, indeed!"
    report = verified(dataset, tmp_path)
    assert {check.name: check.breaches for check in report.checks if not check.ok} == {
        "clusters_apart": 1,
        "leakage": 2,  # whose figures, of requests and of conversations, tell of the twin
    }
    assert "word" not in str(report.to_dict())


def test_different_units_in_one_split_are_found(tmp_path: Path) -> None:
    """A user with two units in one split breaks `split_units`, and so do near duplicates."""
    dataset = with_units("user+cluster")
    first, second = record_of(dataset, "train"), record_of(dataset, "train", 1)
    second["userName"] = first["userName"]
    assert broken(dataset, tmp_path / "user") == {"split_units": 1}
    dataset = with_units("user+cluster")
    first, second = record_of(dataset, "train"), record_of(dataset, "train", 1)
    second["turnsArray"][0]["userMessage"] = first["turnsArray"][0]["userMessage"]
    assert broken(dataset, tmp_path / "text") == {"split_units": 1}


def test_a_unit_of_another_split_is_found(tmp_path: Path) -> None:
    """A unit that hashes to another split breaks `split_hash`."""
    dataset = with_units("user")
    units = units_in(dataset)
    train, test = (record_of(dataset, split)["conversationId"] for split in ("train", "test"))
    units[train] = units[test]
    name_units(dataset, units)
    assert broken(dataset, tmp_path) == {"split_hash": 1}


def test_a_record_without_a_unit_is_found(tmp_path: Path) -> None:
    """A record that the file does not name breaks `split_units`; so does a unit of no record, and a missing file."""
    dataset = with_units("user")
    units = units_in(dataset)
    name_units(dataset, dict(list(units.items())[1:]))
    assert broken(dataset, tmp_path / "lacking") == {"split_units": 1}
    name_units(dataset, {**units, "stranger": unit("stranger")})
    assert broken(dataset, tmp_path / "more") == {"split_units": 1}
    del dataset.raw["split_units.jsonl"]
    assert broken(dataset, tmp_path / "absent") == {"split_units": 17}


@pytest.mark.parametrize(
    "line",
    [
        b"[]\n",
        b"{\n",
        b'{"conversationId": "a"}\n',
        b'{"conversationId": "a", "unit": 7}\n',
        b'{"conversationId": "a", "unit": "zz"}\n',
    ],
)
def test_a_broken_line_is_found(line: bytes, tmp_path: Path) -> None:
    """A line that is no unit breaks `split_units` and nothing else."""
    dataset = with_units("user")
    dataset.raw["split_units.jsonl"] += line
    assert broken(dataset, tmp_path) == {"split_units": 1}


def test_units_of_a_set_split_by_conversation_are_refused(tmp_path: Path) -> None:
    """The file of units has no place in a set that is split by conversation."""
    dataset = build()
    dataset.raw["split_units.jsonl"] = b""
    assert broken(dataset, tmp_path) == {"split_units": 1}


@pytest.mark.parametrize(
    ("key", "value"), [("by", "cluster"), ("candidates", 3), ("groups", 99), ("shares", {}), ("groups", None)]
)
def test_the_report_of_units_is_checked(key: str, value: object, tmp_path: Path) -> None:
    """Metadata about units that does not agree with config and funnel breaks `split_units`."""
    dataset = with_units("user")
    dataset.metadata["split_units"][key] = value
    assert "split_units" in broken(dataset, tmp_path)


def test_an_unknown_way_to_split_is_refused(tmp_path: Path) -> None:
    """A `config.split_by` of another kind breaks `split_units`."""
    dataset = with_units("user")
    dataset.metadata["config"]["split_by"] = "moon"
    assert "split_units" in broken(dataset, tmp_path)
