"""Words of a text, and every text of a record: what n-grams are made of.

Words are those of near duplicates (`curate/near_duplicates/words.py`): runs of letters, digits, underscores and
marks, case-folded and in Unicode NFC; in scripts without spaces each character. Punctuation only parts them. There
they are hashes of a whole batch, here the words themselves, to prove what hashes found.
"""

import functools
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from turnsmith.core.chat import decode
from turnsmith.curate.near_duplicates.words import ALONE, I64, WORD, folded, kinds_of_characters

Texts = Iterator[tuple[str, str]]

_ASCII = re.compile(r"[a-z0-9_]+")
_ARGUMENTS = "arguments"
_META = "meta"
_FIM_MARK = re.compile(r"<\|?fim_(prefix|middle|suffix)\|?>")
_OTHER_MARK = re.compile(r"<\|?(?:fim_pad|repo_name|file_sep|endoftext)\|?>")
WINDOW = 1 << 20
_SPACE = re.compile(r"\s")


@functools.cache
def _pattern() -> re.Pattern[str]:
    """Return what finds words beyond ASCII, by the classes of characters that near duplicates have."""
    kinds = kinds_of_characters()
    word, alone = (_ranges(np.flatnonzero(kinds == kind)) for kind in (WORD, ALONE))
    return re.compile(f"[{alone}]|[{word}]+")


def _ranges(codes: I64) -> str:
    """Return code points as the inside of a character class; the last of the table stands for all beyond it."""
    ends = np.flatnonzero(np.diff(codes) != 1)
    firsts, lasts = codes[np.append(0, ends + 1)], codes[np.append(ends, len(codes) - 1)]
    lasts = np.where(lasts == len(kinds_of_characters()) - 1, sys.maxunicode, lasts)
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in zip(firsts, lasts, strict=True))


def words_of(text: str) -> list[str]:
    """Return the words of a text in order."""
    text = folded(text)
    return (_ASCII if text.isascii() else _pattern()).findall(text)


def windows_of(text: str, overlap: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the first word, words) of a text in pieces that share `overlap` words with the one before.

    A piece has about a million characters, so that a text of 50 MB does not become ten million words at once.
    """
    begin = first = 0
    shared: list[str] = []
    while begin < len(text):
        space = _SPACE.search(text, begin + WINDOW)
        end = space.start() if space else len(text)
        words = shared + words_of(text[begin:end])
        yield first, words
        shared = words[-overlap:] if overlap else []
        first += len(words) - len(shared)
        begin = end


def texts_of(record: Any) -> Texts:
    """Yield (place in the record, text) for every text of an example, a conversation or any JSON value.

    `meta` is passed over. Arguments of tool calls, which are JSON in a string, count by the texts in them; a
    fill-in-the-middle text counts in the order of the file that it came from.
    """
    if isinstance(record, dict) and isinstance(record.get("text"), str) and "messages" not in record:
        yield from _written(record["text"])
        record = {key: value for key, value in record.items() if key != "text"}
    if isinstance(record, dict):
        record = {key: value for key, value in record.items() if key != _META}
    yield from strings_in(record)


def strings_in(value: Any, place: str = "") -> Texts:
    """Yield (place, text) for all strings in a JSON value, such as `messages[2].content`."""
    stack = [(place, value)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, str):
            if value:
                yield place, value
        elif isinstance(value, dict):
            inner = ((f"{place}.{key}".lstrip("."), _opened(key, item)) for key, item in value.items())
            stack += reversed(list(inner))
        elif isinstance(value, list):
            stack += [(f"{place}[{index}]", value[index]) for index in range(len(value) - 1, -1, -1)]


def _opened(key: str, value: Any) -> Any:
    """Return the value that a tool call's arguments stand for; anything else as it is."""
    if key != _ARGUMENTS or not isinstance(value, str):
        return value
    try:
        opened = decode(value.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return value
    return opened if isinstance(opened, dict | list) else value


def _written(text: str) -> Texts:
    """Yield the text of a fill-in-the-middle example as it stood in its file, or parts between other marks."""
    pieces = _FIM_MARK.split(text)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if parts:
        text = pieces[0] + "".join(parts.get(name, "") for name in ("prefix", "middle", "suffix"))
    for part in _OTHER_MARK.split(text):
        if part:
            yield "text", part
