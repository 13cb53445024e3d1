"""Telemetry for these tests: whole conversations as event rows, and files of them."""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]

PREFIX = "GitHub.copilot-chat/"
MESSAGE, LENGTH, DETAILS = (
    PREFIX + name
    for name in ("conversation.messageText", "engine.messages.length", "toolCallDetailsInternal")
)
AS_OF = "2026-01-16T00:00:00Z"
STAMP = "20260101_000000"
COLUMNS = ("TimeGenerated", "Name", "Properties", "Measurements")
CANARY = "canary-5ecret-9d1f"
ROWS_PER_TURN = 5


def at(seconds: float) -> str:
    """Give a time inside the window."""
    moment = datetime(2026, 1, 10, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def split_of(conversation: str) -> str:
    """Name a conversation's split by the contract."""
    place = int(hashlib.sha256(conversation.encode()).hexdigest()[:15], 16) % 100
    return "train" if place < 83 else "val" if place < 92 else "test"


def ids(split: str, count: int, name: str = "c") -> list[str]:
    """Find conversation ids that fall into a split."""
    candidates = (f"{name}-{number}" for number in itertools.count())
    return list(itertools.islice((c for c in candidates if split_of(c) == split), count))


def turn(conversation: str, index: int, *, text: str = "do it", reason: str = "stopped") -> list[Row]:
    """Build the five rows of a whole turn: user text, prompt, answer, model text, end."""
    message_id = f"{conversation}/m{index}"
    message = {
        "conversationId": conversation,
        "messageId": message_id,
        "mode": "agent",
        "common.userName": "ada",
    }
    sizes = json.dumps([{"role": "system", "content": 100}, {"role": "user", "content": index}])
    call = {"headerRequestId": message_id, "baseModel": "gpt-x"}
    tokens = {"promptTokens": 1000 * index, "completionTokens": 10, "totalTokens": 1000 * index + 10}
    ended = {
        "conversationId": conversation,
        "messageId": message_id,
        "toolCounts": '{"read_file": 2}',
        "availableTools": '["read_file"]',
        "responseType": "success",
        "turnEndReason": reason,
        "model": "gpt-x",
    }
    facts = {"turnIndex": index, "numRequests": 3, "turnDuration": 1500, "availableToolCount": 1}
    rows: tuple[tuple[str, Row, Row], ...] = (
        (MESSAGE, {**message, "source": "user", "messageText": text}, {}),
        (LENGTH, {**call, "message_direction": "input", "messagesJson": sizes}, {}),
        (LENGTH, {**call, "message_direction": "output"}, tokens),
        (MESSAGE, {**message, "source": "model", "messageText": f"done {index}"}, {}),
        (DETAILS, ended, facts),
    )
    return [
        {"TimeGenerated": at(100 * index + n), "Name": name, "Properties": p, "Measurements": m}
        for n, (name, p, m) in enumerate(rows)
    ]


def conversation(name: str, turns: int = 3, *, skip: tuple[int, ...] = (), **options: Any) -> list[Row]:
    """Build a conversation of turns 1 to n; `skip` leaves some out."""
    return [row for i in range(1, turns + 1) if i not in skip for row in turn(name, i, **options)]


def lines(rows: Iterable[Row | str]) -> bytes:
    """Give rows as JSON Lines; a text stands for a raw line."""
    return b"".join(
        (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)).encode() + b"\n"
        for row in rows
    )


def write(path: Path, content: bytes | Iterable[Row | str]) -> Path:
    """Write bytes, or rows as JSON Lines, to a file and give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else lines(content))
    return path
