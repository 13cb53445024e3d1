"""How the tests read: any value as a file of a kind, its transcripts and its account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from turnsmith.curate.account import Account
from turnsmith.sources.logs import chatgpt, claude_ai, messages, sharegpt

if TYPE_CHECKING:
    from turnsmith.sources.logs.transcript import Importer, Transcript

GOLDEN = Path(__file__).parent / "golden"
SHARED = Path(__file__).resolve().parents[5] / "shared" / "data"
IMPORTERS: dict[str, Importer] = {
    "claude_ai": claude_ai,
    "chatgpt": chatgpt,
    "sharegpt": sharegpt,
    "messages": messages,
}
FILES = {
    "claude_ai": "claude_ai.json",
    "chatgpt": "chatgpt.json",
    "sharegpt": "sharegpt.json",
    "messages": "messages.jsonl",
}


def golden(kind: str) -> list[Any]:
    """Return the records of a kind's golden file."""
    text = (GOLDEN / FILES[kind]).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if kind == "messages" else json.loads(text)


def read(kind: str, path: Path) -> tuple[list[Transcript], Account]:
    """Return what an importer makes of a file; everything it holds is accounted for."""
    account = Account()
    transcripts = list(IMPORTERS[kind].read(str(path), account))
    assert account.read == account.kept + sum(account.dropped.values())
    for transcript in transcripts:
        check(transcript)
    return transcripts, account


def read_value(kind: str, folder: Path, value: Any) -> tuple[list[Transcript], Account]:
    """Return what an importer makes of a value as a JSON file."""
    path = folder / "conversations.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return read(kind, path)


def check(transcript: Transcript) -> None:
    """Hold a transcript to what every importer promises: text that can be written, results that have their call."""
    msgspec.json.encode(transcript)
    assert transcript.id
    assert transcript.messages
    called: set[str] = set()
    for message in transcript.messages:
        assert message.role in ("system", "user", "assistant", "tool")
        assert message.text.strip() or message.tool_calls or message.role == "tool"
        assert (message.tool_call_id is not None) == (message.role == "tool")
        if message.role == "tool":
            assert message.tool_call_id in called
        for call in message.tool_calls:
            assert message.role == "assistant"
            assert call.id not in called
            called.add(call.id)


def brief(transcript: Transcript) -> list[tuple[Any, ...]]:
    """Return the messages as (role, text), with (name, arguments) of calls where there are any."""
    return [
        (m.role, m.text, *((call.name, call.arguments) for call in m.tool_calls)) for m in transcript.messages
    ]
