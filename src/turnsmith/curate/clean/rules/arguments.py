"""Tool calls that no tool could run."""

from typing import Any

from turnsmith.core.chat import Example, decode


def broken_arguments(example: Example) -> bool:
    """Take a conversation with a tool call whose arguments are no JSON object, or that has no function."""
    for message in example["messages"]:
        calls = message.get("tool_calls") or []
        if not isinstance(calls, list) or not all(map(_can_run, calls)):
            return True
    return False


def _can_run(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return False
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = decode(arguments.encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return False
    return isinstance(arguments, dict)
