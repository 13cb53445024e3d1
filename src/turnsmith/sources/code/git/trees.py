"""Syntax trees of files, made out of the tree of a neighboring version where one is at hand.

A history shows one file in version after version. Tree-sitter parses a text again from the tree of an older one in a
fraction of the time, and its answer is that of a fresh parse.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from turnsmith.sources.code.languages import GRAMMARS, language_of, parser

if TYPE_CHECKING:
    from tree_sitter import Tree

MOST_BYTES = 1 << 20
# Of source in all trees that are kept; a tree takes some thirty times as much.
KEPT_BYTES = 4 << 20
LEAST_ANCHOR, LEAST_REGION = 24, 256

Edit = tuple[int, int, int, tuple[int, int], tuple[int, int], tuple[int, int]]


class Trees:
    """Parse files; the last tree of each path is kept, up to 4 MiB of source in sum."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[bytes, Tree]] = OrderedDict()
        self._bytes = 0

    def parse(self, path: str, content: bytes) -> "tuple[str, Tree] | None":
        """Return the language and the tree of a file, None where it has no grammar or more than 1 MiB.

        Raises UsageError where the extra `code` is missing.
        """
        language = language_of(path, content[:128])
        if language not in GRAMMARS or len(content) > MOST_BYTES:
            return None
        reader = parser(language)
        assert reader is not None
        near, tree = self._kept.pop(path, (b"", None))
        self._bytes -= len(near)
        if tree is None:
            tree = reader.parse(content)
        elif near != content:
            for edit in edits_between(near, content):
                tree.edit(*edit)
            tree = reader.parse(content, tree)
        self._kept[path] = content, tree
        self._bytes += len(content)
        while self._bytes > KEPT_BYTES:
            _, (dropped, _) = self._kept.popitem(last=False)
            self._bytes -= len(dropped)
        return language, tree


def edits_between(old: bytes, new: bytes) -> Iterator[Edit]:
    """Yield the edits that make `new` of `old`, last first, as tree-sitter takes them: bytes, then rows and columns.

    Beginning and end that both share are left alone; what differs is cut in two where a line from its middle stands in
    both. Any such cut is right; a good one leaves less to parse.
    """
    regions = [(0, len(old), 0, len(new))]
    while regions:
        first, old_end, start, new_end = regions.pop()
        head = _common(old[first:old_end], new[start:new_end])
        first, start = first + head, start + head
        tail = _common(old[first:old_end][::-1], new[start:new_end][::-1])
        old_end, new_end = old_end - tail, new_end - tail
        if first == old_end and start == new_end:
            continue
        line, other = _anchor(old, new, (first, old_end, start, new_end))
        if line < 0:
            inserted = new[start:new_end]
            row, column = _point(old, first)
            breaks = inserted.count(b"\n")
            end = (
                row + breaks,
                len(inserted) - inserted.rfind(b"\n") - 1 if breaks else column + len(inserted),
            )
            yield first, old_end, first + len(inserted), (row, column), _point(old, old_end), end
        else:
            regions += [(first, line, start, other), (line, old_end, other, new_end)]


def _anchor(old: bytes, new: bytes, region: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return where a line from the middle of the old region begins in both, or -1 twice."""
    first, old_end, start, new_end = region
    begin = old.find(b"\n", (first + old_end) // 2, old_end) + 1
    end = old.find(b"\n", begin, old_end) + 1 if begin else 0
    while end and end - begin < LEAST_ANCHOR:  # closing braces and blank lines are everywhere
        end = old.find(b"\n", end, old_end) + 1
    if not end or old_end - first < LEAST_REGION:
        return -1, -1
    place = new.find(old[begin:end], start, new_end)
    return (begin, place) if place >= 0 else (-1, -1)


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes two texts share at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _point(content: bytes, position: int) -> tuple[int, int]:
    return content.count(b"\n", 0, position), position - content.rfind(b"\n", 0, position) - 1
