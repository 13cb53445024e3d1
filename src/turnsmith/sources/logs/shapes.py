"""Make chat examples of a transcript: request and answer, whole conversation, or with all tool calls."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from turnsmith.core.chat import Example
from turnsmith.core.chat import Message as ChatMessage
from turnsmith.curate.account import Account
from turnsmith.sources.logs.exchanges import Turn, joined, turns_of
from turnsmith.sources.logs.recounting import VOCABULARY
from turnsmith.sources.logs.trajectory import REQUESTS_AT_THE_END, trajectory_of
from turnsmith.sources.logs.transcript import Message, Transcript

DEFAULT_SYSTEM_PROMPT = (
    "You are a precise coding assistant that diagnoses errors step-by-step, references file paths/lines when "
    "useful, and proposes concrete fixes."
)
GENERATED = "request written by the client"
BROKEN_OFF = "broken off by the user"
NO_ANSWER = "no final answer"
NOTHING_ANSWERED = "no answered request"


class Shape(StrEnum):
    """Name what one example is."""

    pairs = "pairs"
    conversation = "conversation"
    trajectory = "trajectory"
    follow = "follow"


@dataclass(frozen=True, slots=True)
class Shaping:
    """Hold what examples shall be like.

    `system_prompt` None means the source's own, else the default for pairs and follow; "" means none at all.
    """

    shape: Shape = Shape.pairs
    follow: int = 3
    system_prompt: str | None = None
    keep_reasoning: bool = False


def examples_of(transcript: Transcript, shaping: Shaping, account: Account) -> Iterator[Example]:
    """Yield the examples of a transcript; every candidate is counted as read, and with its reason if dropped."""
    yield from _MAKERS[shaping.shape](transcript, shaping, account)


def _pairs(transcript: Transcript, shaping: Shaping, account: Account) -> Iterator[Example]:
    """Make one example of each request, with the turns before it if the shape is `follow`."""
    earlier: deque[Turn] = deque(maxlen=shaping.follow)
    for number, (turn, exchange) in enumerate(_exchanges(turns_of(transcript)[0])):
        account.read += 1
        name = f"{_name(transcript)}:{number}"
        if reason := _unfit(turn):
            account.drop(reason, name)
        else:
            shown = [*earlier, exchange or turn] if shaping.shape is Shape.follow else [turn]
            messages = [message for each in shown for message in _texts(each, shaping)]
            yield _example(transcript, shaping, name, messages, [turn.request, *turn.rest])
        if exchange:
            earlier.append(exchange)


def _conversation(transcript: Transcript, shaping: Shaping, account: Account) -> Iterator[Example]:
    """Make one example of all requests and final answers."""
    account.read += 1
    name = _name(transcript)
    exchanges = [exchange for _, exchange in _exchanges(turns_of(transcript)[0])]
    while exchanges and exchanges[-1] is None:
        exchanges.pop()
        account.note(REQUESTS_AT_THE_END)
    if not exchanges:
        account.drop(NOTHING_ANSWERED, name)
        return
    messages = [message for turn in exchanges if turn for message in _texts(turn, shaping)]
    yield _example(transcript, shaping, name, messages, transcript.messages)


def _trajectory(transcript: Transcript, shaping: Shaping, account: Account) -> Iterator[Example]:
    """Make one example of everything: requests, texts, tool calls and results."""
    account.read += 1
    name = _name(transcript)
    messages = trajectory_of(transcript, account, keep_reasoning=shaping.keep_reasoning)
    if not messages:
        account.drop(NOTHING_ANSWERED, name)
        return
    yield _example(transcript, shaping, name, messages, transcript.messages)


_MAKERS: dict[Shape, Callable[[Transcript, Shaping, Account], Iterator[Example]]] = {
    Shape.pairs: _pairs,
    Shape.follow: _pairs,
    Shape.conversation: _conversation,
    Shape.trajectory: _trajectory,
}


def _unfit(turn: Turn) -> str | None:
    if turn.request.generated:
        return GENERATED
    if turn.was_cut:
        return BROKEN_OFF
    return None if turn.answer_text else NO_ANSWER


def _exchanges(turns: Iterable[Turn]) -> Iterator[tuple[Turn, Turn | None]]:
    """Yield each turn, and the exchange that it ends: None for a request without an answer, or one broken off.

    Such a request is joined with the next one, because the assistant saw both.
    """
    waiting: list[str] = []
    for turn in turns:
        if turn.was_cut or not turn.answer_text:
            waiting.append(turn.request.text)
            yield turn, None
        elif waiting:
            yield turn, Turn(Message("user", joined([*waiting, turn.request.text])), turn.rest)
            waiting = []
        else:
            yield turn, turn


def _texts(turn: Turn, shaping: Shaping) -> list[ChatMessage]:
    answer: ChatMessage = {"role": "assistant", "content": turn.answer_text}
    reasoning = joined(message.reasoning for message in turn.answer)
    if shaping.keep_reasoning and reasoning:
        answer["reasoning_content"] = reasoning
    return [{"role": "user", "content": turn.request.text.strip()}, answer]


def _example(
    transcript: Transcript, shaping: Shaping, name: str, messages: list[ChatMessage], used: list[Message]
) -> Example:
    system = _system(transcript, shaping)
    first: list[ChatMessage] = [{"role": "system", "content": system}] if system else []
    return {"messages": [*first, *messages], "meta": _meta(transcript, shaping, name, used)}


def _system(transcript: Transcript, shaping: Shaping) -> str:
    if shaping.system_prompt is not None:
        return shaping.system_prompt
    own = joined(message.text for message in transcript.messages if message.role == "system")
    default = DEFAULT_SYSTEM_PROMPT if shaping.shape in (Shape.pairs, Shape.follow) else ""
    return own or default


def _meta(transcript: Transcript, shaping: Shaping, name: str, used: list[Message]) -> dict[str, Any]:
    times = [message.time for message in used if message.time]
    meta = {
        "source": transcript.source,
        "id": name,
        "group": group_of(transcript),
        "parent": transcript.parent,
        "shape": str(shaping.shape),
        "place": transcript.place,
        "title": transcript.title,
        "models": list(dict.fromkeys(message.model for message in used if message.model)),
        "started": min(times, default=None),
        "ended": max(times, default=None),
        "cwd": transcript.cwd,
        "repo": transcript.repo,
        "branch": transcript.branch,
        "usage": _usage(used),
    }
    return {key: value for key, value in meta.items() if value}


def _usage(used: list[Message]) -> dict[str, Any]:
    """Return the last prompt's size, which is a level and no increment, and the sum of what was written."""
    counts = [message.usage for message in used if message.usage]
    if not counts:
        return {}
    written = [count.completion_tokens for count in counts if count.completion_tokens is not None]
    usage = {
        "calls": len(counts),
        "prompt_tokens": counts[-1].prompt_tokens,
        "cached_tokens": counts[-1].cached_tokens,
        "completion_tokens": sum(written) if written else None,
        "completion_counted_with": VOCABULARY if any(count.recounted for count in counts) else None,
    }
    return {key: value for key, value in usage.items() if value is not None}


def _name(transcript: Transcript) -> str:
    return f"{transcript.source}:{transcript.id}:{transcript.segment}"


def group_of(transcript: Transcript) -> str:
    """Return what must not be split: the session, also for its sub-agents and for copies (`#2`) of it."""
    return f"{transcript.source}:{re.sub(r'#[0-9]+$', '', transcript.parent or transcript.id)}"
