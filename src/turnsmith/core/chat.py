"""Chat examples: `{"messages": [...], "meta": {...}}`, a line each (contract §6).

They are plain dicts, because a step must hand on the fields that it does not know.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from turnsmith.core.lines import read_lines

ROLES = ("system", "user", "assistant", "tool")

Example = dict[str, Any]
Message = dict[str, Any]
OnBad = Callable[[str, str], None]
OnLine = Callable[[int], None]

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def encode(example: Example) -> bytes:
    """Return an example as one line with its end; keys keep their order."""
    return _encoder.encode(example) + b"\n"


def decode(line: bytes) -> Any:
    """Return what a line of JSON holds; halves of surrogate pairs, which some clients write, become U+FFFD.

    Raises ValueError, also for bytes that are not UTF-8, and RecursionError for absurd nesting.
    """
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError:  # what follows is slower, but takes such halves and numbers beyond 64 bits
        value = json.loads(line, parse_constant=_refuse)
        text = json.dumps(value, ensure_ascii=False)
        return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def read_examples(name: str, on_bad: OnBad, on_line: OnLine | None = None) -> Iterator[tuple[int, Example]]:
    """Yield (line number, example) of a JSON Lines file, `.gz`, `.zst` or `-`.

    A line that is no JSON object goes to `on_bad(place, reason)`, place being `file:line`; what is valid around
    it is not lost. `on_line` is told the bytes of each line. Raises InputError for a file that can't be read.
    """
    return examples_in(name, read_lines(name), on_bad, on_line)


def examples_in(
    name: str, lines: Iterable[tuple[int, bytes]], on_bad: OnBad, on_line: OnLine | None = None
) -> Iterator[tuple[int, Example]]:
    """Yield (line number, example) of lines that `read_lines` gave; `name` is for the places of bad ones."""
    for number, line in lines:
        if on_line is not None:
            on_line(len(line) + 1)
        try:
            value = decode(line)
        except (ValueError, RecursionError):
            on_bad(f"{name}:{number}", "no valid JSON")
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            on_bad(f"{name}:{number}", "no JSON object")


def text_of(content: Any) -> str:
    """Return the text of a message's content: a string, a list of parts (their texts joined), or null."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in content)
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""
