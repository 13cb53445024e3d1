"""The scrubber: an example in, the same example with placeholders out, and what was replaced by type."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import accumulate
from typing import Any

from turnsmith.core.errors import UsageError
from turnsmith.curate.scrub.assignments import is_secret, kind_of, rule_of
from turnsmith.curate.scrub.leaves import walk
from turnsmith.curate.scrub.names import Names
from turnsmith.curate.scrub.page import Hit, page_of
from turnsmith.curate.scrub.phones import is_phone, names_a_phone
from turnsmith.curate.scrub.placeholders import Placeholders
from turnsmith.curate.scrub.rules import FINDERS, RULES
from turnsmith.curate.scrub.scan import resolve

# Stands between the texts of an example while they are searched as one; no rule reaches across it.
BORDER = "\n\0\n"
# A placeholder may lay bare what the text around it hid. Each round makes the rest smaller.
MOST_ROUNDS = 10
LONGEST_VALUE = 4096
PHONE = "phone"  # the rule
SHORT = 500  # a text of this many characters is looked at as a whole again

Window = tuple[int, int, int]  # the number of a text, start, end


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
        self._group: str | None = None
        self._given: Placeholders | None = None

    def scrub(self, example: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
        """Return the example with placeholders for what the rules hit, and how often by type.

        The same value has the same placeholder within an example, and within the examples of one conversation
        (`meta.group`) that follow each other. What holds no hit is returned as it came.
        """
        texts, names = _texts_of(example)
        counts: Counter[str] = Counter()
        given: Placeholders | None = None
        hits = self._hits(texts, names)
        for _ in range(MOST_ROUNDS):
            if not hits:
                break
            given = given or self._placeholders(example, texts)
            windows: list[Window] = []
            for leaf, found in hits.items():
                texts[leaf], spots = _replace(texts[leaf], found, given, counts)
                windows += [(leaf, *window) for window in _windows(texts[leaf], spots)]
            hits = self._hits_again(texts, names, windows)
        if given is None:
            return example, counts
        scrubbed = iter(texts)
        return walk(example, lambda _text, _name: next(scrubbed)), counts

    def _placeholders(self, example: dict[str, Any], texts: list[str]) -> Placeholders:
        """Return the placeholders of the example's conversation, or new ones."""
        meta = example.get("meta")
        group = meta.get("group") if isinstance(meta, dict) else None
        if self._given is None or group is None or group != self._group or not self._given.suit(texts):
            self._given = Placeholders(self._key, texts)
        self._group = group
        return self._given

    def _hits(self, texts: list[str], names: list[str]) -> dict[int, list[Hit]]:
        """Return the hits in texts that stand under `names`, by the number of the text, in order."""
        starts = list(accumulate((len(text) + len(BORDER) for text in texts), initial=0))
        page = page_of(BORDER.join(texts))
        found = [hit for finder in self._finders for hit in finder(page)]
        found += _by_name(texts, names, starts)
        hits: dict[int, list[Hit]] = {}
        for begin, end, rule in resolve(page, [hit for hit in found if hit[2] in self._rules]):
            leaf = bisect_right(starts, begin) - 1
            offset = starts[leaf]
            if end - offset <= len(texts[leaf]):
                hits.setdefault(leaf, []).append((begin - offset, end - offset, rule))
        return hits

    def _hits_again(self, texts: list[str], names: list[str], windows: list[Window]) -> dict[int, list[Hit]]:
        """Return the hits in windows of texts, as `_hits` does."""
        pieces = [texts[leaf][start:end] for leaf, start, end in windows]
        whole = [names[leaf] if end - start == len(texts[leaf]) else "" for leaf, start, end in windows]
        hits: dict[int, list[Hit]] = {}
        for piece, found in self._hits(pieces, whole).items():
            leaf, offset, _ = windows[piece]
            shifted = [(begin + offset, end + offset, rule) for begin, end, rule in found]
            hits.setdefault(leaf, []).extend(shifted)
        return hits


def _texts_of(example: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the texts of an example, and the name that each stands under.

    Two lists of strings, not one of pairs: so many pairs would keep the garbage collector busy.
    """
    texts: list[str] = []
    names: list[str] = []

    def visit(text: str, name: str) -> str:
        texts.append(text)
        names.append(name)
        return text

    walk(example, visit)
    return texts, names


def _by_name(texts: list[str], names: list[str], starts: list[int]) -> Iterator[Hit]:
    """Yield texts that stand as a whole under a name such as `password` or `mobile`."""
    kinds = {name: kind for name in set(names) if (kind := PHONE if names_a_phone(name) else kind_of(name))}
    if not kinds:
        return
    for text, name, start in zip(texts, names, starts, strict=False):
        kind = kinds.get(name, "")
        if kind == PHONE:
            if is_phone(text):
                yield start, start + len(text), PHONE
        elif kind and len(text) <= LONGEST_VALUE and is_secret(text, kind, certain=True):
            yield start, start + len(text), rule_of(name, text, kind)


def _replace(text: str, hits: list[Hit], given: Placeholders, counts: Counter[str]) -> tuple[str, list[int]]:
    """Return the text with placeholders, and where they stand in it."""
    pieces: list[str] = []
    spots, done, length = [], 0, 0
    for start, end, rule in hits:
        kind = RULES[rule].kind
        pieces += [text[done:start], given.of(kind, text[start:end])]
        counts[kind] += 1
        spots.append(length + start - done)
        length += len(pieces[-2]) + len(pieces[-1])
        done = end
    return "".join([*pieces, text[done:]]), spots


def _windows(text: str, spots: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text that are worth another look: the lines of the spots, with one before and behind."""
    if len(text) < SHORT:
        yield 0, len(text)
        return
    end = 0
    for spot in spots:
        if spot < end:
            continue
        line = text.rfind("\n", 0, spot) + 1
        start = max(end, text.rfind("\n", 0, max(0, line - 1)) + 1)
        after = text.find("\n", spot)
        after = text.find("\n", after + 1) if after >= 0 else -1
        end = after if after >= 0 else len(text)
        yield start, end
