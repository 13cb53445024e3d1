"""The exact shape of a record (contract §4), restated: field by field, with the JSON types it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnsmith.verify.report import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Fields = Mapping[str, frozenset[type]]

LOWEST, HIGHEST = -(2**63), 2**63 - 1

NULL: type = type(None)
Kinds = frozenset[type]
TEXT: Kinds = frozenset({str})
TEXT_OR_NULL = TEXT | {NULL}
INTEGER: Kinds = frozenset({int})
INTEGER_OR_NULL = INTEGER | {NULL}
FLAG: Kinds = frozenset({bool})
LIST: Kinds = frozenset({list})
OBJECT: Kinds = frozenset({dict})
OBJECT_OR_NULL = OBJECT | {NULL}

REQUIRED = ("conversationId", "userName", "bucket", "turnsArray")
RECORD: Fields = {
    "conversationId": TEXT,
    "userName": TEXT,
    "split": TEXT,
    "bucket": TEXT,
    "turnCount": INTEGER,
    "capturedTurnCount": INTEGER,
    "minTurnIndex": INTEGER,
    "maxTurnIndex": INTEGER,
    "isComplete": FLAG,
    "maxPromptTokens": INTEGER_OR_NULL,
    "totalCompletionTokens": INTEGER,
    "llmCallCount": INTEGER,
    "turnsArray": LIST,
}
RECORD_WITHOUT_SPLIT: Fields = {name: kinds for name, kinds in RECORD.items() if name != "split"}
TURN: Fields = {
    "turnIndex": INTEGER,
    "messageId": TEXT,
    "userMessage": TEXT,
    "modelMessage": TEXT,
    "llmCalls": LIST,
    "toolCounts": OBJECT,
    "availableTools": LIST,
    "availableToolCount": INTEGER_OR_NULL,
    "numRequests": INTEGER_OR_NULL,
    "turnDurationMs": INTEGER_OR_NULL,
    "turnEndReason": TEXT_OR_NULL,
    "responseType": TEXT_OR_NULL,
    "model": TEXT_OR_NULL,
}
CALL: Fields = {
    "callIndex": INTEGER,
    "model": TEXT_OR_NULL,
    "promptTokens": INTEGER_OR_NULL,
    "completionTokens": INTEGER_OR_NULL,
    "totalTokens": INTEGER_OR_NULL,
    "promptTokenDelta": INTEGER_OR_NULL,
    "estimates": OBJECT_OR_NULL,
    "hasTrajectory": FLAG,
}
ESTIMATES: Fields = dict.fromkeys(("system", "user", "assistant", "tool", "total"), INTEGER)

NAMES: dict[type, str] = {
    str: "text",
    int: "an integer",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    NULL: "null",
}


def missing_fields(record: Any) -> Iterator[str]:
    """Yield the required fields that a record lacks or leaves empty."""
    for name in REQUIRED if isinstance(record, dict) else ():
        if (value := record.get(name)) is None or value in ("", []):
            yield f"{name} is {'empty' if value is not None else 'null' if name in record else 'missing'}"


def shape_faults(record: Any, with_split: bool) -> Iterator[str]:
    """Yield where a record's shape is not the contract's; required fields may be missing or null here."""
    fields = RECORD if with_split else RECORD_WITHOUT_SPLIT
    if not _fits(record, fields):
        yield from _faults(record, fields, "", optional=REQUIRED)
    turns = record.get("turnsArray") if type(record) is dict else None
    for position, turn in enumerate(turns if type(turns) is list else (), 1):
        yield from _turn_faults(turn, f"turn {position}: ")


def _turn_faults(turn: Any, where: str) -> Iterator[str]:
    if not _fits(turn, TURN):
        yield from _faults(turn, TURN, where)
        return
    for count in turn["toolCounts"].values():
        if not _is_integer(count):
            yield f"{where}toolCounts holds {show(count)} where an integer belongs"
    for tool in turn["availableTools"]:
        if type(tool) is not str:
            yield f"{where}availableTools holds {show(tool)} where text belongs"
    for position, call in enumerate(turn["llmCalls"], 1):
        if not _fits(call, CALL):
            yield from _faults(call, CALL, f"{where}call {position}: ")
        elif call["estimates"] is not None and not _fits(call["estimates"], ESTIMATES):
            yield from _faults(call["estimates"], ESTIMATES, f"{where}call {position}: estimates: ")


def _is_integer(value: Any) -> bool:
    return type(value) is int and LOWEST <= value <= HIGHEST


def _fits(value: Any, fields: Fields) -> bool:
    """Tell whether `value` is an object of exactly these fields and types; the fast way to find out."""
    if type(value) is not dict or value.keys() != fields.keys():
        return False
    for name, kinds in fields.items():
        item = value[name]
        kind = type(item)
        if kind not in kinds or (kind is int and not LOWEST <= item <= HIGHEST):
            return False
    return True


def _faults(value: Any, fields: Fields, where: str, optional: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield in words why `value` does not fit; `optional` fields may be missing or null."""
    if type(value) is not dict:
        yield f"{where or 'the record '}is {show(value) if type(value) is not str else 'text'}, not an object"
        return
    for name in value.keys() - fields.keys():
        yield f"{where}unknown field {show(name)}"
    for name, kinds in fields.items():
        if name in optional and value.get(name) is None:
            continue
        if name not in value:
            yield f"{where}{name} is missing"
        elif type(value[name]) not in kinds:
            wanted = " or ".join(sorted(NAMES[kind] for kind in kinds))
            yield f"{where}{name} is {NAMES.get(type(value[name]), 'a fraction')} where {wanted} belongs"
        elif int in kinds and value[name] is not None and not _is_integer(value[name]):
            yield f"{where}{name} is beyond 64 bits"
