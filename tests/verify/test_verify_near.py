"""`turnsmith verify` finds near duplicates in a set that dropped them, and a list of them that does not add up."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.running import dataset, export, metadata
from tests.export.telemetry import conversation, write
from turnsmith.verify import verify_dataset
from turnsmith.verify.near import near_pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Change = tuple[str, Any]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sets(st.integers(-9, 9), min_size=1), max_size=14),
    st.sampled_from([0.3, 0.5, 2 / 3, 0.8, 0.9, 1.0]),
)
def test_no_pair_is_missed(sets: list[set[int]], threshold: float) -> None:
    """All pairs at or above the threshold are found, each once, and no others."""
    arrays = [np.array(sorted(each), np.int64) for each in sets]
    expected = [
        (one, other)
        for one in range(len(sets))
        for other in range(one + 1, len(sets))
        if len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= threshold
    ]
    assert sorted((left, right) for left, right, _ in near_pairs(arrays, threshold)) == expected


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Export 30 conversations in 10 families without their twins."""
    rows = [
        row
        for number in range(30)
        for row in conversation(
            f"c-{number}", 3, text=" ".join(f"w{number % 10}x{n}" for n in range(20)) + " " + "!" * number
        )
    ]
    ended = export(
        write(tmp_path / "in.jsonl", rows), tmp_path, "--near-duplicates", "--max-dropped", "0.9", "--format", "jsonl",
        "--layout", "single",
    )  # fmt: skip
    assert ended.code == 0, ended.said
    return dataset(tmp_path)


def breaches(folder: Path) -> dict[str, list[str]]:
    """Give the samples of the checks that fail."""
    return {check.name: check.samples for check in verify_dataset(folder).checks if not check.ok}


def rewrite(folder: Path, name: str, content: bytes, change: Callable[[dict[str, Any]], object]) -> None:
    """Replace a file, with its checksum, and change the metadata."""
    (folder / name).write_bytes(content)
    told = metadata(folder)
    told["checksums"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    change(told)
    (folder / "metadata.json").write_text(json.dumps(told))


def test_a_sound_set_verifies(folder: Path) -> None:
    """Ten of 30 stay, and all checks hold."""
    assert breaches(folder) == {}
    assert metadata(folder)["near_duplicates"]["dropped"] == 20


def test_a_smuggled_twin_is_found(folder: Path) -> None:
    """A record that nearly repeats another one is named with it, even where all counts were made to fit."""
    (name,) = (path.name for path in folder.glob("short*"))
    rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    rows[1]["turnsArray"][0]["userMessage"] = rows[0]["turnsArray"][0]["userMessage"] + " please"
    content = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    rewrite(folder, name, content, lambda _: None)
    found = breaches(folder)
    assert list(found) == ["near_duplicates"]
    assert rows[0]["conversationId"] in found["near_duplicates"][0]
    assert rows[1]["conversationId"] in found["near_duplicates"][0]
    assert "w" + "0x0" not in str(found)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: [*lines[1:2], lines[0], *lines[2:]],
        lambda lines: [{**lines[0], "similarity": 0.79}, *lines[1:]],
        lambda lines: [{**lines[0], "near": None}, *lines[1:]],
        lambda lines: [{**lines[0], "near": lines[1]["conversationId"]}, *lines[1:]],
        lambda lines: [{**lines[0], "near": lines[0]["conversationId"]}, *lines[1:]],
        lambda lines: [*lines, {**lines[0], "conversationId": "zz"}],
        lambda lines: [{"conversationId": "a"}, *lines[1:]],
    ],
    ids=["lost", "order", "below", "null", "dropped itself", "itself", "more", "shape"],
)
def test_a_wrong_list_is_found(change: Callable[[list[Any]], list[Any]], folder: Path) -> None:
    """A list of dropped conversations that is not what it should be breaches the check."""
    lines = [json.loads(line) for line in (folder / "near_duplicates.jsonl").read_text().splitlines()]
    content = "".join(json.dumps(line) + "\n" for line in change(lines)).encode()
    rewrite(folder, "near_duplicates.jsonl", content, lambda _: None)
    assert list(breaches(folder)) == ["near_duplicates"]


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (lambda told: told["near_duplicates"].update(dropped=19), ["near_duplicates"]),
        (lambda told: told["near_duplicates"].update(threshold=0.9), ["near_duplicates"]),
        (lambda told: told["config"].update(near_field="all"), ["near_duplicates"]),
        (lambda told: told["config"].update(near_duplicates=2), ["near_duplicates"]),
        (lambda told: told["config"].pop("near_duplicates"), ["near_duplicates"]),
        (lambda told: told.pop("near_duplicates"), ["near_duplicates"]),
        (lambda told: told["funnel"].update(near_duplicates={"all": 21}), ["near_duplicates", "funnel"]),
        (lambda told: told["funnel"].pop("near_duplicates"), ["near_duplicates", "funnel"]),
    ],
)
def test_wrong_metadata_is_found(
    change: Callable[[dict[str, Any]], object], checks: list[str], folder: Path
) -> None:
    """Settings and counts that do not go together breach the checks they are for."""
    content = (folder / "near_duplicates.jsonl").read_bytes()
    rewrite(folder, "near_duplicates.jsonl", content, change)
    assert list(breaches(folder)) == checks
