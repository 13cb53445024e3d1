"""Files that hold one JSON document, and what the first bytes of a file tell about it."""

import re
from collections.abc import Iterator
from typing import Any

from turnsmith.core.chat import decode
from turnsmith.core.errors import InputError
from turnsmith.core.lines import BOM, open_input, read_lines
from turnsmith.curate.account import Account
from turnsmith.sources.logs.values import Record

LARGEST = 512 << 20
HEAD_LINES = 5

# A whole text, the quote of one that is cut, or what gives the structure.
_TOKEN = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"|["{}\[\]:,]', re.DOTALL)


def read_document(path: str, account: Account) -> Any:
    """Return what a file of one JSON document holds; None, and a word to the account, where it holds none.

    The memory that this takes is bounded by the document, several times its size. Raises InputError for a file
    that can't be read or is larger than 512 MiB.
    """
    with open_input(path) as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise InputError(f"{path}: larger than 512 MiB; a chat that large can't be read as one document")
    try:
        return decode(raw.removeprefix(BOM))
    except (ValueError, RecursionError):
        account.read += 1
        account.spoil(path, "no valid JSON")
        return None


def read_records(path: str, account: Account) -> Iterator[tuple[str, Record]]:
    """Yield (place, record) of a JSON Lines file, a record at a time; `place` is `file:line`.

    Each record is counted as read; a line that holds none is counted as bad. Raises InputError for a file that
    can't be read.
    """
    for number, line in read_lines(path):
        account.read += 1
        place = f"{path}:{number}"
        try:
            value = decode(line)
        except (ValueError, RecursionError):
            account.spoil(place, "no valid JSON")
            continue
        if isinstance(value, dict):
            yield place, value
        else:
            account.spoil(place, "no JSON object")


def top_fields(head: bytes) -> dict[str, str]:
    """Return the keys of the JSON object that these bytes begin with, and its values where they are texts.

    The object may be cut anywhere: what stands before the cut is returned. Empty for anything else.
    """
    text = head.removeprefix(BOM).decode("utf-8", "replace").lstrip()
    fields: dict[str, str] = {}
    if not text.startswith("{"):
        return fields
    depth, key, last = 0, None, ""
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark == '"':
            break
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                break
        elif depth > 1:
            continue
        elif mark == ":":
            key = last
            fields.setdefault(key, "")
        elif mark == ",":
            key = None
        else:
            last = token.group(1)
            if key is not None:
                fields[key] = fields[key] or last
    return fields


def first_records(head: bytes) -> list[dict[str, str]]:
    """Return `top_fields` of the first lines, so that one broken line does not hide what a file is."""
    return [top_fields(line) for line in head.split(b"\n", HEAD_LINES)[:HEAD_LINES] if line.strip()]
