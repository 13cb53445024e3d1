"""Hand-made `AppEvents` rows: small conversations that lead each rule to its edge."""

from __future__ import annotations

import json
from typing import Any

Row = dict[str, Any]
PREFIX = "GitHub.copilot-chat/"
ROW_AS_OF = "2026-02-17T00:00:00Z"


def at(second: int, fraction: str = "000") -> str:
    """Return a time inside the window."""
    return f"2026-02-10T10:{second // 60:02d}:{second % 60:02d}.{fraction}Z"


def event(time: str, name: str, properties: Row, measurements: Row | None = None) -> Row:
    """Return one row."""
    return {
        "TimeGenerated": time,
        "Name": PREFIX + name,
        "Properties": properties,
        "Measurements": measurements or {},
    }


def message(conversation: str, turn: str, source: str, text: str | None, time: str, **more: Any) -> Row:
    """Return a message row in agent mode."""
    properties = {"conversationId": conversation, "messageId": turn, "source": source, "mode": "agent"}
    properties |= {"common.userName": "user01_example", **more}
    if text is not None:
        properties["messageText"] = text
    return event(time, "conversation.messageText", properties)


def details(conversation: str | None, turn: str, index: Any, time: str, **more: Any) -> Row:
    """Return a row of turn facts."""
    properties = {"messageId": turn, "toolCounts": '{"read_file":1}', "availableTools": '["read_file"]'}
    properties |= {"responseType": "success", "turnEndReason": "stopped", "model": "gpt-5", **more}
    if conversation is not None:
        properties["conversationId"] = conversation
    measurements = {"turnIndex": index, "numRequests": 2, "turnDuration": 900, "availableToolCount": 1}
    return event(time, "toolCallDetailsInternal", properties, measurements)


def output(turn: str, prompt: Any, time: str, completion: Any = 10, **more: Any) -> Row:
    """Return the row of an LLM call."""
    properties = {"headerRequestId": turn, "message_direction": "output", "baseModel": "gpt-5", **more}
    tokens = {"promptTokens": prompt, "completionTokens": completion, "totalTokens": 1000}
    return event(time, "engine.messages.length", properties, tokens)


def sizes(turn: str, content: list[tuple[str, Any]], time: str, **more: Any) -> Row:
    """Return the row before an LLM call."""
    messages = json.dumps([{"role": role, "content": size} for role, size in content])
    properties = {"headerRequestId": turn, "message_direction": "input", "baseModel": "gpt-5"}
    return event(time, "engine.messages.length", properties | {"messagesJson": messages} | more)


def conversation(name: str, turns: int = 3, start: int = 0) -> list[Row]:
    """Return a plain complete conversation."""
    rows = []
    for index in range(1, turns + 1):
        turn, second = f"{name}-m{index}", start + index * 10
        rows += [
            message(name, turn, "user", f"request {index}", at(second)),
            sizes(turn, [("system", 100), ("user", 10 * index)], at(second)),
            output(turn, 100 * index, at(second + 1)),
            message(name, turn, "model", f"answer {index}", at(second + 1)),
            details(name, turn, index, at(second + 2)),
        ]
    return rows


