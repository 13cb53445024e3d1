"""What can be wrong with a line, and what a trainer is like."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from turnsmith.core.chat import Example

# Stable codes, in the order in which reports show them.
CODES = {
    "not-json": "the line is no JSON object",
    "no-messages": "there is nothing that this trainer trains on: no list of messages, no text",
    "pair-shape": "prompt and completion are not both texts or both lists of messages",
    "unknown-column": "a key beside the messages that the trainer refuses or ignores",
    "mixed-columns": "the line has another kind of example than the first line",
    "mixed-types": "a field has another type than on earlier lines, so that Arrow can't load the file",
    "message-type": "a message is no object",
    "role-unknown": "a role that the trainer does not take",
    "unknown-key": "a key of a message that the trainer refuses or ignores",
    "content-type": "the content is neither text nor, where the trainer takes them, a list of parts",
    "content-empty": "a message of system, user or assistant says nothing and calls nothing",
    "first-role": "the first message after the system's is not the user's",
    "last-role": "the last message is not the assistant's",
    "no-assistant": "no message of the assistant, so nothing to learn from",
    "nothing-trained": "every message of the assistant has weight 0",
    "role-order": "two messages of the user or of the assistant stand side by side",
    "system-late": "a system message after the beginning",
    "first-message-lost": "the first message is no system message, and the script drops it",
    "system-empty": "the system message is empty, and the script puts its own in place",
    "last-turn-only": "only the last answer is trained unless the line has `only_last_turn_loss: false`",
    "weight-value": "a weight other than 0 and 1",
    "weight-role": "a weight on a message that is not the assistant's",
    "weight-ignored": "the trainer does not know weights",
    "call-role": "tool calls on a message that is not the assistant's",
    "call-shape": "a tool call without type `function` or without a name",
    "call-name": "a function name that is not 1 to 64 letters, digits, _ or -",
    "call-id-missing": "a tool call or a result without an id",
    "call-id-twice": "two tool calls of an example have the same id",
    "call-unanswered": "a tool call without a result before the next turn",
    "result-without-call": "a result whose call does not stand before it",
    "arguments-type": "the arguments of a call are not text",
    "arguments-json": "the arguments of a call are no JSON object",
    "arguments-as-text": "the arguments of a call are JSON text: decode them before the chat template is applied"
    " if the template does not",
    "calls-lost": "the script leaves tool calls out without a word",
    "tools-missing": "tool calls, but no list of tools beside the messages",
    "special-token": "a special token of the trainer's models inside a text",
    "foreign-token": "a special token of other models inside a text",
    "too-long": "more tokens than --max-tokens",
    "uncountable": "the tokens can't be counted",
    "too-few-examples": "fewer examples than the trainer takes",
    "no-examples": "the file has no examples",
}

SHOWN = 40

# What an example may be.
MESSAGES, PAIR, TEXT_PAIR, TEXT = "messages", "pair of messages", "pair of texts", "text"


@dataclass(frozen=True, slots=True)
class Problem:
    """Name a problem by its code; `detail` says which message, never what its text is."""

    code: str
    detail: str = ""


Problems = Iterator[Problem]


def no_problems(_: Example) -> Problems:
    """Find nothing."""
    yield from ()


@dataclass(frozen=True, slots=True)
class Trainer:
    """Describe what a trainer takes.

    `columns` and `keys` are what it knows beside and inside messages. `warns` are codes that do not stop it. `own`
    are the families of special tokens of its models. `kinds` are the kinds of examples that it takes, `parts` says
    whether contents may be lists of parts, `null_beside_calls` whether they may be null beside tool calls.
    `examples` is how many it needs, `arrow` says that it loads files with Arrow, and `more` finds what only this
    trainer minds.
    """

    name: str
    roles: frozenset[str]
    columns: frozenset[str]
    keys: frozenset[str]
    own: tuple[str, ...]
    warns: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset({MESSAGES})
    parts: bool = False
    null_beside_calls: bool = False
    examples: int = 1
    arrow: bool = False
    more: Callable[[Example], Problems] = field(default=no_problems)


def show(value: Any) -> str:
    """Return a name from the data safe to print: escaped and cut."""
    text = repr(value) if isinstance(value, str) else type(value).__name__
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def messages_in(example: Example) -> list[dict[str, Any]]:
    """Return the messages of an example that are objects, of a pair those of both."""
    found: list[Any] = []
    for key in ("messages", "prompt", "completion"):
        value = example.get(key)
        found += value if isinstance(value, list) else []
    return [message for message in found if isinstance(message, dict)]
