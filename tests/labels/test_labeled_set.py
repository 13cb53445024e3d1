"""A labeled set is whole or absent, does not depend on the order of its labels, and never mixes kinds."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.labels.making import label
from turnsmith.core.errors import EmptyResultError, InputError, UsageError
from turnsmith.core.hashing import portable_hash
from turnsmith.labels import labeled_set
from turnsmith.labels.records import Label

LABELS = [label(n, split=("train", "val", "test")[n // 2 % 3]) for n in range(300)]


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a folder by their paths."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_any_order_gives_the_same_bytes(tmp_path: Path) -> None:
    """The same labels in another order give the same files; a label met twice stands once."""
    shuffled = [*LABELS, LABELS[7]]
    random.Random(1).shuffle(shuffled)
    one = labeled_set.write(tmp_path / "one", "set_1", LABELS)
    other = labeled_set.write(tmp_path / "other", "set_1", shuffled)
    first, second = contents(one), contents(other)
    told, told_again = json.loads(first.pop("labels.json")), json.loads(second.pop("labels.json"))
    assert told_again == {**told, "repeated": 1}
    assert told["repeated"] == 0
    assert first == second


def test_ids_that_look_like_the_rest_of_a_line_are_told_apart(tmp_path: Path) -> None:
    """Ids may hold any character: turns whose ids differ late are two turns, not one with two labels."""
    strange = [label(0, conversation_id="c", message_id=f'm","turnIndex":{n}', llm_vote=n) for n in (0, 1)]
    labeled_set.write(tmp_path, "set", strange)
    assert sorted(each.message_id for each in labeled_set.read(tmp_path)) == [
        each.message_id for each in strange
    ]
    same = [label(0, message_id='m","turnIndex":0', soft_label=value) for value in (0.1, 0.2)]
    with pytest.raises(InputError, match="two different labels"):
        labeled_set.write(tmp_path / "other", "set", same)


def test_labels_come_back_in_sample_order(tmp_path: Path) -> None:
    """What is read is what was written: train, val, test; conversations by their hash, then by turn."""
    labeled_set.write(tmp_path, "set", LABELS)
    splits = ["train", "val", "test"]
    wanted = sorted(
        LABELS,
        key=lambda each: (
            splits.index(each.split),
            portable_hash(f"0:{each.conversation_id}"),
            each.turn_index,
        ),
    )
    assert list(labeled_set.read(tmp_path)) == wanted


def test_report_counts(tmp_path: Path) -> None:
    """labels.json has what the caller says of the judge, and the labels in all and by group."""
    folder = labeled_set.write(tmp_path, "set", LABELS, {"canaries": {"asked": 3, "passed": 3}})
    told = labeled_set.report(folder)
    assert told["canaries"] == {"asked": 3, "passed": 3}
    assert told["labels"] == {"total": 300, "0": 200, "1": 100, "reasoning_share": 0.6667}
    assert sum(group["total"] for group in told["groups"].values()) == 300
    assert (told["judge"], told["strategy"], told["prompt_version"]) == ("weak", ["request"], ["weak-1"])


def test_kinds_never_mix(tmp_path: Path) -> None:
    """Labels of both kinds are refused, together and one after the other, and nothing changes on the disk."""
    with pytest.raises(InputError, match="both kinds"):
        labeled_set.write(tmp_path, "set", [*LABELS, label(301, judge="llm")])
    assert list(tmp_path.iterdir()) == []
    labeled_set.write(tmp_path, "set", LABELS)
    before = contents(tmp_path)
    with pytest.raises(UsageError, match="holds weak labels, not llm"):
        labeled_set.write(tmp_path, "set", [label(1, judge="llm")], replace=True)
    assert contents(tmp_path) == before


def test_mixed_set_from_elsewhere_is_refused(tmp_path: Path) -> None:
    """A set that was mixed by hand is refused with file and line."""
    folder = labeled_set.write(tmp_path, "set", LABELS)
    path = labeled_set.files(folder)[1]
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"judge":"weak"', b'"judge":"llm"')
    path.write_bytes(b"".join(lines))
    with pytest.raises(InputError, match=rf"val/{path.name}:3: judge is not weak"):
        list(labeled_set.read(folder))


def test_existing_set_and_its_votes_are_kept(tmp_path: Path) -> None:
    """A set is replaced only on request, and never so that votes are lost."""
    labeled_set.write(tmp_path, "set", [label(0, vote=1), label(1)])
    with pytest.raises(UsageError, match="is there already"):
        labeled_set.write(tmp_path, "set", LABELS)
    with pytest.raises(UsageError, match="has 1 votes that would be lost"):
        labeled_set.write(tmp_path, "set", LABELS, replace=True)
    labeled_set.write(tmp_path, "set", [label(0, vote=0)], replace=True)
    assert [each.vote for each in labeled_set.read(tmp_path)] == [0]
    assert [path.name for path in tmp_path.iterdir()] == ["LABELED_set"]


def test_kill_between_the_renames_loses_nothing(tmp_path: Path) -> None:
    """A set that a killed replacement left under its second name counts as being there."""
    folder = labeled_set.write(tmp_path, "set", LABELS)
    folder.rename(tmp_path / "LABELED_set.before.part")
    with pytest.raises(UsageError, match="is there already"):
        labeled_set.write(tmp_path, "set", LABELS)
    assert len(list(labeled_set.read(folder))) == 300


def test_two_labels_of_a_turn_are_refused(tmp_path: Path) -> None:
    """A turn with two different labels is an error that names it."""
    with pytest.raises(InputError, match=r"conversation c0, message m0"):
        labeled_set.write(tmp_path, "set", [label(0), label(0, soft_label=0.9)])


def test_set_by_the_contract_alone_is_read(tmp_path: Path) -> None:
    """A set that someone else made, with the keys of the contract and no more, counts as a model's."""
    path = tmp_path / "LABELED_x" / "train" / "short_3_to_5_turns.jsonl"
    path.parent.mkdir(parents=True)
    line = {
        "conversationId": "c", "messageId": "m", "turnIndex": 1, "split": "train",
        "bucket": "short_3_to_5_turns", "request": "Hi", "llm_vote": 1, "soft_label": 1, "vote": None,
        "strategy": "request", "judge_model": "gpt", "prompt_version": "3",
    }  # fmt: skip
    path.write_text(json.dumps(line), encoding="utf-8")
    found = list(labeled_set.read(tmp_path))
    assert found == [label(0, **_told(line))]


