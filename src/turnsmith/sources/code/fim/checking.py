"""Whether a file is worth learning from, by what is in it."""

from typing import TYPE_CHECKING

from turnsmith.sources.code.fim.options import FimOptions
from turnsmith.sources.code.fim.source_text import SourceText, code_lines, source_text
from turnsmith.sources.code.languages import HEAD_BYTES, parser
from turnsmith.sources.code.paths import why_skipped
from turnsmith.sources.code.repository import SUBMODULE, SYMLINK, Entry, odd_path

if TYPE_CHECKING:
    from tree_sitter import Node

HEADER = ".h"
"""The content of such files tells whether they are C or C++."""
_MANY_LINES = 80
"""With so many lines nobody counts which of them are code."""


class SkippedError(Exception):
    """Leave a file out; the message is the reason, fit to be counted."""


def asked_for(language: str, options: FimOptions) -> bool:
    """Return whether a language is among those that are wanted."""
    return not options.languages or language in options.languages


def why_not(entry: Entry, language: str | None, options: FimOptions) -> str | None:
    """Return why a file is left out without a look into it, or None; an unknown language is no reason here."""
    if entry.mode in (SYMLINK, SUBMODULE):
        return "symbolic link" if entry.mode == SYMLINK else "submodule"
    if odd_path(entry.path):
        return "odd path"
    if reason := why_skipped(entry.path, b""):
        return reason
    if language and not asked_for(language, options) and not entry.path.endswith(HEADER):
        return "language not asked for"
    return "file too large" if entry.size > options.max_file_bytes else None


def readable(path: str, data: bytes, language: str, min_code_lines: int) -> tuple[bytes, SourceText]:
    """Return a file's bytes without byte order mark, and its text. Raises SkippedError for a file left out."""
    if reason := why_skipped(path, data[:HEAD_BYTES]):
        raise SkippedError(reason)
    if b"\0" in data:
        raise SkippedError("NUL byte")
    try:
        data, source = source_text(data, language)
    except UnicodeDecodeError:
        raise SkippedError("not UTF-8") from None
    text = source.text
    if text.count("\n", source.begin) < _MANY_LINES:
        lines = code_lines(text[source.begin :], language, min_code_lines)
        if not lines and source.begin and min_code_lines:
            raise SkippedError("license header only")
        if lines < min_code_lines:
            raise SkippedError("near empty")
    return data, source


def parsed(data: bytes, language: str) -> "Node | None":
    """Return the syntax tree's root, None for languages without a parser. Raises SkippedError for broken syntax."""
    found = parser(language)
    if found is None:
        return None
    root = found.parse(data).root_node
    if root.has_error:
        raise SkippedError("does not parse")
    return root
