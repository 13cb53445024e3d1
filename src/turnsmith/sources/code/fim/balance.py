"""How many holes a file gets, so that no language and no folder outweighs the rest."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping

from turnsmith.sources.code.fim.options import FimOptions

CHARS_PER_HOLE = 400
"""A file has room for one hole in so many characters: more would show the same text again and again."""


class Balance:
    """Say how many holes a file may get by its size, its language and its folder; `bytes` is the size of all files."""

    def __init__(self, options: FimOptions, files: Iterable[tuple[str, str | None, int]]) -> None:
        """Take path, language (None for a file that won't be used) and bytes of all files."""
        self._options = options
        self.bytes = 0
        expected: defaultdict[str, float] = defaultdict(float)
        for path, language, size in files:
            self.bytes += size
            if language is not None:
                expected[_folder(path)] += self._weighted(path, language, size)
        most = options.per_folder
        self._thinned: Mapping[str, float] = {
            folder: most / count for folder, count in expected.items() if 0 < most < count
        }

    def wanted(self, path: str, language: str, size: int, dice: random.Random) -> int:
        """Return the number of holes; what is left of a fraction decides by a draw whether there is one more."""
        exact = self._weighted(path, language, size) * self._thinned.get(_folder(path), 1.0)
        whole = int(exact)
        return whole + (dice.random() < exact - whole)

    @property
    def thinned(self) -> int:
        """Return how many folders have more than they may give."""
        return len(self._thinned)

    def _weighted(self, path: str, language: str, size: int) -> float:
        options = self._options
        room = min(options.per_file, max(1, size // CHARS_PER_HOLE))
        return room * options.language_weights.get(language, 1.0) * self._folder_weight(path)

    def _folder_weight(self, path: str) -> float:
        weights = self._options.folder_weights
        folder = _folder(path) if weights else ""
        while folder:
            if folder in weights:
                return weights[folder]
            folder = _folder(folder)
        return 1.0


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
