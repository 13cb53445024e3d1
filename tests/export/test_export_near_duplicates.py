"""`--near-duplicates` takes twins out before sampling, the same in any order and any chunks, and all else stays."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from turnsmith.sources.telemetry.kql.server import running_server
from turnsmith.verify import verify_dataset

from .running import (
    KILLED,
    Moment,
    all_files,
    arguments,
    data_files,
    dataset,
    doomed,
    export,
    exported,
    leftovers,
    metadata,
    pulled,
    records,
    turnsmith,
)
from .telemetry import Row, conversation, lines, write
from .test_export_split_by import chat

if TYPE_CHECKING:
    from pathlib import Path

COUNT, FAMILIES = 120, 25
TARGETS = ("--target", "train.short=20", "--target", "val.short=3", "--target", "test.short=3")
ON = (*TARGETS, "--near-duplicates", "0.8")
FIELDS = ("first_user", "user", "assistant", "all")


def request(chance: random.Random) -> str:
    """Give a request of one of 25 families; up to five of its words are another member's own."""
    family = chance.randrange(FAMILIES)
    words = [f"word{family}x{place}" for place in range(40)]
    for place in chance.sample(range(40), chance.randrange(3)):
        words[place] = f"own{chance.randrange(1000)}"
    return " ".join(words)


@pytest.fixture(scope="module")
def chats() -> list[list[Row]]:
    """Give 120 conversations of 30 users with requests that are near and less near, 10 of them short and equal."""
    chance = random.Random(7)
    requests = [request(chance) if number >= 10 else "fix it" for number in range(COUNT)]
    return [chat(f"c-{n}", f"user-{n % 30}", text) for n, text in enumerate(requests)]