def odd_rows() -> list[Row]:
    """Return conversations each of which turns on one rule."""
    rows: list[Row] = []
    for name in (
        "ties",
        "rounds",
        "facts",
        "calls",
        "inputs",
        "levels",
        "numbers",
        "parts",
        "names",
        "shared",
    ):
        rows += conversation(name)
    # Rule 3: equally long texts; the earliest wins, then the smallest. Characters count, not bytes.
    rows += [
        message("ties", "ties-m1", "user", text, at(5)) for text in ("request B", "request A", "request C")
    ]
    rows += [message("ties", "ties-m2", "user", text, at(19)) for text in ("request Z", "request Y")]
    rows += [
        message("ties", "ties-m3", "user", "✅✅✅✅", at(29)),
        message("ties", "ties-m3", "model", None, at(30)),
    ]
    # Rounds in time order, one of them empty, one repeated.
    rounds = [("first, then", 12), ("then more", 13), ("first, then", 14), ("", 12), ("also at 13", 13)]
    rows += [message("rounds", "rounds-m1", "model", text, at(second)) for text, second in rounds]
    # Rule 5: a later row, and two at the same time.
    rows += [details("facts", "facts-m1", 7, at(11)), details(None, "facts-m2", 2, at(50), model="late")]
    rows += [details("facts", "facts-m3", 3, at(32), model=model) for model in ("a", "z", "b")]
    # Rule 6: the order of calls at one time, rows delivered twice, twins that an unread field tells apart.
    rows += [
        output("calls-m1", prompt, at(12), completion) for prompt, completion in ((70, 3), (60, 9), (60, 2))
    ]
    rows += [output("calls-m2", 80, at(22))] * 2
    rows += [output("calls-m3", 90, at(33), extra=extra) for extra in ("one", "two")]
    # Input rows: roles unknown, sizes as text, no messages at all, fewer than outputs.
    rows += [output("inputs-m1", 300 + n, at(12 + n)) for n in range(3)]
    rows += [
        sizes("inputs-m1", [("system", "5"), ("tool", 2.9), ("critic", 4), ("user", None)], at(11)),
        sizes("inputs-m1", [], at(12)),
        sizes("inputs-m2", [("user", 3)], at(20), messagesJson="no JSON"),
    ]
    # Rule 7: levels that fall, and one that is missing.
    rows += [
        output("levels-m1", 900, at(13)),
        output("levels-m2", None, at(23)),
        output("levels-m3", 5, at(34)),
    ]
    # Numbers as text and with a fraction.
    rows += [output("numbers-m1", "123", at(13), "4.7"), output("numbers-m2", 50.9, at(24))]
    rows += [details("numbers", "numbers-m3", "3", at(60))]
    # Long texts in parts, one of them cut within a character; a bag inside a string.
    long = message(
        "parts", "parts-m1", "user", "x" * 8192, at(14), messageText_02="y" * 8192, messageText_03="z"
    )
    cut = message("parts", "parts-m2", "user", "half \ud83d", at(24), messageText_02="\ude00 whole")
    text = message("parts", "parts-m3", "model", "from a string, and long enough", at(35))
    rows += [long, cut, {**text, "Properties": json.dumps(text["Properties"]), "Measurements": None}]
    # Rule 10: the first name in turn order, user rows first.
    rows += [
        message("names", "names-m1", "user", "r", at(3), **{"common.userName": name})
        for name in ("", "b", "a")
    ]
    rows += [message("names", "names-m1", "model", "r", at(2), **{"common.userName": "model"})]
    # Rule 4: a turn known from facts alone; one message in two conversations.
    rows += [details("gap", "gap-m9", 5, at(90)), *conversation("gap")]
    rows += [
        message("shared-too", "shared-m1", "user", "same", at(9)),
        details("quiet", "quiet-m1", 1, at(9)),
    ]
    # Rule 8 and the window's edges.
    rows += [*conversation("failed"), details("failed", "failed-m2", 2, at(95), turnEndReason="networkError")]
    rows += [*conversation("index", 3), details("index", "index-m3", 2, at(96))]
    rows += [row for row in conversation("late") if "-m1" not in json.dumps(row)]
    rows += [
        *conversation("many", 21),
        *conversation("unknown"),
        details("unknown", "unknown-m2", None, at(97)),
    ]
    rows += [message("edge", "edge-m1", "user", "at the end", ROW_AS_OF)]
    rows += [message("edge", "edge-m0", "user", "beyond", "2026-02-17T00:00:00.0000001Z")]
    rows += [{**row, "Properties": row["Properties"] | {"mode": "ask"}} for row in conversation("asked")[:1]]
    return rows
