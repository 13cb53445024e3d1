"""The text of a file, with the two ways to count in it: characters, and the bytes that parsers know."""

from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
_SLASHES = ("//", "/*", "* ", "*/")
_HASH = ("#",)
_COMMENTS = {
    **dict.fromkeys(("python", "ruby", "bash"), _HASH),
    "php": (*_SLASHES, *_HASH),
    "sql": ("--", "/*", "* ", "*/"),
    "css": ("/*", "* ", "*/"),
    "markdown": ("<!--",),
    "json": _SLASHES,
}
"""What a line of comment begins with, by language; all others have slashes."""
_LEGAL = ("license", "licence", "copyright", "all rights reserved")
_HEADER_CHARS = 2000
_FIRST_LINES = ("#!", "<?php")
_CLOSING = {"/*": "*/", "<!--": "-->"}


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


def source_text(data: bytes, language: str) -> tuple[bytes, SourceText]:
    """Return a file without its byte order mark, and its text. Raises UnicodeDecodeError for what is not UTF-8."""
    skipped = len(BOM) if data.startswith(BOM) else 0
    data = data[skipped:]
    text = data.decode()
    return data, SourceText(text, text.isascii(), skipped, _behind_legal_header(text, language))


def comment_marks(language: str) -> tuple[str, ...]:
    """Return what a line of comment begins with."""
    return _COMMENTS.get(language, _SLASHES)


def code_lines(text: str, language: str, enough: int) -> int:
    """Return how many lines hold something else than a comment, counted up to `enough`."""
    marks = comment_marks(language)
    found = 0
    for line in text.splitlines():
        line = line.strip()
        if line and line != "*" and not line.startswith(marks):
            found += 1
            if found >= enough:
                break
    return found


def _behind_legal_header(text: str, language: str) -> int:
    """Return where the comment at the top ends if it is about rights, else 0."""
    if not _is_legal(text[:_HEADER_CHARS]):
        return 0
    marks = (*comment_marks(language), *_FIRST_LINES)
    at, closing = 0, ""
    while at < len(text):
        stop = text.find("\n", at) + 1 or len(text)
        line = text[at:stop].strip()
        if closing:
            closing = "" if closing in line else closing
        elif line and not line.startswith(marks):
            break
        else:
            opener = line[:4] if line.startswith("<!--") else line[:2]
            closing = _CLOSING.get(opener, "")
            if closing and closing in line:
                closing = ""
        at = stop
    return at if _is_legal(text[:at]) else 0


def _is_legal(text: str) -> bool:
    text = text.lower()
    return any(word in text for word in _LEGAL)
