"""The code before a change, cut to what a reader needs: the definitions around the changed lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnsmith.sources.code.git.definitions import Definition
from turnsmith.sources.code.git.files import File, Files
from turnsmith.sources.code.languages import language_of

MOST_DEFINITION = 120
# Lines around a change that lies in no definition, or in one that is longer: at each level fewer.
AROUND = (15, 8, 0)
GAP = 4

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cut:
    """Hold the lines of a file that are shown, as ranges of line numbers from 1, both ends included."""

    file: File
    ranges: tuple[Range, ...]

    def text(self) -> str:
        """Return the ranges as fenced blocks, each under the path and its lines."""
        old_path, lines = self.file.patch.old_path, self.file.before
        if old_path is None:
            return f"`{self.file.patch.path}` does not exist yet."
        if not self.ranges:
            return f"`{old_path}` exists; its content does not matter here."
        return "\n\n".join(self._block(old_path, lines, first, last) for first, last in self.ranges)

    def _block(self, path: str, lines: Sequence[bytes], first: int, last: int) -> str:
        where = f"`{path}`, " + (
            "all of it" if (first, last) == (1, len(lines)) else f"lines {first}-{last} of {len(lines)}"
        )
        if last == len(lines) and not lines[-1].endswith(b"\n"):
            where += ", without a line end at the end"
        return f"{where}:\n{fenced(b''.join(lines[first - 1 : last]).decode(), path)}"


def cut(files: Files, file: File, level: int) -> Cut:
    """Return what to show of a file at a level from 0 (definitions) to 2 (only what the diff itself shows).

    Every line that the diff names is shown at every level.
    """
    ranges: list[Range] = []
    for hunk in file.patch.hunks:
        if hunk.old_count:
            ranges.append((hunk.old_start, hunk.old_start + hunk.old_count - 1))
        touched = list(hunk.touched())
        if level < len(AROUND) - 1:
            definitions = files.around(file, touched[0][0], touched[-1][1])
            for first, last in touched:
                ranges += _around(definitions, first, last, level)
    total = len(file.before)
    inside = [(max(first, 1), min(last, total)) for first, last in ranges if first <= total and last >= 1]
    return Cut(file, tuple(_merged(inside)))


def smallest_around(definitions: Sequence[Definition], first: int, last: int) -> Definition | None:
    """Return the shortest definition that holds both lines, or None."""
    holding = [each for each in definitions if each.first <= first and last <= each.last]
    return min(holding, key=lambda each: each.lines, default=None)


def fenced(text: str, path: str) -> str:
    """Return a text between fences that do not occur in it, marked with the language of a path."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language_of(path, b'') or ''}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def _around(definitions: Sequence[Definition], first: int, last: int, level: int) -> list[Range]:
    """Return the ranges that explain changed lines: their definition, or a window with the definition's first line."""
    window = (first - AROUND[level], last + AROUND[level])
    around = smallest_around(definitions, first, last)
    if around is None:
        return [window]
    if level == 0 and around.lines <= MOST_DEFINITION:
        return [(around.first, around.last)]
    return [(around.head, around.head), (max(window[0], around.first), min(window[1], around.last))]


def _merged(ranges: Sequence[Range]) -> list[Range]:
    """Return ranges in order, joined where only a few lines lie between them."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + GAP:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
