"""`--split-by` keeps users and near-duplicate requests in one split, the same in any order and any chunks."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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
from .telemetry import Row, conversation, split_of, write

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = ("user", "cluster", "user+cluster")
TARGETS = ("--target", "train.short=30", "--target", "val.short=10", "--target", "test.short=10")
SHARES = {"train": 50, "val": 25, "test": 25}
COUNT = 120
KEEPING = (*TARGETS, "--split-by", "user+cluster", "--keep-candidates", "--chunks", "3")


def chat(name: str, user: str, request: str) -> list[Row]:
    """Build a conversation of three turns by a user, which begins with a request."""
    rows = conversation(name, 3, text="yes, go on")
    for row in rows:
        if "common.userName" in row["Properties"]:
            row["Properties"]["common.userName"] = user
        if row["Properties"].get("source") == "user" and row["Properties"]["messageId"].endswith("/m1"):
            row["Properties"]["messageText"] = request
    return rows


def request(number: int, variant: int) -> str:
    """Give a request of 40 words; its variants differ in the last of them."""
    words = [f"word{number}x{place}" for place in range(39)]
    return " ".join([*words, f"variant{variant}"])


@pytest.fixture(scope="module")
def chats() -> list[list[Row]]:
    """Give 120 conversations of 40 users in 20 teams; a team has two requests, which come in variants."""
    chance = random.Random(5)
    users = [chance.randrange(40) for _ in range(120)]
    return [
        chat(f"c-{number}", f"user-{user}", request(user // 2 * 2 + chance.randrange(2), number))
        for number, user in enumerate(users)
    ]


@pytest.fixture(scope="module")
def events(chats: list[list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the conversations as a file."""
    return write(tmp_path_factory.mktemp("chats") / "events.jsonl", [row for each in chats for row in each])


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """Give options with splits of like size and targets below the candidates."""
    config = tmp_path_factory.mktemp("config") / "splits.yaml"
    config.write_text(f"splits: {json.dumps(SHARES)}\n")
    return "--config", config, *TARGETS