def _told(line: dict[str, Any]) -> dict[str, Any]:
    names = {"conversationId": "conversation_id", "messageId": "message_id", "turnIndex": "turn_index"}
    return {**{names.get(key, key): value for key, value in line.items()}, "judge": "llm"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"llm_vote": 2}, "llm_vote"), ({"soft_label": 1.2}, "soft_label"), ({"request": None}, "request")],
)
def test_bad_label_is_named(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    """A line that is no label is an error with file, line and key, and none of its text."""
    folder = labeled_set.write(tmp_path, "set", [label(0, request="my secret")])
    path = labeled_set.files(folder)[0]
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}), encoding="utf-8")
    with pytest.raises(InputError, match=rf"short_3_to_5_turns.jsonl:1: no label: .*{reason}") as error:
        list(labeled_set.read(folder))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("fields", [{"split": "../x"}, {"bucket": "a/b"}, {"bucket": ""}])
def test_names_of_files_lead_nowhere_else(tmp_path: Path, fields: dict[str, str]) -> None:
    """A split or bucket that is no plain name is refused, and nothing is left behind."""
    with pytest.raises(InputError, match="is no name for a"):
        labeled_set.write(tmp_path, "set", [label(0, **fields)])
    assert list(tmp_path.iterdir()) == []


def test_no_labels(tmp_path: Path) -> None:
    """No label is no set; a folder without one is named with the next step."""
    no_labels: list[Label] = []
    with pytest.raises(EmptyResultError):
        labeled_set.write(tmp_path, "set", no_labels)
    with pytest.raises(UsageError, match="turnsmith judge"):
        list(labeled_set.read(tmp_path))
