"""Checks of tool calls and their results."""

import json
from typing import Any

from turnsmith.core.chat import Example
from turnsmith.curate.check.problems import Problem, Problems, messages_in, show

# What a trainer that applies the model's own chat template can live with.
TEMPLATE_WARNINGS = frozenset(
    {
        "role-order",
        "system-late",
        "unknown-column",
        "unknown-key",
        "weight-ignored",
        "arguments-as-text",
        "tools-missing",
    }
)


def check_calls(messages: list[dict[str, Any]]) -> Problems:
    """Find calls and results that do not belong together, or are not of the form that OpenAI gave them."""
    seen: set[str] = set()
    waiting: dict[str, int] = {}
    for index, message in enumerate(messages, 1):
        if message.get("role") == "tool":
            yield from _check_result(message, index, waiting)
            continue
        yield from _unanswered(waiting)
        waiting.clear()
        calls = message.get("tool_calls")
        if not calls:
            continue
        if message.get("role") not in ("assistant", "gpt"):
            yield Problem("call-role", f"message {index}")
        if not isinstance(calls, list):
            yield Problem("call-shape", f"message {index}: tool_calls is {show(calls)}")
            continue
        for call in calls:
            yield from _check_call(call, index)
            identifier = call.get("id") if isinstance(call, dict) else None
            if not isinstance(identifier, str) or not identifier:
                yield Problem("call-id-missing", f"message {index}")
                continue
            if identifier in seen:
                yield Problem("call-id-twice", f"message {index}: {show(identifier)}")
            seen.add(identifier)
            waiting[identifier] = index
    yield from _unanswered(waiting)


def check_tools(example: Example) -> Problems:
    """Find calls of an example that has no list of tools."""
    if not example.get("tools") and any(message.get("tool_calls") for message in messages_in(example)):
        yield Problem("tools-missing")


def check_for_template(example: Example) -> Problems:
    """Find what a model's own chat template may render wrongly, once for an example.

    Arguments as text may be quoted twice or make it fail, and without a list of tools it does not name any.
    """
    yield from check_tools(example)
    for index, message in enumerate(messages_in(example), 1):
        calls = message.get("tool_calls")
        if any(isinstance(_arguments(call), str) for call in (calls if isinstance(calls, list) else ())):
            yield Problem("arguments-as-text", f"message {index}")
            break


def _arguments(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    return function.get("arguments") if isinstance(function, dict) else None


def _unanswered(waiting: dict[str, int]) -> Problems:
    for identifier, index in waiting.items():
        yield Problem("call-unanswered", f"message {index}: {show(identifier)}")


def _check_result(message: dict[str, Any], index: int, waiting: dict[str, int]) -> Problems:
    identifier = message.get("tool_call_id")
    if not isinstance(identifier, str) or not identifier:
        yield Problem("call-id-missing", f"message {index}")
    elif waiting.pop(identifier, None) is None:
        yield Problem("result-without-call", f"message {index}: {show(identifier)}")


def _check_call(call: Any, index: int) -> Problems:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or call.get("type") != "function" or not _is_name(function.get("name")):
        yield Problem("call-shape", f"message {index}")
        return
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        yield Problem("arguments-type", f"message {index}: {show(arguments)}")
        return
    try:
        is_object = isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        yield Problem("arguments-json", f"message {index}")


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name)
