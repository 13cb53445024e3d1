"""Shorten long examples at the borders of messages."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from turnsmith.core.chat import Example, Message
from turnsmith.core.errors import InputError

# Why an example was left out; each is a row of the account.
TOO_LONG = "longer than --max"
TEXT = "longer than --max, and no messages to cut"
NO_ANSWER = "longer than --max, and no assistant at its end"
LAST_TURN = "longer than --max, and no cut at a message border is enough"


class How(StrEnum):
    """Name the ways to clip."""

    head = "head"
    middle = "middle"
    drop = "drop"


@dataclass(frozen=True, slots=True)
class Clipped:
    """Hold what clipping made: a shorter example and what was cut from it, or the reason why there is none."""

    example: Example | None
    reason: str = ""
    messages: int = 0
    tokens: int = 0


def clip(example: Example, how: How, limit: int, tokens: int, count: Callable[[Example], int]) -> Clipped:
    """Return an example of at most `limit` tokens, `tokens` being what it has.

    `head` leaves out the oldest turns after the system message. `middle` keeps the first turn and the newest ones;
    where there is one turn only, its question and the newest rounds of calls. `drop` leaves long examples out.
    What is kept ends with the assistant and has a result for every call. `meta.clipped` says what went.
    """
    if tokens <= limit:
        return Clipped(example)
    if how is How.drop:
        return Clipped(None, TOO_LONG)
    messages = example.get("messages")
    if not isinstance(messages, list):
        return Clipped(None, TEXT)
    if messages[-1].get("role") != "assistant" or messages[-1].get("tool_calls"):
        return Clipped(None, NO_ANSWER)
    kept, starts = _cuts(messages, how)

    def clipped_at(start: int) -> Example:
        return {**example, "messages": [*messages[:kept], *messages[start:]]}

    def fits(start: int) -> bool:
        return _count(clipped_at(start), count) <= limit

    for start in starts[bisect_left(starts, True, key=fits) :]:
        shorter = clipped_at(start)
        if is_paired(shorter["messages"]) and (left := _count(shorter, count)) <= limit:
            cut, gone = start - kept, tokens - int(left)
            clipped = {"how": how.value, "messages": cut, "tokens": gone}
            made = {**shorter, "meta": {**_meta(example), "clipped": clipped}}
            return Clipped(made, messages=cut, tokens=gone)
    return Clipped(None, LAST_TURN)


def _cuts(messages: Sequence[Message], how: How) -> tuple[int, list[int]]:
    """Return how many messages stay at the beginning, and where the rest may start, earliest first."""
    roles = [message.get("role") for message in messages]
    system = next((index for index, role in enumerate(roles) if role not in ("system", "developer")), 0)
    turns = [index for index, role in enumerate(roles) if role == "user" and index >= system]
    if how is How.head:
        return system, [start for start in turns if start > system]
    if len(turns) > 1:
        return turns[1], turns[2:]
    if not turns:
        return system, []
    question = turns[0] + 1
    return question, [index for index, role in enumerate(roles) if role == "assistant" and index > question]


def _count(example: Example, count: Callable[[Example], int]) -> float:
    try:
        return count(example)
    except InputError:  # a template may refuse a conversation that starts here
        return float("inf")


def _meta(example: Example) -> dict[str, object]:
    meta = example.get("meta")
    return meta if isinstance(meta, dict) else {}


def is_paired(messages: Sequence[Message]) -> bool:
    """Tell whether each call has a result behind it and each result its call before it."""
    waiting: set[str] = set()
    for message in messages:
        if message.get("role") == "tool":
            identifier = str(message.get("tool_call_id"))
            if identifier not in waiting:
                return False
            waiting.discard(identifier)
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            waiting.add(str(call.get("id") if isinstance(call, dict) else None))
    return not waiting
