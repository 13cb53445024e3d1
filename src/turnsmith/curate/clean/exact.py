"""Exact duplicates: the same conversation but for line ends, trailing spaces, blank lines and Unicode forms."""

import hashlib
import json
import re
import unicodedata
from typing import Any

from turnsmith.core.chat import Example, Message, decode, text_of

FINGERPRINT_BYTES = 16
_BLANK_LINES = re.compile(r"\n{3,}")


def normalized(text: str) -> str:
    """Return a text in Unicode NFC, lines ended by LF and without trailing spaces, one blank line at most."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip("\n")


def fingerprint(example: Example) -> bytes:
    """Return 16 bytes that two examples share when they say the same.

    Compared are the roles, the normalized texts, parts that are no text, and the names and arguments of tool
    calls, in order; a fill-in-the-middle example counts by its text. Ids and `meta` are not compared.
    """
    messages = example.get("messages")
    content = [said(message) for message in messages] if isinstance(messages, list) else _written(example)
    data = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(data.encode(), digest_size=FINGERPRINT_BYTES).digest()


def said(message: Message) -> list[Any]:
    """Return what of a message is compared, as JSON values: role, normalized text, other parts, tool calls."""
    content = message.get("content")
    parts = [message.get("role"), normalized(text_of(content))]
    if isinstance(content, list):
        parts += [part for part in content if isinstance(part, dict) and "text" not in part]
    calls = message.get("tool_calls")
    if calls:
        parts.append([_called(call) for call in calls] if isinstance(calls, list) else calls)
    return parts


def _called(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = decode(arguments.encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            arguments = normalized(arguments)
    return [function.get("name"), arguments]


def _written(example: Example) -> list[Any]:
    text = example.get("text")
    return ["text", normalized(text) if isinstance(text, str) else text]
