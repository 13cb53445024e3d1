"""The texts of an example: every string in it, and every string in those that hold JSON themselves."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

Visit = Callable[[str, str], str]

DEEPEST = 6  # levels of JSON inside JSON
DEEPEST_TREE = 100
# Numbers this long may be a phone's or a card's; shorter ones are left as numbers.
LONG_NUMBER = 10**8

# Keys of the formats themselves, which are nobody's name.
_SCHEMA = """
messages role content meta text type name id function arguments tool_calls tool_call_id tool_use_id
input source group shape place models model started ended repo branch usage path commit license
turnsArray message uuid parentUuid sessionId timestamp userType cwd version gitBranch requestId
isSidechain
"""
SCHEMA = frozenset(_SCHEMA.split())
_JSON_BEGINS = frozenset('{["\n ')

_ITEM = re.compile(r'"(?:[^"\\]|\\.)*+"|(?<![0-9.eE+"-])-?[0-9]{9,19}(?![0-9.eE])')
_IS_KEY = re.compile(r"\s*:")
_decoder = msgspec.json.Decoder()
_line_decoder = msgspec.json.Decoder(msgspec.Raw)


def walk(value: Any, visit: Visit, name: str = "", depth: int = 0) -> Any:
    """Return a value with every text in it replaced by what `visit(text, name)` returns for it.

    `name` is the key that the text stands under. A text that is JSON is not visited as a whole, but each string
    in it, decoded; what lies between those strings stays as it was, byte for byte.
    """
    if isinstance(value, str):
        return _text(value, visit, name, depth)
    if depth >= DEEPEST_TREE and isinstance(value, dict | list):
        return visit(msgspec.json.encode(value).decode(), name)  # as one text: nothing may pass unseen
    if isinstance(value, dict):
        return _mapping(value, visit, depth)
    if isinstance(value, list):
        return [walk(item, visit, name, depth + 1) for item in value]
    if isinstance(value, int) and abs(value) >= LONG_NUMBER:
        text = str(value)
        seen = visit(text, name)
        return value if seen == text else seen
    return value


def _mapping(value: dict[str, Any], visit: Visit, depth: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        seen = key if key in SCHEMA else visit(key, "")
        while seen in result:  # two spellings of one value under one placeholder
            seen += "_"
        # Most values are plain texts; to take them here saves two calls each.
        plain = type(item) is str and item[:1] not in _JSON_BEGINS
        result[seen] = visit(item, key) if plain else walk(item, visit, key, depth + 1)
    return result


def _text(text: str, visit: Visit, name: str, depth: int) -> str:
    if text[:1] not in _JSON_BEGINS or depth >= DEEPEST * 10 or not _is_json(text):
        return visit(text, name)
    pieces, done = [], 0
    for item in _ITEM.finditer(text):
        written = item[0]
        quoted = written[0] == '"'
        value = _unquoted(written) if quoted else written
        is_key = quoted and _IS_KEY.match(text, item.end()) is not None
        seen = (
            visit(value, "" if is_key else name)
            if is_key or not quoted
            else _text(value, visit, name, depth + 10)
        )
        if is_key:
            name = value
        if seen != value:
            pieces += [text[done : item.start()], json.dumps(seen, ensure_ascii=written.isascii())]
            done = item.end()
    return "".join([*pieces, text[done:]])


def _unquoted(written: str) -> str:
    value: str = json.loads(written, strict=False) if "\\" in written else written[1:-1]
    return value


def _is_json(text: str) -> bool:
    """Tell whether a text is one JSON object, array or string, or a line of JSON after the other."""
    stripped = text.strip()
    if stripped[:1] not in ("{", "[", '"') or stripped[-1:] not in ("}", "]", '"'):
        return False
    try:
        _decoder.decode(stripped)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return stripped[0] == "{" and "\n" in stripped and _is_json_lines(stripped)
    return True


def _is_json_lines(text: str) -> bool:
    try:
        return all(isinstance(_decoder.decode(line), dict) for line in text.split("\n") if line.strip())
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
