"""Other files of the same folder, for context of a whole repository."""

from collections.abc import Sequence

KEPT = 2
SHARE = 0.4
"""The share of the budget that goes to other files."""
LEAST = 80
MOST = 100_000
"""Characters of a file that are remembered."""


class Neighbors:
    """Remember the last files of each language in the folders that the walk is in; files come in the order of paths."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, list[tuple[str, str]]]] = {}

    def of(self, path: str, language: str, budget: int) -> list[tuple[str, str]]:
        """Return (path, beginning) of files of a language that came before in the folder of `path`.

        They have at most `budget` characters together, their names included, and end with whole lines.
        """
        known = self._folders.get(_folder(path), {}).get(language, [])
        chosen: list[tuple[str, str]] = []
        for name, text in reversed(known):
            room = (budget - characters(chosen)) // (len(known) - len(chosen))
            beginning = _whole_lines(text, room - len(name))
            if len(beginning) >= LEAST:
                chosen.append((name, beginning))
        return chosen[::-1]

    def add(self, path: str, language: str, text: str) -> None:
        """Take a file into account; folders that lie behind are forgotten."""
        here = _folder(path)
        for folder in [each for each in self._folders if each and not f"{here}/".startswith(f"{each}/")]:
            del self._folders[folder]
        files = self._folders.setdefault(here, {}).setdefault(language, [])
        files.append((path, text[:MOST]))
        del files[:-KEPT]


def characters(others: Sequence[tuple[str, str]]) -> int:
    """Return the size of other files with their names."""
    return sum(len(name) + len(text) for name, text in others)


def _whole_lines(text: str, room: int) -> str:
    return text if len(text) <= room else text[: text.rfind("\n", 0, max(room, 0)) + 1]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
