"""Read a file with an importer, check that its account adds up, and write transcripts out to be compared."""

import json
from pathlib import Path
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.transcript import Importer, Message, Transcript

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data"


def read(importer: Importer, path: Path) -> tuple[list[Transcript], Account]:
    """Return the transcripts of a file and the account, in which every record must have its place."""
    account = Account()
    transcripts = list(importer.read(str(path), account))
    assert account.read == account.kept + account.dropped.total() + account.bad.total(), account
    assert min([account.kept, *account.dropped.values(), *account.bad.values(), *account.notes.values()]) >= 0
    return transcripts, account


def write_document(path: Path, document: Any) -> Path:
    """Write one JSON document."""
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def write_lines(path: Path, records: list[Any]) -> Path:
    """Write JSON Lines; a record that is a text is written as it is."""
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def script(transcript: Transcript) -> list[str]:
    """Return a transcript as lines that can be read: `role: text`, what was thought, calls and their results."""
    return [line for message in transcript.messages for line in _lines(message)]


def _lines(message: Message) -> list[str]:
    role = f"tool {message.tool_call_id}" if message.role == "tool" else message.role
    lines = [f"thought: {message.reasoning}"] if message.reasoning else []
    if message.text or not message.tool_calls:
        lines.append(f"{role}{' (error)' if message.is_error else ''}: {message.text}")
    return lines + [f"call {call.id}: {call.name} {call.arguments}" for call in message.tool_calls]