@pytest.fixture(scope="module")
def events(chats: list[list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the conversations, and one that a filter takes, as a file."""
    rows = [row for each in (*chats, conversation("gap", 4, skip=(2,))) for row in each]
    return write(tmp_path_factory.mktemp("near") / "events.jsonl", rows)


@pytest.fixture(scope="module")
def whole(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of an undisturbed export that drops twins and keeps candidates."""
    out = tmp_path_factory.mktemp("whole")
    assert export(events, out, *ON, "--keep-candidates", "--chunks", "3").code == 0
    return out


def dropped_in(folder: Path) -> list[dict[str, Any]]:
    """Read the list of dropped conversations."""
    return [json.loads(line) for line in (folder / "near_duplicates.jsonl").read_text().splitlines()]


def shingles_of(text: str) -> set[tuple[str, ...]]:
    """Give the runs of five words of a text in plain ASCII."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[place : place + 5]) for place in range(len(words) - 4)}


def text_of(record: dict[str, Any], field: str) -> str:
    """Give what is compared of a record."""
    turns = record["turnsArray"]
    if field == "first_user":
        return str(turns[0]["userMessage"])
    keys = {"user": ["userMessage"], "assistant": ["modelMessage"], "all": ["userMessage", "modelMessage"]}[
        field
    ]
    return "\n".join(turn[key] for turn in turns for key in keys)


def by_brute_force(
    everything: list[dict[str, Any]], field: str, threshold: float
) -> dict[str, tuple[str, float]]:
    """Give what each dropped record is near to, by comparing each with all kept ones before it."""
    kept: list[tuple[str, set[tuple[str, ...]]]] = []
    gone = {}
    for record in everything:
        key, mine = record["conversationId"], shingles_of(text_of(record, field))
        near = [(len(mine & other) / len(mine | other), name) for name, other in kept if mine]
        best = max((likeness for likeness, _ in near), default=0.0)
        if mine and best >= threshold:
            gone[key] = next(name for likeness, name in near if likeness == best), best
        else:
            kept.append((key, mine))
    return gone


@pytest.mark.parametrize(("field", "threshold"), [(f, 0.8) for f in FIELDS] + [("first_user", 0.6)])
def test_it_drops_what_brute_force_drops(field: str, threshold: float, events: Path, tmp_path: Path) -> None:
    """The dropped, their kept neighbors and similarities are those of comparing all with all in sample order."""
    fixed = ("--layout", "single", "--target", "short=200")
    everything = records(exported(events, tmp_path / "plain", *fixed))
    assert len(everything) == COUNT
    near = ("--near-duplicates", threshold, "--near-field", field, "--max-dropped", "1")
    folder = exported(events, tmp_path / "near", *fixed, *near)
    expected = by_brute_force(everything, field, threshold)
    found = {each["conversationId"]: (each["near"], each["similarity"]) for each in dropped_in(folder)}
    assert found == {key: (near, round(likeness, 6)) for key, (near, likeness) in expected.items()}
    assert records(folder) == [each for each in everything if each["conversationId"] not in expected]
    told = metadata(folder)
    assert told["funnel"]["near_duplicates"] == {"all": len(expected)}
    assert told["near_duplicates"]["dropped"] == len(expected)
    assert (told["near_duplicates"]["threshold"], told["near_duplicates"]["field"]) == (threshold, field)
    assert verify_dataset(folder).ok


def test_targets_are_filled_with_what_stays(events: Path, whole: Path) -> None:
    """Twins go before sampling: groups are full, verify proves it, and short requests stay."""
    folder = dataset(whole)
    content = metadata(folder)
    assert [each for each in content["shortfalls"] if each["group"] == "train.short"] == []
    assert content["funnel"]["near_duplicates"]["train"] > 20
    assert {pair["requests"]["near"] for pair in content["leakage"]["pairs"]} == {0}
    assert verify_dataset(folder).ok
    assert not {each["conversationId"] for each in dropped_in(folder)} & {f"c-{n}" for n in range(10)}


def test_off_nothing_tells_of_it(events: Path, tmp_path: Path) -> None:
    """Without the option no file, key or setting speaks of near duplicates."""
    folder = exported(events, tmp_path, *TARGETS)
    content = metadata(folder)
    assert not {"near_duplicates", "near_field", "max_dropped"} & (content["config"].keys() | content.keys())
    assert "near_duplicates" not in content["funnel"]
    assert not (folder / "near_duplicates.jsonl").exists()


@pytest.mark.parametrize("more", [(), ("--split-by", "user+cluster")], ids=["alone", "with units"])
def test_order_chunks_and_files_do_not_matter(
    more: tuple[str, ...], chats: list[list[Row]], events: Path, tmp_path: Path
) -> None:
    """Shuffled rows in several files and chunks give the same bytes."""
    expected = data_files(exported(events, tmp_path / "one", *ON, *more))
    rows = [row for each in (*chats, conversation("gap", 4, skip=(2,))) for row in each]
    random.Random(3).shuffle(rows)
    for number in range(3):
        write(tmp_path / f"in/{number}.jsonl", lines(rows[number::3]))
    folder = exported(tmp_path / "in", tmp_path / "two", *ON, *more, "--chunks", 5)
    assert data_files(folder) == expected
    assert verify_dataset(folder).ok


def test_a_cluster_gives_the_same_bytes(events: Path, tmp_path: Path) -> None:
    """From a Kusto server the same conversations are dropped and written, in the same bytes."""
    expected = data_files(exported(events, tmp_path / "files", "--near-duplicates"))
    with running_server([str(events)]) as uri:
        assert data_files(pulled(uri, tmp_path / "pulled", "--near-duplicates")) == expected


def test_dropped_file_has_them_too(events: Path, whole: Path, tmp_path: Path) -> None:
    """--dropped writes the twins with their reason, after what filters took."""
    folder = exported(events, tmp_path / "out", *ON, "--dropped", tmp_path / "dropped.jsonl")
    entries = [json.loads(line) for line in (tmp_path / "dropped.jsonl").read_text().splitlines()]
    twins = [each["conversation"]["conversationId"] for each in entries if each["reason"] == "near_duplicate"]
    assert sorted(twins) == [each["conversationId"] for each in dropped_in(folder)]
    assert Counter(each["reason"] for each in entries)["turn_gap"] == 1
    assert data_files(folder) == data_files(dataset(whole))


def test_pseudonyms_change_no_choice(events: Path, whole: Path, tmp_path: Path) -> None:
    """With pseudonyms the same conversations are dropped."""
    key = write(tmp_path / "key", b"0123456789abcdef")
    folder = exported(events, tmp_path / "out", *ON, "--pseudonymize", key)
    assert dropped_in(folder) == dropped_in(dataset(whole))


def test_the_guard_stops_and_goes_on(events: Path, whole: Path, tmp_path: Path) -> None:
    """Beyond --max-dropped nothing is written and the largest groups are named; a higher one goes on from there."""
    stopped = export(events, tmp_path / "out", *ON, "--max-dropped", "0.1")
    assert stopped.code == 1
    assert re.search(r"conversation c-\d+: \d+ are near it", stopped.stderr)
    assert "word" not in stopped.said
    assert list(tmp_path.glob("out/vscodedata_*")) == []
    assert export(events, tmp_path / "out", *ON, "--max-dropped", "0.9").code == 0
    assert data_files(dataset(tmp_path / "out")) == data_files(dataset(whole))
    assert leftovers(tmp_path / "out") == []


@pytest.mark.parametrize(
    "options",
    [
        ("--near-duplicates", "0"),
        ("--near-duplicates", "1.5"),
        ("--near-field", "user"),
        ("--max-dropped", "0.2"),
    ],
    ids=lambda options: "=".join(options),
)
def test_wrong_settings_are_told(options: tuple[str, ...], events: Path, tmp_path: Path) -> None:
    """Thresholds out of range, and settings of a step that is off, are wrong usage."""
    ended = export(events, tmp_path, *options)
    assert ended.code == 2
    assert "near" in ended.stderr


@pytest.mark.parametrize(
    "moment",
    [
        Moment("os.rename", "/twins.parquet"),
        Moment("os.rename", "steps/near-"),
        Moment("os.rename", "/apart/", 2),
        Moment("os.rename", "steps/apart-", 3),
        Moment("os.rename", "near_duplicates.jsonl"),
    ],
    ids=lambda moment: f"{moment.path.strip('/')}-{moment.n}",
)
def test_a_killed_run_ends_in_the_same_bytes(
    moment: Moment, events: Path, whole: Path, tmp_path: Path
) -> None:
    """After kill -9 the same command ends in the bytes of an undisturbed run, kept candidates included."""
    args = arguments(events, tmp_path / "out", *ON, "--keep-candidates", "--chunks", "3")
    assert doomed(tmp_path, args, moment).code == KILLED
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    assert all_files(dataset(tmp_path / "out")) == all_files(dataset(whole))
    assert data_files(tmp_path / "out/.candidates") == data_files(whole / ".candidates")
    assert leftovers(tmp_path / "out") == [".candidates"]


# -- forgetting --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_forgetting_brings_no_twin_back(kept: bool, events: Path, tmp_path: Path) -> None:
    """What was near a forgotten conversation stays dropped, is refilled by others, and names it no more."""
    folder = exported(events, tmp_path, *ON) if not kept else None
    if folder is None:
        assert export(events, tmp_path, *ON, "--keep-candidates").code == 0
        folder = dataset(tmp_path)
    before = dropped_in(folder)
    in_set = {record["conversationId"] for record in records(folder)}
    (name, _), *_ = Counter(each["near"] for each in before if each["near"] in in_set).most_common()
    twin = next(each["conversationId"] for each in before if each["near"] != name)
    ended = turnsmith(
        "forget", folder, "--conversation", name, "--conversation", twin, "--stamp", "20260102_000000"
    )
    assert ended.code == 0, ended.said
    new = dataset(tmp_path)
    assert verify_dataset(new).ok
    expected = [
        {**each, "near": None if each["near"] == name else each["near"]}
        for each in before
        if each["conversationId"] != twin
    ]
    assert dropped_in(new) == expected
    assert (len(records(new)) == len(in_set)) is kept
    assert metadata(new)["forgotten"]["conversations"] == 2
    texts = [path.read_text() for path in tmp_path.rglob("*.json*")]
    assert not any(f'"{gone}"' in text for gone in (name, twin) for text in texts)


def test_a_user_s_twins_are_forgotten(whole: Path, events: Path, tmp_path: Path) -> None:
    """With kept candidates a user's dropped conversations leave the list, too."""
    assert export(events, tmp_path, *ON, "--keep-candidates").code == 0
    folder = dataset(tmp_path)
    user = int(dropped_in(folder)[0]["conversationId"].removeprefix("c-")) % 30
    gone = {f"c-{number}" for number in range(user, COUNT, 30)}
    assert gone & {each["conversationId"] for each in dropped_in(folder)}
    assert turnsmith("forget", folder, "--user", f"user-{user}", "--stamp", "20260102_000000").code == 0
    new = dataset(tmp_path)
    named = {value for each in dropped_in(new) for value in (each["conversationId"], each["near"])}
    assert not gone & named
    assert verify_dataset(new).ok
