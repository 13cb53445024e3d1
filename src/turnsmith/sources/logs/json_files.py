"""The JSON records of a file, whatever wraps them: an array, lines, one object, or an archive of such files."""

import contextlib
import re
from collections.abc import Iterator
from typing import IO, Any, cast

from turnsmith.core.chat import decode
from turnsmith.core.errors import InputError
from turnsmith.core.json_items import read_items
from turnsmith.core.lines import BOM, STANDARD, open_input, read_lines
from turnsmith.curate.account import Account
from turnsmith.sources.logs.archives import ZIP_MAGIC, is_zip, read_conversations, telling_faults

HEAD = 64 << 10
DEEPEST = 3

_MARK = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*(:?)|([\[\]{}])', re.DOTALL)


def read_values(path: str, account: Account) -> Iterator[tuple[str, Any]]:
    """Yield (place, value) of each record; what is no JSON goes to the account, and its neighbors are kept.

    A place is `file:line` for JSON Lines, else `file[index]`, the index from 0. Memory follows the largest
    record. Raises InputError for a file that can't be read.
    """
    for place, raw in _read_raw(path):
        try:
            value = decode(raw)
        except (ValueError, RecursionError):
            account.spoil(place, "no valid JSON" if raw else "empty file")
            continue
        yield place, value


def head_of(path: str) -> bytes:
    """Return how the records of a file begin, unpacked, for `looks_like`; nothing is used up of standard input.

    Raises InputError for a file that can't be read and an archive that is refused.
    """
    if is_zip(path):
        with telling_faults(path), contextlib.closing(read_conversations(path)) as files:
            return next(files)[1].read(HEAD)
    with open_input(path) as file:
        return _peek(file) if path == STANDARD else file.read(HEAD)


def shape_of(head: bytes) -> set[str]:
    """Return the dotted paths of the keys in the records that begin a file, arrays passed over.

    `[{"messages": [{"role": …` gives `messages` and `messages.role`. Only the first three levels count. What does
    not begin as JSON has no paths.
    """
    paths: set[str] = set()
    if not head.removeprefix(BOM).lstrip().startswith((b"[", b"{")):
        return paths
    stack: list[
        tuple[bool, str]
    ] = []  # for each open bracket: is it an object, and the path that leads to it
    key = ""
    for match in _MARK.finditer(head):
        string, colon, bracket = match.groups()
        if string is not None:
            if colon and stack and stack[-1][0]:
                key = _path(stack[-1][1], string)
                if key.count(".") < DEEPEST:
                    paths.add(key)
        elif bracket in b"[{":
            inherited = key if stack and stack[-1][0] else stack[-1][1] if stack else ""
            stack.append((bracket == b"{", inherited))
        elif stack:
            stack.pop()
    return paths


def _path(parent: str, string: bytes) -> str:
    name = string[1:-1].decode("utf-8", "replace").replace(".", "_")
    # Beyond what is asked for, a path stands for all that lie deeper.
    return f"{parent}.{name}" if parent and parent.count(".") < DEEPEST else parent or name


def _read_raw(path: str) -> Iterator[tuple[str, bytes]]:
    if is_zip(path):
        with telling_faults(path):
            for place, file in read_conversations(path):
                yield from _read_document(place, file)
        return
    with open_input(path) as file:
        head = _peek(file)
        if head.startswith(ZIP_MAGIC):
            raise InputError(f"{path}: a zip archive can't be read from a stream; save it and name the file")
        if not head or not _holds_lines(head):
            yield from _read_document(path, file)
            return
    for number, line in read_lines(path):
        yield f"{path}:{number}", line


def _read_document(place: str, file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    if not _peek(file):
        yield place, b""
    for index, raw in read_items(place, file):
        yield f"{place}[{index}]", raw


def _peek(file: IO[bytes]) -> bytes:
    """Return some first bytes that stay to be read; all that `open_input` gives can do that."""
    return cast("bytes", cast("Any", file).peek(HEAD))[:HEAD]


def _holds_lines(head: bytes) -> bool:
    """Say whether a file holds a record on each line; an array does not, nor does an object over several lines."""
    start = head.removeprefix(BOM).lstrip()
    if start.startswith(b"["):
        return False
    first, end, _ = start.partition(b"\n")
    return not (start.startswith(b"{") and end and first.rstrip().endswith((b"{", b"[", b",")))
