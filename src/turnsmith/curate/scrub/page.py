"""What rules read: a text with two views of it, all three of one length, so that places agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Hit = tuple[int, int, str]  # start, end, name of the rule
Place = tuple[int, int]  # start, end


@dataclass(frozen=True, slots=True)
class Page:
    """Hold a text, its `narrow` view, and that view in lower case.

    In the narrow view characters beyond Latin-1 are `?`, which makes it much faster to search, and
    escaped ends of lines and tabs are spaces, so that their letters join no word.
    """

    text: str
    narrow: str
    lower: str


ESCAPES = (("\\n", " \n"), ("\\r", "  "), ("\\t", "  "))
Finder = Callable[[Page], Iterator[Hit]]


def page_of(text: str) -> Page:
    """Return the views of a text."""
    narrow = text if text.isascii() else text.encode("latin-1", "replace").decode("latin-1")
    if "\\" in narrow:
        for escape, space in ESCAPES:
            narrow = narrow.replace(escape, space)
    return Page(text, narrow, narrow.lower())


def occurrences(text: str, part: str) -> Iterator[int]:
    """Yield where a part begins, left to right, without overlap."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def start_of_run(text: str, characters: str, end: int, longest: int) -> int:
    """Return where the run of the given characters that ends at `end` begins, at most `longest` before."""
    before = text[max(0, end - longest) : end]
    return end - len(before) + len(before.rstrip(characters))
