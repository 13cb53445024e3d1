"""The scrubber: an example in, the same example with placeholders out, and what was replaced by type."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import accumulate
from typing import Any

from turnsmith.core.errors import UsageError
from turnsmith.curate.scrub.assignments import PASSWORD, RULE, TOKEN, is_secret, kind_of
from turnsmith.curate.scrub.leaves import walk
from turnsmith.curate.scrub.names import Names
from turnsmith.curate.scrub.page import Hit, page_of
from turnsmith.curate.scrub.placeholders import Placeholders
from turnsmith.curate.scrub.rules import FINDERS, RULES
from turnsmith.curate.scrub.scan import resolve

# Stands between the texts of an example while they are searched as one; no rule reaches across it.
BORDER = "\n\0\n"
# A placeholder may lay bare what the text around it hid. Each round makes the rest smaller.
MOST_ROUNDS = 10

Leaf = tuple[str, str]  # a text, and the name that it stands under


class Scrubber:
    """Replace secrets and personal data in examples by typed placeholders.

    `names` are people known from the data, `key` makes placeholders the same across a whole set, `rules` are
    the names of the rules to apply (all by default). Raises UsageError for a rule that does not exist.
    """

    def __init__(
        self, names: Names | None = None, key: bytes | None = None, rules: Collection[str] | None = None
    ) -> None:
        unknown = sorted(set(rules or ()) - set(RULES))
        if unknown:
            raise UsageError(f"no scrub rule {unknown[0]!r}; the rules are {', '.join(RULES)}")
        self._rules = frozenset(RULES if rules is None else rules)
        self._finders = FINDERS if names is None else (*FINDERS, names.find)
        self._key = key

    def scrub(self, example: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
        """Return the example with placeholders for what the rules hit, and how often by type.

        Within an example the same value has the same placeholder. What holds no hit is returned as it came.
        """
        leaves: list[Leaf] = []
        walk(example, lambda text, name: (leaves.append((text, name)), text)[1])
        texts = [text for text, _ in leaves]
        counts: Counter[str] = Counter()
        given: Placeholders | None = None
        pending = list(range(len(leaves)))
        for _ in range(MOST_ROUNDS):
            hits = self._hits([(texts[index], leaves[index][1]) for index in pending])
            if not hits:
                break
            given = given or Placeholders(self._key, texts)
            for place, found in hits.items():
                index = pending[place]
                texts[index] = _replace(texts[index], found, given, counts)
            pending = [pending[place] for place in hits]
        if given is None:
            return example, counts
        scrubbed = iter(texts)
        return walk(example, lambda _text, _name: next(scrubbed)), counts

    def _hits(self, leaves: list[Leaf]) -> dict[int, list[Hit]]:
        """Return the hits in each text that has any, by its number, in order."""
        page = page_of(BORDER.join(text for text, _ in leaves))
        starts = list(accumulate((len(text) + len(BORDER) for text, _ in leaves), initial=0))
        found = [hit for finder in self._finders for hit in finder(page) if hit[2] in self._rules]
        found += [hit for hit in _by_name(leaves, starts) if hit[2] in self._rules]
        hits: dict[int, list[Hit]] = {}
        for start, end, rule in resolve(page, found):
            leaf = bisect_right(starts, start) - 1
            offset = starts[leaf]
            if end - offset <= len(leaves[leaf][0]):
                hits.setdefault(leaf, []).append((start - offset, end - offset, rule))
        return hits


def _by_name(leaves: list[Leaf], starts: list[int]) -> Iterator[Hit]:
    """Yield texts that stand as a whole under a name such as `password`."""
    for (text, name), start in zip(leaves, starts, strict=False):
        kind = kind_of(name) if name else ""
        if kind in (PASSWORD, TOKEN) and len(text) <= 4096 and is_secret(text, kind, certain=True):
            yield start, start + len(text), RULE[kind]


def _replace(text: str, hits: list[Hit], given: Placeholders, counts: Counter[str]) -> str:
    pieces, done = [], 0
    for start, end, rule in hits:
        kind = RULES[rule].kind
        pieces += [text[done:start], given.of(kind, text[start:end])]
        counts[kind] += 1
        done = end
    return "".join([*pieces, text[done:]])
