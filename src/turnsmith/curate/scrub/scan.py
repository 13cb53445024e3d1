"""From a text to the hits that count: those of all rules, without overlaps."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence

from turnsmith.curate.scrub.page import Finder, Hit, Page, page_of
from turnsmith.curate.scrub.placeholders import PLACEHOLDER
from turnsmith.curate.scrub.rules import RANKS


def find_hits(text: str, finders: Iterable[Finder], rules: Collection[str]) -> list[Hit]:
    """Return the hits of the given rules in a text, in order, none overlapping another or a placeholder."""
    page = page_of(text)
    found = [hit for finder in finders for hit in finder(page) if hit[2] in rules]
    return resolve(page, found)


def resolve(page: Page, found: Sequence[Hit]) -> list[Hit]:
    """Return hits without overlaps: the longest wins, then the most specific rule's."""
    if not found:
        return []
    taken = [(match.start(), match.end()) for match in PLACEHOLDER.finditer(page.narrow)]
    kept: list[Hit] = []
    for start, end, rule in sorted(set(found), key=lambda hit: (hit[0] - hit[1], RANKS[hit[2]], hit[0])):
        at = bisect_left(taken, (start, end))
        if (at and taken[at - 1][1] > start) or (at < len(taken) and taken[at][0] < end):
            continue
        taken.insert(at, (start, end))
        kept.append((start, end, rule))
    return sorted(kept)
