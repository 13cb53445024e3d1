"""Checks that every trainer has in common: messages, roles, contents, weights."""

from typing import Any

from turnsmith.core.chat import Example
from turnsmith.curate.check.calls import check_calls
from turnsmith.curate.check.problems import (
    MESSAGES,
    PAIR,
    TEXT,
    TEXT_PAIR,
    Problem,
    Problems,
    Trainer,
    messages_in,
    show,
)
from turnsmith.curate.check.tokens import check_tokens

ASSISTANT = frozenset({"assistant", "gpt"})
USER = frozenset({"user", "human"})
SYSTEM = frozenset({"system", "developer"})
SAYS_SOMETHING = USER | ASSISTANT | SYSTEM


def check_example(example: Example, trainer: Trainer) -> Problems:
    """Find all problems of one example."""
    for key in example:
        if key not in trainer.columns:
            yield Problem("unknown-column", show(key))
    kind = kind_of(example)
    if kind not in trainer.kinds:
        yield from _nothing(example, kind)
        return
    if kind in (MESSAGES, PAIR):
        yield from _check_messages(example, trainer)
    yield from check_tokens(example, trainer)
    yield from trainer.more(example)


def kind_of(example: Example) -> str | None:
    """Return what an example is, None where it is nothing known."""
    if isinstance(example.get("messages"), list) and example["messages"]:
        return MESSAGES
    prompt, completion = example.get("prompt"), example.get("completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        return PAIR
    if isinstance(prompt, str) and isinstance(completion, str):
        return TEXT_PAIR
    return TEXT if isinstance(example.get("text"), str) else None


def _nothing(example: Example, kind: str | None) -> Problems:
    if kind is None and "prompt" in example:
        yield Problem("pair-shape")
    elif isinstance(example.get("conversations"), list):
        yield Problem("no-messages", "has `conversations`; turnsmith import sharegpt makes messages of them")
    else:
        yield Problem("no-messages", f"has {kind}" if kind else "")


def _check_messages(example: Example, trainer: Trainer) -> Problems:
    everything = [each for key in ("messages", "prompt", "completion") for each in _list(example.get(key))]
    for index, message in enumerate(everything, 1):
        if not isinstance(message, dict):
            yield Problem("message-type", f"message {index}: {show(message)}")
    messages = messages_in(example)
    for index, message in enumerate(messages, 1):
        yield from _check_message(message, f"message {index}", trainer)
    roles = [_role_of(message) for message in messages]
    yield from _check_order(roles)
    yield from check_calls(messages)
    answers = [message for message in messages if _role_of(message) in ASSISTANT]
    if not answers:
        yield Problem("no-assistant")
    elif roles[-1] not in ASSISTANT:
        yield Problem("last-role", show(roles[-1]))
    if answers and all(message.get("weight") == 0 for message in answers):
        yield Problem("nothing-trained")


def _role_of(message: dict[str, Any]) -> str:
    role = message.get("role")
    return role if isinstance(role, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_message(message: dict[str, Any], place: str, trainer: Trainer) -> Problems:
    role, content = _role_of(message), message.get("content")
    if role not in trainer.roles:
        yield Problem("role-unknown", f"{place}: {show(message.get('role'))}")
    for key in message:
        if key not in trainer.keys and key != "weight":
            yield Problem("unknown-key", f"{place}: {show(key)}")
    has_calls = bool(message.get("tool_calls"))
    if content is None and has_calls and trainer.null_beside_calls:
        pass
    elif not isinstance(content, str) and not (trainer.parts and _are_parts(content)):
        yield Problem("content-type", f"{place}: {'null' if content is None else show(content)}")
    elif role in SAYS_SOMETHING and not has_calls and not _says_something(content):
        yield Problem("content-empty", place)
    if "weight" in message:
        yield from _check_weight(message, place, trainer)


def _are_parts(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(part, dict) and "type" in part for part in content)


def _says_something(content: Any) -> bool:
    return bool(content.strip()) if isinstance(content, str) else bool(content)


def _check_weight(message: dict[str, Any], place: str, trainer: Trainer) -> Problems:
    weight = message["weight"]
    if "weight" not in trainer.keys:
        yield Problem("weight-ignored", place)
    elif _role_of(message) not in ASSISTANT:
        yield Problem("weight-role", place)
    elif isinstance(weight, bool) or weight not in (0, 1):
        yield Problem("weight-value", place)


def _check_order(roles: list[str]) -> Problems:
    start = next((index for index, role in enumerate(roles) if role not in SYSTEM), len(roles))
    if start < len(roles) and roles[start] not in USER:
        yield Problem("first-role", f"message {start + 1}: {show(roles[start])}")
    for index, role in enumerate(roles[start:], start):
        if role in SYSTEM:
            yield Problem("system-late", f"message {index + 1}")
        if index and ((role in USER and roles[index - 1] in USER) or _both_answer(role, roles[index - 1])):
            yield Problem("role-order", f"message {index + 1}: {show(role)}")


def _both_answer(role: str, before: str) -> bool:
    return role in ASSISTANT and before in ASSISTANT
