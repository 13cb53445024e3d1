"""Contract §4: the data set folder."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from .build import LONG, MEDIUM, SHORT, SPLITS, ids, ok_conversation, ok_turn, turn_id

if TYPE_CHECKING:
    from .conftest import Exporter

CONTROL = ok_conversation("control")


def test_whole_record(export_chunked: Exporter) -> None:
    """§4: a record is what the contract's example shows, in keys, their order and values."""
    (name,) = ids("test", 1, "whole")
    rows = [
        *ok_turn(name, 1, user_text="größer ✅", model_text="yes", prompts=[11000, 12500]),
        *ok_turn(name, 2, model_text=None, prompts=[9000]),
        *ok_turn(name, 3, prompts=[], reason=None),
    ]
    facts = {
        "toolCounts": {"read_file": 2},
        "availableTools": ["read_file", "apply_patch"],
        "availableToolCount": 2,
        "numRequests": 3,
        "turnDurationMs": 1500,
        "turnEndReason": "stopped",
        "responseType": "success",
        "model": "gpt-turn",
    }

    def call(index: int, tokens: int, delta: int, tool: int) -> dict[str, object]:
        estimates = {"system": 100, "user": 20, "assistant": 3, "tool": tool, "total": 123 + tool}
        return {
            "callIndex": index,
            "model": "gpt-x",
            "promptTokens": tokens,
            "completionTokens": 10,
            "totalTokens": None,
            "promptTokenDelta": delta,
            "estimates": estimates,
            "hasTrajectory": True,
        }

    def turn(index: int, user: str, model: str, calls: list[dict[str, object]]) -> dict[str, object]:
        head = {
            "turnIndex": index,
            "messageId": turn_id(name, index),
            "userMessage": user,
            "modelMessage": model,
        }
        return {**head, "llmCalls": calls, **facts}

    expected = {
        "conversationId": name,
        "userName": "ada",
        "split": "test",
        "bucket": SHORT,
        "turnCount": 3,
        "capturedTurnCount": 3,
        "minTurnIndex": 1,
        "maxTurnIndex": 3,
        "isComplete": True,
        "maxPromptTokens": 12500,
        "totalCompletionTokens": 30,
        "llmCallCount": 3,
        "turnsArray": [
            turn(1, "größer ✅", "yes", [call(1, 11000, 11000, 0), call(2, 12500, 1500, 1)]),
            turn(2, "do it", "", [call(1, 9000, -3500, 0)]),
            {**turn(3, "do it", "done", []), "turnEndReason": None},
        ],
    }
    (record,) = export_chunked(rows).records("test", "short")
    assert json.dumps(record) == json.dumps(expected)


def test_dataset_id(export: Exporter) -> None:
    """§4: the id is made of prefix, total target, window and stamp, as used."""
    recent = [{**row, "TimeGenerated": row["TimeGenerated"].replace("01-10", "01-14")} for row in CONTROL]
    result = export(recent)
    assert result.path.name == "vscodedata_120_complete_stratified_deduped_15d_20260101_000000"
    assert result.metadata["curation_info"]["curation_id"] == result.path.name
    large = export(recent, mode="production", window="7d")
    assert large.path.name == "vscodedata_120k_complete_stratified_deduped_7d_20260101_000000"


def test_files_are_arrays_where_the_metadata_says(export: Exporter) -> None:
    """§4: each group with records is one JSON array at <split>/<bucket>.json, in readable UTF-8."""
    rows = [row for split in SPLITS for row in ok_conversation(ids(split, 1, "o")[0], user_text="größer ✅")]
    result = export([*rows, *ok_conversation(ids("val", 1, "long")[0], 12)])
    files = result.metadata["output_files"]
    for split in SPLITS:
        assert files[split][SHORT] == f"{split}/{SHORT}.json"
        content = (result.path / files[split][SHORT]).read_bytes()
        assert isinstance(json.loads(content), list)
        assert "größer ✅".encode() in content
    assert len(json.loads((result.path / "val" / f"{LONG}.json").read_bytes())) == 1
    assert result.records("val", "medium") == []


def test_records_of_a_file_belong_there(export: Exporter) -> None:
    """§4: each record stands in the file of its own split and bucket, and nowhere else."""
    rows = [row for number in range(30) for row in ok_conversation(f"f{number}", 3 + number % 12, prompts=[])]
    result = export(rows)
    for split in SPLITS:
        for bucket, full in (("short", SHORT), ("medium", MEDIUM), ("long", LONG)):
            assert all((r["split"], r["bucket"]) == (split, full) for r in result.records(split, bucket))
    assert len(set(result.conversations())) == len(result.conversations())


def test_checksums_match_the_files(export: Exporter) -> None:
    """§4: every file but the metadata stands in the checksums with its SHA-256 and size."""
    (bad,) = ids("val", 1, "bad")
    result = export([*CONTROL, *ok_conversation(bad, user=None)])
    files = {
        str(path.relative_to(result.path)): path.read_bytes()
        for path in result.path.rglob("*")
        if path.is_file() and path.name != "metadata.json"
    }
    assert any("invalid_records_val" in name for name in files)
    assert result.metadata["checksums"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in files.items()
    }


def test_single_layout(export: Exporter) -> None:
    """§4: the single-split layout has its three files at the root and targets of its own."""
    conversations = [c for split in SPLITS for c in ids(split, 3, "one")]
    rows = [row for conversation in conversations for row in ok_conversation(conversation, prompts=[])]
    (bad,) = ids("test", 1, "bad")
    result = export([*rows, *ok_conversation(bad, user=None), *ok_conversation("m", 6)], layout="single")
    short = json.loads((result.path / f"{SHORT}.json").read_bytes())
    key = {c: (hashlib.sha256(f"0:{c}".encode()).hexdigest()[:15], c) for c in conversations}
    assert [record["conversationId"] for record in short] == sorted(conversations, key=key.__getitem__)
    assert (result.path / f"{MEDIUM}.json").exists()
    assert not (result.path / "train").exists()
    assert result.metadata["actual_counts"] == {SHORT: 9, MEDIUM: 1, LONG: 0, "total": 10}
    assert result.metadata["output_files"][SHORT] == f"{SHORT}.json"
    assert result.funnel["invalid"] == {"all": 1}
    assert result.funnel["candidates"] == {"all": {SHORT: 9, MEDIUM: 1, LONG: 0}}
    assert "_100_" in result.path.name


def test_same_rows_give_the_same_bytes(export: Exporter) -> None:
    """§4: the data files of two runs are the same to the byte."""
    rows = [row for number in range(12) for row in ok_conversation(f"b{number}", 3 + number % 5)]
    first, second = export(rows), export(rows[::-1])
    names = sorted(str(path.relative_to(first.path)) for path in first.path.rglob("*_turns.json"))
    assert names
    for name in names:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()


def test_exit_code(export: Exporter) -> None:
    """§4: an export that wrote something succeeds."""
    assert export(CONTROL).exit_code == 0
