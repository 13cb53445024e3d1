"""Names of people that the data itself makes known, and where they occur."""

from collections.abc import Iterable, Iterator
from typing import Any, Self

from turnsmith.curate.scrub.known_people import Gathered, gather
from turnsmith.curate.scrub.page import Hit, Page, occurrences, page_of
from turnsmith.curate.scrub.stopwords import is_stopword

SHORTEST = 3

# Letters and digits stay (in lower case already), all else becomes a space: the words of a page in one fast pass.
_WORDS = bytes(code if chr(code).isalnum() else 32 for code in range(256))


class Names:
    """Know people by handle (any case, whole words) and by name (whole, or one capitalized part of it).

    Words that are too common to be erased wherever they occur are not taken up; paths have a rule of their own.
    """

    def __init__(self, handles: Iterable[str] = (), people: Iterable[str] = ()) -> None:
        people = [" ".join(person.split()) for person in people]
        self.handles = frozenset(name.lower() for name in handles if _is_distinct(name))
        self.people = frozenset(name for name in people if " " in name and not _is_common(name.split()))
        self._parts = frozenset(
            part for name in self.people for part in name.split() if part.istitle() and _is_distinct(part)
        )
        self._by_word: dict[bytes, list[tuple[str, str]]] = {}
        self._always: list[tuple[str, str]] = []
        singles = {name for name in people if " " not in name and _is_distinct(name)}
        for rule, names in (("known-handle", self.handles | {name.lower() for name in singles}),
                            ("known-name", self.people | self._parts)):  # fmt: skip
            for name in sorted(names):
                self._index(name, rule)
        self._words = frozenset(self._by_word)

    @classmethod
    def collect(cls, examples: Iterable[dict[str, Any]]) -> Self:
        """Gather names from examples: home folders, addresses, authors of commits, users of git and telemetry."""
        gathered = Gathered()
        for example in examples:
            gather(example, gathered)
        return cls(gathered.handles, gathered.people)

    def find(self, page: Page) -> Iterator[Hit]:
        """Yield where known names occur as whole words."""
        words = page.lower.encode("latin-1").translate(_WORDS).split()
        candidates = {entry for word in self._words.intersection(words) for entry in self._by_word[word]}
        for name, rule in sorted(candidates.union(self._always)):
            for at in _places(page, name, rule):
                end = at + len(name)
                if not _is_inside(page.narrow, at, end):
                    yield at, end, rule

    def _index(self, name: str, rule: str) -> None:
        narrow = page_of(name).lower
        words = narrow.encode("latin-1").translate(_WORDS).split()
        if not words or "?" in narrow:
            self._always.append((name, rule))
            return
        self._by_word.setdefault(words[0], []).append((name, rule))


def _places(page: Page, name: str, rule: str) -> Iterator[int]:
    if page_of(name).narrow != name:
        return occurrences(page.text, name)
    if rule == "known-handle" or " " in name:
        return occurrences(page.lower, name.lower())
    return occurrences(page.narrow, name)


def _is_inside(text: str, at: int, end: int) -> bool:
    """Tell whether a place is only a part of a longer word."""
    return text[max(0, at - 1) : at].isalnum() or text[end : end + 1].isalnum()


def _is_distinct(name: str) -> bool:
    return len(name) >= SHORTEST and any(c.isalpha() for c in name) and not is_stopword(name)


def _is_common(words: list[str]) -> bool:
    return all(is_stopword(word) for word in words)
