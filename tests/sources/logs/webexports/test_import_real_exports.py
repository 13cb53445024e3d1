"""The importers on the files of others that lie beside the project, against counts made here."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from .reading import IMPORTERS, SHARED, read

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside this checkout")

LOGS = (
    "chatgpt_export",
    "claude_ai_export",
    "claude_code",
    "codex_rollout",
    "copilot_chatreplay",
    "fastchat_sharegpt_format",
    "gemini_cli_entire",
    "oasst_sample",
    "telemetry",
    "vscode_chat_sessions",
)
# Schemas, manifests and other tables lie among the exports; the kind of all that is a conversation is told here.
KINDS = {
    "chatgpt_export/native-*": "chatgpt",
    "chatgpt_export/synthetic_*": "chatgpt",
    "claude_ai_export/claude-chat-viewer/[!s]*": "claude_ai",
    "claude_ai_export/polylogue_synthetic/sample*": "claude_ai",
    "claude_ai_export/polylogue_synthetic/origin*": "claude_ai",
    "fastchat_sharegpt_format/dummy_conversation.json": "sharegpt",
}
TAGS = r"\n|</?ant(?:Thinking|Artifact)[^>]*>"


def files(pattern: str) -> list[Path]:
    """Return the files of a pattern below the shared data."""
    return sorted(path for path in SHARED.glob(pattern) if path.is_file())


def test_each_kind_knows_its_files_and_no_others() -> None:
    """Over all logs, each importer recognizes its own files and none of another kind."""
    expected = {path: {kind} for pattern, kind in KINDS.items() for path in files(pattern)}
    seen = 0
    for folder in LOGS:
        for path in files(f"{folder}/**/*"):
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                head = file.read(64 << 10)
            found = {kind for kind, importer in IMPORTERS.items() if importer.looks_like(head)}
            assert found == expected.get(path, set()), path
            seen += 1
    assert seen > len(expected) > 20


def blocks(records: list[dict[str, Any]]) -> list[str]:
    """Return all texts in the blocks of claude.ai conversations."""
    messages = [message for record in records for message in record.get("chat_messages", [])]
    found = [
        block for message in messages for block in message.get("content") or [] if isinstance(block, dict)
    ]
    return [
        block["text"] for block in found if block.get("type") == "text" and isinstance(block["text"], str)
    ]


def artifacts(records: list[dict[str, Any]]) -> list[str]:
    """Return the content of all artifacts that tools of claude.ai were called with, or that stand in tags."""
    messages = [message for record in records for message in record.get("chat_messages", [])]
    calls = [
        block["input"]["content"]
        for message in messages
        for block in message.get("content") or []
        if isinstance(block, dict) and "artifact" in (block.get("name") or "")
    ]
    texts = [message.get("text") or "" for message in messages]
    return calls + [
        found for said in texts for found in re.findall(r":artifact .*?>(.*?)</", said, re.DOTALL)
    ]


def test_claude_ai_files() -> None:
    """Each conversation comes out with all messages, every line in its blocks and artifacts, and none dropped."""
    total = 0
    for path in [path for pattern, kind in KINDS.items() if kind == "claude_ai" for path in files(pattern)]:
        found = json.loads(path.read_bytes())
        records = found if isinstance(found, list) else [found]
        sizes = [len(record["chat_messages"]) for record in records if "chat_messages" in record]
        transcripts, account = read("claude_ai", path)
        assert account.kept == sum(sizes), path
        assert [t.title for t in transcripts] == [
            record.get("name") or record.get("title") for record in records if record.get("chat_messages")
        ]
        assert sum(account.bad.values()) == len(records) - len(sizes)
        told = "\n".join(m.text + m.reasoning for t in transcripts for m in t.messages)
        for block in blocks(records):
            assert all(line.strip() in told for line in re.split(TAGS, block)), path
        for content in artifacts(records):
            assert all(line.strip() in told for line in content.split("\n")), path
        total += len(transcripts)
    assert total > 20


def thread(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages on the way down to the current node, found through the links to children."""

    def down(name: str) -> list[str] | None:
        if name == record["current_node"]:
            return [name]
        ways = (down(child) for child in record["mapping"][name]["children"])
        return next(([name, *way] for way in ways if way is not None), None)

    roots = [name for name, node in record["mapping"].items() if node.get("parent") is None]
    way = next(way for root in roots if (way := down(root)) is not None)
    return [message for name in way if (message := record["mapping"][name].get("message"))]


def test_chatgpt_files() -> None:
    """Of each conversation exactly the messages on the way to the current node are used."""
    paths = files("chatgpt_export/native-*") + files("chatgpt_export/synthetic_*")
    for path in paths:
        found = json.loads(path.read_bytes())
        record = found.get("raw_provider_payload", found)
        messages = [node["message"] for node in record["mapping"].values() if node.get("message")]
        transcripts, account = read("chatgpt", path)
        assert account.kept == len(thread(record)), path
        assert account.dropped == {"on another branch": len(messages) - len(thread(record))}
        assert "Superseded answer." not in [m.text for m in transcripts[0].messages]
    assert len(paths) == 4


def test_sharegpt_file() -> None:
    """All 500 conversations come out with the words of each turn."""
    path = SHARED / "fastchat_sharegpt_format" / "dummy_conversation.json"
    records = json.loads(path.read_bytes())
    transcripts, account = read("sharegpt", path)
    assert len(transcripts) == len(records) == 500
    for transcript, record in zip(transcripts, records, strict=True):
        assert transcript.id == record["id"]
        assert [m.text for m in transcript.messages] == [turn["value"] for turn in record["conversations"]]
    assert not account.dropped


def test_another_kind_is_bad_and_no_crash() -> None:
    """A file of another kind gives no conversation, and each of its records is counted as bad."""
    path = files("claude_code/**/*.jsonl")[0]
    lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    for kind in IMPORTERS:
        transcripts, account = read(kind, path)
        assert (transcripts, sum(account.bad.values())) == ([], len(lines))
