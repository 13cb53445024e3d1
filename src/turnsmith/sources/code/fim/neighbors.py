"""Other files of the same folder, for context of a whole repository."""

from collections.abc import Sequence

KEPT = 2
SHARE = 0.4
"""The share of the budget that goes to other files."""
LEAST = 80


class Neighbors:
    """Remember the last files of each folder that the walk is in; files come in the order of paths."""

    def __init__(self) -> None:
        self._folders: dict[str, list[tuple[str, str]]] = {}

    def of(self, path: str, budget: int) -> list[tuple[str, str]]:
        """Return (path, beginning) of files that came before in the same folder, within `budget` characters."""
        known = self._folders.get(_folder(path), [])
        chosen: list[tuple[str, str]] = []
        for name, text in reversed(known):
            room = (budget - sum(len(name) + len(text) for name, text in chosen)) // (KEPT - len(chosen))
            beginning = _whole_lines(text, room - len(name))
            if len(beginning) >= LEAST:
                chosen.append((name, beginning))
        return chosen[::-1]

    def add(self, path: str, text: str) -> None:
        """Take a file into account; folders that lie behind are forgotten."""
        here = _folder(path)
        passed = [folder for folder in self._folders if folder and not f"{here}/".startswith(f"{folder}/")]
        for folder in passed:
            del self._folders[folder]
        self._folders[here] = [*self._folders.get(here, []), (path, text)][-KEPT:]


def characters(others: Sequence[tuple[str, str]]) -> int:
    """Return the size of other files with their names."""
    return sum(len(name) + len(text) for name, text in others)


def _whole_lines(text: str, room: int) -> str:
    return text if len(text) <= room else text[: text.rfind("\n", 0, max(room, 0)) + 1]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
