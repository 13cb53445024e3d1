"""The text of a file, with the two ways to count in it: characters, and the bytes that parsers know."""

import re
from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
_COMMENT_LINE = re.compile(r"[ \t]*(?://|#|/\*|\*|--|<!--|;|\"\"\"|'''|$)")
_COMMENTS = ("//", "#", "/*", "*", "--", "<!--")
_COMMENTS_OF_DATA = ("/*", "<!--")
_LEGAL = re.compile(r"licen[sc]e|copyright|\(c\)|all rights reserved", re.IGNORECASE)
_BLOCK_OPENERS = {"/*": "*/", "<!--": "-->"}


@dataclass(frozen=True, slots=True)
class SourceText:
    """Hold a decoded file; offsets are characters, from 0.

    `skipped` is the size of a byte order mark in front, in bytes. `begin` is where code begins: behind a comment at
    the top that speaks of a license or a copyright.
    """

    text: str
    ascii: bool
    skipped: int
    begin: int

    def bytes_before(self, offset: int) -> int:
        """Return the bytes of the file in front of a character."""
        before = offset if self.ascii else len(self.text[:offset].encode())
        return self.skipped + before

    def character_at(self, data: bytes, offset: int) -> int:
        """Return the character that begins at a byte of `data`, the file without its byte order mark."""
        return offset if self.ascii else len(data[:offset].decode("utf-8", "ignore"))


def source_text(data: bytes) -> tuple[bytes, SourceText]:
    """Return a file without its byte order mark, and its text. Raises UnicodeDecodeError for what is not UTF-8."""
    skipped = len(BOM) if data.startswith(BOM) else 0
    data = data[skipped:]
    text = data.decode()
    return data, SourceText(text, text.isascii(), skipped, _behind_legal_header(text))


def _behind_legal_header(text: str) -> int:
    """Return where the comment at the top ends if it is about rights, else 0."""
    if not _LEGAL.search(text, 0, 2000):
        return 0
    at = end = 0
    closing = ""
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop + 1
        line = text[at:stop]
        if closing:
            closing = "" if closing in line else closing
        elif not _COMMENT_LINE.match(line):
            break
        else:
            opener = next((opener for opener in _BLOCK_OPENERS if line.lstrip().startswith(opener)), "")
            closing = _BLOCK_OPENERS[opener] if opener and _BLOCK_OPENERS[opener] not in line else ""
        at = end = stop
    return end if _LEGAL.search(text, 0, end) else 0


def code_lines(text: str, begin: int, language: str) -> int:
    """Return how many lines from `begin` hold something else than a comment."""
    comments = _COMMENTS_OF_DATA if language in ("css", "json", "markdown") else _COMMENTS
    lines = (line.lstrip() for line in text[begin:].splitlines())
    return sum(1 for line in lines if line and not line.startswith(comments))
