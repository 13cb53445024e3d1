"""Which pieces of a file are to be filled in: syntax nodes, lines, or any characters.

A hole's size is drawn first, evenly on a logarithmic scale, and then the piece that comes nearest to it: a uniform
choice among nodes would nearly always give a name or a number.
"""

import math
import random
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from turnsmith.sources.code.fim.source_text import SourceText, code_lines, comment_marks

if TYPE_CHECKING:
    from tree_sitter import Node

NODES, LINES, CHARS = "nodes", "lines", "chars"
KINDS = (NODES, LINES, CHARS)
SMALLEST = 16
TRIES, PLACES = 16, 4
"""Tries to find a piece of the file, and how many of them in a row look for the same size."""
NEAR = 2.0
"""A node counts as near to a size when neither is more than so many times the other."""
_SAYS_SOMETHING = re.compile(r"\w\W*\w\W*\w")
_PROSE = re.compile(r"comment|string_content|string_fragment|heredoc|^string$|_string$")


class Hole(NamedTuple):
    """Hold a piece to fill in: its kind, the kind of its syntax node ("" for others), and its characters."""

    kind: str
    node: str
    start: int
    end: int


class HoleChooser:
    """Choose holes of one file; the same file and random numbers give the same holes.

    A hole has at least three letters or digits, is not all comment, splits no line end, and lies behind the header
    about rights. `trimmed` leaves white space at its borders outside.
    """

    def __init__(
        self,
        source: SourceText,
        data: bytes,
        root: "Node | None",
        language: str,
        largest: int,
        *,
        trimmed: bool,
    ) -> None:
        self._source = source
        self._text = source.text
        self._data = data
        self._root = root
        self._cursor = root.walk() if root is not None else None
        self._language = language
        self._comments = comment_marks(language)
        self._largest = largest
        self._trimmed = trimmed
        self._taken: list[Hole] = []

    def choose(self, wanted: int, mix: Mapping[str, float], dice: random.Random) -> list[Hole]:
        """Return at most `wanted` holes in the order of the file; no two overlap or touch.

        `mix` gives the share of each of `KINDS`; without a syntax tree the share of nodes goes to lines.
        """
        if self._largest < SMALLEST or len(self._text) - self._source.begin < SMALLEST:
            return []
        for _ in range(wanted):
            kind = _drawn(mix, dice)
            if kind == NODES and self._root is None:
                kind = LINES
            hole = self._try(kind, dice)
            if hole is not None:
                self._taken.append(hole)
        return sorted(self._taken, key=lambda hole: hole.start)

    def _try(self, kind: str, dice: random.Random) -> Hole | None:
        draw = {NODES: self._node, LINES: self._lines, CHARS: self._chars}[kind]
        spread = math.log(self._largest / SMALLEST)
        begin, end = self._source.begin, len(self._text)
        size = 0
        for attempt in range(TRIES):
            if (
                attempt % PLACES == 0
            ):  # a size that is rare in this file gets some places before it is given up
                size = round(SMALLEST * math.exp(spread * dice.random()))
            hole = draw(begin + int((end - begin) * dice.random()), size)
            if hole is not None and self._fits(hole):
                return hole
        return None

    def _fits(self, hole: Hole) -> bool:
        return (
            SMALLEST <= hole.end - hole.start <= self._largest
            and hole.start >= self._source.begin
            and all(hole.end < other.start or hole.start > other.end for other in self._taken)
            and _SAYS_SOMETHING.search(self._text, hole.start, hole.end) is not None
            and not self._is_comment(hole)
        )

    def _is_comment(self, hole: Hole) -> bool:
        """Say whether a hole has nothing but lines of comment."""
        if not self._text.startswith(self._comments, hole.start):  # which most holes answer
            return False
        return code_lines(self._text[hole.start : hole.end], self._language, 1) == 0

    def _node(self, at: int, size: int) -> Hole | None:
        """Return the node around a character that comes nearest to a size, if one is near."""
        source, cursor, root = self._source, self._cursor, self._root
        assert cursor is not None
        assert root is not None
        byte = source.bytes_before(at) - source.skipped
        # What reaches so far to both sides, and all above it, is too large: no need to come down from the root.
        reach = math.ceil(size * NEAR / 2)
        wide = root.descendant_for_byte_range(max(byte - reach, 0), min(byte + reach, len(self._data)))
        cursor.reset(wide or root)
        best: Node | None = None
        best_ratio = NEAR
        while cursor.goto_first_child_for_byte(byte) is not None:
            node = cursor.node
            assert node is not None
            start, end = node.byte_range
            length = end - start
            if length * NEAR < size:
                break
            ratio = length / size if length > size else size / length
            if ratio < best_ratio and node.is_named:
                best, best_ratio = node, ratio
        if best is None or _PROSE.search(best.type):
            return None
        start, end = (source.character_at(self._data, byte) for byte in best.byte_range)
        return self._tidied(NODES, best.type, start, end, trimmed=True)

    def _lines(self, at: int, size: int) -> Hole | None:
        """Return the whole lines from the one of a character on that come nearest to a size, without indentation."""
        text = self._text
        start = text.rfind("\n", 0, at) + 1
        shorter = text.rfind("\n", start, start + size)
        longer = text.find("\n", start + size)
        longer = len(text) if longer < 0 else longer
        end = longer
        if shorter > start and (longer - start) * (shorter - start) > size * size:
            end = shorter
        return self._tidied(LINES, "", start, end, trimmed=True)

    def _chars(self, at: int, size: int) -> Hole | None:
        return self._tidied(CHARS, "", at, min(at + size, len(self._text)), trimmed=self._trimmed)

    def _tidied(self, kind: str, node: str, start: int, end: int, *, trimmed: bool) -> Hole | None:
        """Return a hole that splits no line end, and without white space around it where asked."""
        text = self._text
        if trimmed:
            piece = text[start:end]
            start += len(piece) - len(piece.lstrip())
            end -= len(piece) - len(piece.rstrip())
        if text[start - 1 : start + 1] == "\r\n":
            start += 1
        if text[end - 1 : end + 1] == "\r\n":
            end -= 1
        return Hole(kind, node, start, end) if start < end else None


def _drawn(mix: Mapping[str, float], dice: random.Random) -> str:
    at = dice.random() * sum(mix.values())
    for kind in KINDS:
        at -= mix.get(kind, 0)
        if at < 0:
            return kind
    return next(kind for kind in reversed(KINDS) if mix.get(kind))