@pytest.fixture(scope="module")
def sets(
    events: Path, options: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Give the data set of a way to split, made once."""
    made: dict[str, Path] = {}

    def make(by: str) -> Path:
        if by not in made:
            out = tmp_path_factory.mktemp("sets")
            made[by] = exported(events, out, *options, "--split-by", by)
        return made[by]

    return make


def base(record: dict[str, Any]) -> str:
    """Name the family of a record's first request."""
    return str(record["turnsArray"][0]["userMessage"]).split("x", 1)[0]


def splits_by(folder: Path, key: Callable[[dict[str, Any]], str]) -> dict[str, set[str]]:
    """Collect the splits in which each value of a key stands."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in records(folder):
        found[key(record)].add(record["split"])
    return found


def split_of_these(conversation: str) -> str:
    """Name a conversation's split by the contract, with the shares of these tests."""
    place = int(hashlib.sha256(conversation.encode()).hexdigest()[:15], 16) % 100
    return "train" if place < 50 else "val" if place < 75 else "test"


@pytest.mark.parametrize("by", WAYS)
def test_no_user_and_no_cluster_in_two_splits(by: str, sets: Callable[[str], Path]) -> None:
    """What is kept together stands in one split, `verify` says so, and a plain split would have torn it."""
    folder = sets(by)
    report = verify_dataset(folder)
    assert [(check.name, check.samples) for check in report.checks if not check.ok] == []
    keys = {
        "user": [lambda r: r["userName"]],
        "cluster": [base],
        "user+cluster": [lambda r: r["userName"], base],
    }
    for key in keys[by]:
        assert all(len(splits) == 1 for splits in splits_by(folder, key).values())
        assert any(len(splits) > 1 for splits in splits_by(sets("conversation"), key).values())
    pairs = metadata(folder)["leakage"]["pairs"]
    assert all(pair["requests"]["total"] for pair in pairs)
    assert "cluster" not in by or all(pair["requests"]["near"] == 0 for pair in pairs)
    assert "user" not in by or all(pair["requests"]["same_user"] == 0 for pair in pairs)


@pytest.mark.parametrize("by", ["user", "cluster"])
def test_split_is_that_of_the_smallest_id(
    by: str, chats: list[list[Row]], sets: Callable[[str], Path]
) -> None:
    """A record's split is the portable hash of the smallest id among all candidates of its group."""
    smallest: dict[str, str] = {}
    groups: dict[str, str] = {}
    for rows in chats:
        first = rows[0]["Properties"]
        name = first["conversationId"]
        group = first["common.userName"] if by == "user" else first["messageText"].split("x", 1)[0]
        groups[name] = group
        smallest[group] = min(smallest.get(group, name), name)
    for record in records(sets(by)):
        assert record["split"] == split_of_these(smallest[groups[record["conversationId"]]])
    lines = [json.loads(line) for line in (sets(by) / "split_units.jsonl").read_text().splitlines()]
    assert [line["conversationId"] for line in lines] == sorted(
        r["conversationId"] for r in records(sets(by))
    )
    for line in lines:
        unit = hashlib.sha256(smallest[groups[line["conversationId"]]].encode()).hexdigest()[:15]
        assert line["unit"] == unit


def test_by_conversation_is_the_default(
    options: tuple[object, ...], events: Path, sets: Callable[[str], Path], tmp_path: Path
) -> None:
    """Without the option, files are those of `--split-by conversation`, and there is no file of units."""
    assert data_files(exported(events, tmp_path, *options)) == data_files(sets("conversation"))
    assert not (sets("conversation") / "split_units.jsonl").exists()
    assert metadata(sets("conversation"))["split_units"]["groups"] == COUNT


@pytest.mark.parametrize("by", WAYS)
def test_order_and_chunks_do_not_matter(
    by: str, chats: list[list[Row]], options: tuple[object, ...], sets: Callable[[str], Path], tmp_path: Path
) -> None:
    """Rows in another order, in two files and in three chunks give the same bytes."""
    rows = [row for each in chats for row in each]
    random.Random(1).shuffle(rows)
    write(tmp_path / "in/a.jsonl", rows[::2])
    write(tmp_path / "in/b.jsonl", rows[1::2])
    folder = exported(tmp_path / "in", tmp_path / "out", *options, "--split-by", by, "--chunks", 3)
    assert data_files(folder) == data_files(sets(by))


@pytest.mark.parametrize("by", ["conversation", *WAYS])
def test_report_of_shares_adds_up(by: str, sets: Callable[[str], Path]) -> None:
    """Shares got add up to one, candidates to those of the funnel, and groups hold them all."""
    content = metadata(sets(by))
    units = content["split_units"]
    assert sum(share["candidates"] for share in units["shares"].values()) == units["candidates"] == COUNT
    assert sum(share["got"] for share in units["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert [share["expected"] for share in units["shares"].values()] == [0.5, 0.25, 0.25]
    assert units["groups"] <= COUNT
    assert units["in_groups"] <= COUNT
    for split, share in units["shares"].items():
        assert sum(content["funnel"]["candidates"][split].values()) == share["candidates"]


def test_groups_too_big_for_a_split_are_named(tmp_path: Path) -> None:
    """A user with half of the candidates is named by the smallest id, and the terminal says so without the name."""
    rows = [
        row for n in range(20) for row in chat(f"c-{n:02}", "grace" if n < 10 else f"u-{n}", request(n, n))
    ]
    events = write(tmp_path / "events.jsonl", rows)
    ended = export(events, tmp_path / "out", "--split-by", "user")
    assert ended.code == 0
    split = split_of("c-00")
    (group,) = metadata(dataset(tmp_path / "out"))["split_units"]["too_big"]
    assert group == {"smallest_id": "c-00", "candidates": 10, "split": split, "too_big_for": ["val", "test"]}
    assert "the group of conversation c-00 has 10 candidates" in " ".join(ended.stdout.split())
    assert "grace" not in ended.said


def test_pseudonyms_make_the_same_groups(
    options: tuple[object, ...], events: Path, sets: Callable[[str], Path], tmp_path: Path
) -> None:
    """With --pseudonymize the same conversations stand in the same splits."""
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef")
    folder = exported(events, tmp_path / "out", *options, "--split-by", "user", "--pseudonymize", key)
    assert {r["conversationId"]: r["split"] for r in records(folder)} == {
        r["conversationId"]: r["split"] for r in records(sets("user"))
    }


def test_empty_user_names_connect_nothing(tmp_path: Path) -> None:
    """Conversations of nobody are invalid, as always, and make no group."""
    rows = [row for n in range(6) for row in chat(f"c-{n}", "" if n < 3 else "ada", request(n, n))]
    folder = exported(write(tmp_path / "e.jsonl", rows), tmp_path / "out", "--split-by", "user")
    units = metadata(folder)["split_units"]
    assert (units["candidates"], units["groups"]) == (3, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--split-by", "moon"), "moon"),
        (("--split-by", "user", "--layout", "single"), "split-by: the layout `single` has no splits"),
    ],
)
def test_wrong_options_are_refused(options: tuple[str, ...], said: str, events: Path, tmp_path: Path) -> None:
    """An unknown way to split, and one without splits, end with exit code 2 and a reason."""
    ended = export(events, tmp_path / "out", *options)
    assert ended.code == 2
    assert said in " ".join(ended.said.split())


@pytest.fixture(scope="module")
def whole(events: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of an undisturbed run that keeps its candidates."""
    out = tmp_path_factory.mktemp("whole")
    assert export(events, out, *KEEPING).code == 0
    return out


@pytest.mark.parametrize(
    "moment",
    [
        Moment("os.rename", "/units/"),
        Moment("os.rename", "steps/units-"),
        Moment("os.rename", "steps/moved-", 2),
        Moment("os.rename", "/moved/", 3),
        Moment("os.rename", "steps/kept-", 2),
        Moment("os.rename", ".candidates/"),
        Moment("os.rename", "dataset/metadata.json"),
        Moment("os.rename", "split_units.jsonl"),
        Moment("os.rename", "out/vscodedata_"),
    ],
    ids=lambda moment: f"{moment.path}-{moment.n}",
)
def test_a_killed_run_ends_in_the_same_bytes(
    moment: Moment, events: Path, whole: Path, tmp_path: Path
) -> None:
    """After kill -9 the same command ends in the bytes of an undisturbed run, kept candidates included."""
    args = arguments(events, tmp_path / "out", *KEEPING)
    assert doomed(tmp_path, args, moment).code == KILLED
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    assert all_files(dataset(tmp_path / "out")) == all_files(dataset(whole))
    assert data_files(tmp_path / "out/.candidates") == data_files(whole / ".candidates")
    assert leftovers(tmp_path / "out") == [".candidates"]


@pytest.mark.slow
def test_a_cluster_gives_the_same_splits(cluster: str, plain: Path, tmp_path: Path) -> None:
    """From a Kusto server the same conversations stand in the same splits, in the same bytes."""
    files = data_files(exported(plain, tmp_path / "files", "--split-by", "user+cluster"))
    assert data_files(pulled(cluster, tmp_path / "pulled", "--split-by", "user+cluster")) == files


def test_users_have_a_home_in_real_telemetry(telemetry_file: Path, tmp_path: Path) -> None:
    """Real conversations split by user and cluster verify, and each user stands in one split."""
    fixed = ("--window", "60d", "--split-by", "user+cluster")
    ended = export(telemetry_file, tmp_path, *fixed, as_of="2026-02-17T00:00:00Z")
    assert ended.code == 0, ended.said
    folder = dataset(tmp_path)
    assert verify_dataset(folder).ok
    assert all(len(splits) == 1 for splits in splits_by(folder, lambda r: r["userName"]).values())


@pytest.fixture
def telemetry_file() -> Path:
    """Give the real telemetry that lies beside the repository."""
    path = Path(__file__).resolve().parents[3] / "shared/data/telemetry/app_events.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path
