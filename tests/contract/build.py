"""Build telemetry rows by hand."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

PREFIX = "GitHub.copilot-chat/"
AS_OF = "2026-01-16T00:00:00Z"
START = "2026-01-01T00:00:00Z"  # as-of minus the default window of 15 days: the first moment outside
BASE = datetime(2026, 1, 10, tzinfo=UTC)
STAMP = "20260101_000000"

SHORT, MEDIUM, LONG = "short_3_to_5_turns", "medium_6_to_10_turns", "long_11_to_20_turns"
SPLITS = ("train", "val", "test")


def at(seconds: float) -> str:
    """Give the time that many seconds after the base time."""
    return (BASE + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def sha_number(text: str) -> int:
    """Compute the portable hash the way the contract writes it down."""
    return int(hashlib.sha256(text.encode("utf-8")).hexdigest()[:15], 16)


def split_of(conversation: str) -> str:
    """Name the split of a conversation, by the contract."""
    rest = sha_number(conversation) % 100
    return "train" if rest < 83 else "val" if rest < 92 else "test"


def ids(split: str, count: int, name: str = "c") -> list[str]:
    """Find conversation ids that fall into a split."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        candidate = f"{name}-{number}"
        if split_of(candidate) == split:
            found.append(candidate)
        number += 1
    return found


def row(
    name: str, time: str, properties: Mapping[str, Any], measurements: Mapping[str, Any] | None = None
) -> Row:
    """Build a row of any name; properties and measurements that are None are left out."""
    return {
        "TimeGenerated": time,
        "Name": PREFIX + name,
        "Properties": {key: value for key, value in properties.items() if value is not None},
        "Measurements": {key: value for key, value in (measurements or {}).items() if value is not None},
    }


def message(
    conversation: str | None,
    message_id: str | None,
    source: str | None,
    text: str | None,
    time: str,
    *,
    mode: str | None = "agent",
    user: str | None = "ada",
    **more: Any,
) -> Row:
    """Build a message row; its misleading turn index is always set."""
    return row(
        "conversation.messageText",
        time,
        {
            "conversationId": conversation,
            "messageId": message_id,
            "source": source,
            "messageText": text,
            "mode": mode,
            "common.userName": user,
            "turnIndex": "77",
            **more,
        },
    )


def output(
    message_id: str | None,
    time: str,
    prompt: Any = 1000,
    completion: Any = 10,
    *,
    total: Any = None,
    model: str | None = "gpt-x",
    **more: Any,
) -> Row:
    """Build an LLM call's output row."""
    return row(
        "engine.messages.length",
        time,
        {"headerRequestId": message_id, "message_direction": "output", "baseModel": model, **more},
        {
            "promptTokens": prompt,
            "completionTokens": completion,
            "totalTokens": total,
            "maxTokenWindow": 128000,
        },
    )


def inputs(message_id: str | None, time: str, messages: Any, **more: Any) -> Row:
    """Build an LLM call's input row: (role, size) pairs, or the raw value of messagesJson."""
    if isinstance(messages, list):
        messages = json.dumps([{"role": role, "content": size} for role, size in messages])
    return row(
        "engine.messages.length",
        time,
        {"headerRequestId": message_id, "message_direction": "input", "messagesJson": messages, **more},
    )


def tool_details(
    conversation: str | None,
    message_id: str | None,
    index: Any,
    time: str,
    *,
    reason: str | None = "stopped",
    counts: Any = '{"read_file": 2}',
    tools: Any = '["read_file", "apply_patch"]',
    requests: Any = 3,
    duration: Any = 1500,
    **more: Any,
) -> Row:
    """Build a turn's closing row."""
    return row(
        "toolCallDetailsInternal",
        time,
        {
            "conversationId": conversation,
            "messageId": message_id,
            "toolCounts": counts,
            "availableTools": tools,
            "responseType": "success",
            "turnEndReason": reason,
            "model": "gpt-turn",
            **more,
        },
        {
            "turnIndex": index,
            "numRequests": requests,
            "turnDuration": duration,
            "availableToolCount": 2,
            "totalToolCalls": 2,
        },
    )


def turn_id(conversation: str, index: int) -> str:
    """Name the message id of a conversation's turn."""
    return f"{conversation}/m{index}"


def ok_turn(
    conversation: str,
    index: int,
    *,
    user_text: str | None = "do it",
    model_text: str | None = "done",
    prompts: Sequence[Any] | None = None,
    user: str | None = "ada",
    details: bool = True,
    reason: str | None = "stopped",
) -> list[Row]:
    """Build a whole turn: each call its input, output and both message rows, then the closing row.

    Turns are 100 seconds apart and calls 10, the output a second after its input. Without `prompts` there is
    one call, of a thousand prompt tokens times the turn's index.
    """
    name = turn_id(conversation, index)
    calls = [1000 * index] if prompts is None else prompts
    rows: list[Row] = [
        message(conversation, name, "user", user_text, at(100 * index), user=user),
        message(conversation, name, "model", model_text, at(100 * index + 2), user=user),
    ]
    for number, prompt in enumerate(calls):
        sizes = [("system", 100), ("user", 20), ("assistant", 3), ("tool", number)]
        rows.append(inputs(name, at(100 * index + 10 * number), sizes))
        rows.append(output(name, at(100 * index + 10 * number + 1), prompt, 10))
    if details:
        rows.append(tool_details(conversation, name, index, at(100 * index + 90), reason=reason))
    return rows


def ok_conversation(
    conversation: str, turns: int = 3, *, skip: Sequence[int] = (), **options: Any
) -> list[Row]:
    """Build a conversation of turns 1..n, with the same options for each turn; `skip` leaves turns out."""
    return [
        event
        for index in range(1, turns + 1)
        if index not in skip
        for event in ok_turn(conversation, index, **options)
    ]
