"""Data sets to forget from, and all the bytes that lie beside them."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from tests.export.running import Ended, dataset, export, metadata, turnsmith
from tests.export.telemetry import Row, conversation, ids, write
from turnsmith.labels import labeled_set
from turnsmith.labels.records import Label

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW, NEWER = "20260101_000000", "20260102_000000", "20260103_000000"
TARGETS = ("--target", "train.short=12", "--target", "val.short=3", "--target", "test.short=3")
USER = "grace hopper"


def chat(name: str, user: str, text: str = "do it") -> list[Row]:
    """Build a conversation of three turns by a user."""
    rows = conversation(name, 3, text=text)
    for row in rows:
        if "common.userName" in row["Properties"]:
            row["Properties"]["common.userName"] = user
    return rows


def chats() -> dict[str, list[Row]]:
    """Give 60 conversations of 12 users by id, most of them in train; some are invalid."""
    chance = random.Random(2)
    users = [USER, *(f"user-{number}" for number in range(11))]
    made = {}
    for split, count in (("train", 40), ("val", 10), ("test", 10)):
        for name in ids(split, count, f"c-{split}"):
            made[name] = chat(name, chance.choice(users), f"request {chance.random()} of {name}")
    made["blank-1"] = chat("blank-1", USER, " ")
    made["blank-2"] = chat("blank-2", "user-1", " ")
    return made


def conversations_of(user: str, made: dict[str, list[Row]]) -> set[str]:
    """Name the conversations of a user."""
    return {name for name, rows in made.items() if rows[0]["Properties"]["common.userName"] == user}


def make_set(folder: Path, *options: object, without: frozenset[str] = frozenset(), stamp: str = OLD) -> Path:
    """Export the conversations but those named to `folder/sets`; return the data set's folder."""
    rows = [row for name, each in chats().items() if name not in without for row in each]
    events = write(folder / "events.jsonl", rows)
    targets = ("--target", "short=20") if "single" in options else TARGETS
    ended = export(events, folder / "sets", *targets, *options, stamp=stamp)
    assert ended.code == 0, ended.said
    return dataset(folder / "sets")


def forget(folder: Path, *options: object, stamp: str = NEW) -> Ended:
    """Run the command in this process."""
    return turnsmith("forget", folder, *options, "--stamp", stamp)


def forgotten(folder: Path, *options: object, stamp: str = NEW) -> Path:
    """Run a command that must succeed and verify; return the new version's folder."""
    ended = forget(folder, *options, stamp=stamp)
    assert ended.code == 0, ended.said
    (new,) = (path for path in folder.parent.glob(f"vscodedata_*_{stamp}") if path.is_dir())
    assert turnsmith("verify", new).code == 0
    assert not (folder.parent / ".turnsmith").exists()
    return new


def receipt_of(folder: Path) -> dict[str, Any]:
    """Read the receipt of a new version."""
    content: dict[str, Any] = json.loads((folder.parent / f"FORGOTTEN_{folder.name}.json").read_text())
    return content


def by_group(folder: Path) -> dict[str, bytes]:
    """Give the data files of a set by name, without what has a stamp in its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "metadata.json" and not path.name.startswith("invalid_records_")
    }


def everything(folder: Path) -> dict[str, bytes]:
    """Give all bytes below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def text_of(folder: Path) -> str:
    """Give all text below a folder, that of Parquet files unpacked."""
    parts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts.append(str(path))
        parts.append(str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else path.read_text())
    return "\n".join(parts)


def label(record: dict[str, Any]) -> Label:
    """Label a record's first turn."""
    return Label(
        conversation_id=record["conversationId"], message_id=record["turnsArray"][0]["messageId"], turn_index=1,
        split=record["split"], bucket=record["bucket"], request=record["turnsArray"][0]["userMessage"], llm_vote=1,
        soft_label=0.9, vote=None, strategy="request", judge_model="weak", prompt_version="1", judge="weak",
    )  # fmt: skip


def write_labels(dataset: Path, labeled: list[dict[str, Any]]) -> Path:
    """Write a labeled set beside a data set."""
    return labeled_set.write(
        dataset.parent, dataset.name, [label(record) for record in labeled], {"note": "kept"}
    )


def totals(folder: Path) -> dict[str, Any]:
    """Give what metadata says of conversations that are gone."""
    content: dict[str, Any] = metadata(folder)["forgotten"]
    return content
