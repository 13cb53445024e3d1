"""Check one record at a time against its file and against itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from turnsmith.verify.report import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Record = dict[str, Any]
    RecordCheck = Callable[[Record, "Expected"], Iterator[str]]


@dataclass(frozen=True)
class Expected:
    """Hold what one data file and the metadata say of each of the file's records; None where unknown.

    `bounds`: the split's half-open range of `hash % 100`; `turns`: lowest and highest number of turns.
    """

    file: str
    split: str | None
    bucket: str
    bounds: tuple[int, int] | None = None
    turns: tuple[int, int] | None = None
    failed: frozenset[str] | None = None
    seed: str | None = None


def hash_number(digest: bytes) -> int:
    """Return the portable hash (contract §3) from a SHA-256 digest: its first 60 bits."""
    return int.from_bytes(digest[:8], "big") >> 4


def hash_text(text: str) -> bytes:
    """Return the SHA-256 digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _turn_indices(record: Record, _expected: Expected) -> Iterator[str]:
    for position, turn in enumerate(record["turnsArray"], 1):
        if turn["turnIndex"] != position:
            yield f"turn {position} has the index {show(turn['turnIndex'])}"
            return


def _turn_counts(record: Record, _expected: Expected) -> Iterator[str]:
    counts = record["turnCount"], record["capturedTurnCount"], len(record["turnsArray"])
    if len(set(counts)) != 1:
        yield "turnCount {}, capturedTurnCount {}, turns {}".format(*counts)


def _index_bounds(record: Record, _expected: Expected) -> Iterator[str]:
    if record["minTurnIndex"] != 1 or record["maxTurnIndex"] != len(record["turnsArray"]):
        found = f"minTurnIndex {record['minTurnIndex']}, maxTurnIndex {record['maxTurnIndex']}"
        yield f"{found}, turns {len(record['turnsArray'])}"


def _complete(record: Record, _expected: Expected) -> Iterator[str]:
    if not record["isComplete"]:
        yield "isComplete is false"


def _turn_range(record: Record, expected: Expected) -> Iterator[str]:
    if expected.turns and not expected.turns[0] <= len(record["turnsArray"]) <= expected.turns[1]:
        yield f"{len(record['turnsArray'])} turns, not {expected.turns[0]} to {expected.turns[1]}"


def _bucket_file(record: Record, expected: Expected) -> Iterator[str]:
    if record["bucket"] != expected.bucket:
        yield f"bucket is {show(record['bucket'])}"


def _split_folder(record: Record, expected: Expected) -> Iterator[str]:
    if expected.split is not None and record["split"] != expected.split:
        yield f"split is {show(record['split'])}"


def _user_messages(record: Record, _expected: Expected) -> Iterator[str]:
    for position, turn in enumerate(record["turnsArray"], 1):
        if not turn["userMessage"] or turn["userMessage"].isspace():
            yield f"turn {position}: the user message is blank"


def _failed_turns(record: Record, expected: Expected) -> Iterator[str]:
    for position, turn in enumerate(record["turnsArray"], 1):
        if expected.failed and turn["turnEndReason"] in expected.failed:
            yield f"turn {position} ended as {show(turn['turnEndReason'])}"


def _call_indices(record: Record, _expected: Expected) -> Iterator[str]:
    for position, turn in enumerate(record["turnsArray"], 1):
        for number, call in enumerate(turn["llmCalls"], 1):
            if call["callIndex"] != number:
                yield f"turn {position}: call {number} has the index {call['callIndex']}"
                break


def _calls(record: Record) -> Iterator[Record]:
    for turn in record["turnsArray"]:
        yield from turn["llmCalls"]


def _prompt_token_deltas(record: Record, _expected: Expected) -> Iterator[str]:
    before: int | None = 0
    for number, call in enumerate(_calls(record), 1):
        now = call["promptTokens"]
        delta = None if now is None or before is None else now - before
        if call["promptTokenDelta"] != delta:
            yield f"call {number} of the conversation: {show(call['promptTokenDelta'])}, not {show(delta)}"
        before = now


def _conversation_totals(record: Record, _expected: Expected) -> Iterator[str]:
    calls = list(_calls(record))
    right = {
        "maxPromptTokens": max(
            (n for call in calls if (n := call["promptTokens"]) is not None), default=None
        ),
        "totalCompletionTokens": sum(call["completionTokens"] or 0 for call in calls),
        "llmCallCount": len(calls),
    }
    for name, value in right.items():
        if record[name] != value:
            yield f"{name} is {show(record[name])}, not {show(value)}"


def _estimates(record: Record, _expected: Expected) -> Iterator[str]:
    for number, call in enumerate(_calls(record), 1):
        sizes = call["estimates"]
        if call["hasTrajectory"] != (sizes is not None):
            yield f"call {number} of the conversation: hasTrajectory is {show(call['hasTrajectory'])}"
        if sizes and sizes["total"] != sizes["system"] + sizes["user"] + sizes["assistant"] + sizes["tool"]:
            yield f"call {number} of the conversation: total is {sizes['total']}, not the sum"


def _message_ids(record: Record, _expected: Expected) -> Iterator[str]:
    repeated = len(record["turnsArray"]) - len({turn["messageId"] for turn in record["turnsArray"]})
    if repeated:
        yield f"{repeated} repeated"


RECORD_CHECKS: dict[str, RecordCheck] = {
    "turn_indices": _turn_indices,
    "turn_counts": _turn_counts,
    "index_bounds": _index_bounds,
    "complete": _complete,
    "turn_range": _turn_range,
    "bucket_file": _bucket_file,
    "split_folder": _split_folder,
    "user_messages": _user_messages,
    "failed_turns": _failed_turns,
    "call_indices": _call_indices,
    "prompt_token_deltas": _prompt_token_deltas,
    "conversation_totals": _conversation_totals,
    "estimates": _estimates,
    "message_ids": _message_ids,
}
PER_TURN = ("user_messages", "failed_turns")
PER_CALL = ("prompt_token_deltas", "estimates")

WARNINGS = (
    "empty_model_message",
    "turn_without_llm_calls",
    "prompt_tokens_not_positive",
    "completion_tokens_negative",
)


@dataclass
class Tally:
    """Count what the data files hold: records by file, turns, calls, warnings, records left uncounted."""

    records: int = 0
    turns: int = 0
    calls: int = 0
    uncounted: int = 0
    warnings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WARNINGS, 0))

    def add(self, record: Record) -> None:
        """Count one record of the right shape."""
        self.records += 1
        self.turns += len(record["turnsArray"])
        for turn in record["turnsArray"]:
            self.calls += len(turn["llmCalls"])
            self.warnings["empty_model_message"] += not turn["modelMessage"]
            self.warnings["turn_without_llm_calls"] += not turn["llmCalls"]
            for call in turn["llmCalls"]:
                self.warnings["prompt_tokens_not_positive"] += (
                    call["promptTokens"] is not None and call["promptTokens"] <= 0
                )
                self.warnings["completion_tokens_negative"] += (call["completionTokens"] or 0) < 0
