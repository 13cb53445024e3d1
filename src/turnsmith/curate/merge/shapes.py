"""One type for each field, and a first line or two that show every field.

Loaders such as `datasets.load_dataset("json", ...)` take the types of all columns from the first block of a file
and fail at a field or a type that comes later. So values are settled here, and lines that together show every
field and kind of value go to the head of the file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from turnsmith.core.chat import Example, Message, text_of

Shape = frozenset[tuple[str, str]]
"""(path, kind) of every value in an example; a path is like `meta.usage.prompt_tokens` or `messages[].role`."""

# Texts that loaders take for times; each way of writing them is a kind of its own.
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?")
_DIGIT = re.compile(r"\d")
_ALIKE = ({"integer", "real"},)
# JSON Schemas have other keys for every tool; they are left as they are.
_OPAQUE = ("tools",)


def settled(example: Example) -> Example:
    """Return an example with its values in the types of the contract: no nulls, text for content and arguments."""
    result = {
        key: value if key in _OPAQUE else _without_nulls(value)
        for key, value in example.items()
        if value is not None
    }
    messages = result.get("messages")
    if isinstance(messages, list):
        result["messages"] = [_settled_message(message) for message in messages]
    if not result.get("meta", True):
        del result["meta"]
    return result


def _settled_message(message: Message) -> Message:
    result = dict(message)
    content = result.get("content")
    if content is None:
        result["content"] = ""
    elif isinstance(content, list) and all(_is_text(part) for part in content):
        result["content"] = text_of(content)
    if "tool_calls" in result:
        calls = result.pop("tool_calls")
        if calls:
            result["tool_calls"] = (
                [_settled_call(call) for call in calls] if isinstance(calls, list) else calls
            )
    return result


def _is_text(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and isinstance(part.get("text"), str))


def _settled_call(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or isinstance(function.get("arguments"), str):
        return call
    return {**call, "function": {**function, "arguments": _as_text(function.get("arguments", {}))}}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        pairs = ((key, _without_nulls(item)) for key, item in value.items() if item is not None)
        return {key: item for key, item in pairs if item != {}}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def shape_of(example: Example) -> Shape:
    """Return the fields of an example and the kinds of their values."""
    found: set[tuple[str, str]] = set()
    _walk(example, "", found)
    return frozenset(found)


def _walk(value: Any, path: str, found: set[tuple[str, str]]) -> None:
    kind = kind_of(value)
    found.add((path, kind))
    if path in _OPAQUE:
        return
    if kind == "object":
        for key, item in value.items():
            _walk(item, f"{path}.{key}" if path else key, found)
    elif kind == "list":
        for item in value:
            _walk(item, f"{path}[]", found)


def kind_of(value: Any) -> str:
    """Return the kind of a JSON value as a loader would type it."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "real"
        case str():
            if len(value) <= 40 and _TIME.fullmatch(value):
                return "time " + _DIGIT.sub("0", value)
            return "text"
        case list():
            return "list"
        case _:
            return "object"


def clashes(shapes: Iterable[Shape]) -> dict[str, list[str]]:
    """Return the paths whose values are of kinds that no column can hold together, with those kinds."""
    kinds: dict[str, set[str]] = {}
    for path, kind in frozenset().union(*shapes):
        kinds.setdefault(path, set()).add("text" if kind.startswith("time ") else kind)
    return {
        path: sorted(found) for path, found in sorted(kinds.items()) if len(found) > 1 and found not in _ALIKE
    }


def as_texts(example: Example, paths: Mapping[str, Any]) -> Example:
    """Return an example in which the values at `paths` are text: as they are, or their JSON."""
    result: Example = _as_texts(example, "", paths)
    return result


def _as_texts(value: Any, path: str, paths: Mapping[str, Any]) -> Any:
    if path in paths:
        return value if isinstance(value, str) else _as_text(value)
    if isinstance(value, dict) and path not in _OPAQUE:
        return {key: _as_texts(item, f"{path}.{key}" if path else key, paths) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item, f"{path}[]", paths) for item in value]
    return value


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def cover(shapes: Mapping[int, Shape], order: Mapping[int, int]) -> list[int]:
    """Return numbers of shapes that together show all that `shapes` show; few, and always the same.

    The richest shapes go first, `order` (a hash) decides between equals.
    """
    shown: set[tuple[str, str]] = set()
    chosen = []
    for number in sorted(shapes, key=lambda each: (-len(shapes[each]), order[each])):
        if not shapes[number] <= shown:
            shown |= shapes[number]
            chosen.append(number)
    return chosen
