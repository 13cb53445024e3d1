"""Count leakage again: which users, and which first requests word for word, stand in two splits.

Near twins are not searched again; their counts have to fit the others.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import unicodedata
from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Any

from turnsmith.verify.clusters import is_short
from turnsmith.verify.metadata import GapError, Metadata, as_count, as_mapping
from turnsmith.verify.report import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnsmith.verify.report import Ledger

CHECK = "leakage"
COUNTS = ("total", "exact", "near")
_BLANK_LINES = re.compile(r"\n{3,}")
_LINE_ENDS = re.compile(r"\r\n?")


class Leakage:
    """Collect users and first requests by split, as hashes of 8 bytes; nothing where the set tells no leakage."""

    def __init__(self, metadata: Metadata, ledger: Ledger) -> None:
        self._metadata = metadata
        self._ledger = ledger
        self._users: dict[str, Counter[int]] = {}
        self._requests: dict[str, Counter[int]] = {}
        self._conversations: Counter[str] = Counter()
        self._short: Counter[str] = Counter()
        self._pairs: list[Any] = []
        with contextlib.suppress(GapError):  # sets of an older version tell none
            self._pairs = metadata.items(CHECK, "pairs")

    @property
    def in_use(self) -> bool:
        """Tell whether there is something to count."""
        return bool(self._pairs)

    def add(self, record: dict[str, Any], split: str) -> None:
        """Take one record of the right shape."""
        self._conversations[split] += 1
        if record["userName"]:
            self._users.setdefault(split, Counter())[_number(record["userName"])] += 1
        for turn in record["turnsArray"][:1]:
            text = turn["userMessage"]
            if is_short(text):
                self._short[split] += 1
            else:
                self._requests.setdefault(split, Counter())[_number(_normalized(text))] += 1

    def finish(self) -> None:
        """Compare with the metadata, which has the splits in their order."""
        found = []
        for pair in self._pairs:
            self._ledger.examine(CHECK)
            try:
                entry = Metadata(as_mapping(pair, CHECK, "pairs"))
                found.append((entry.text("of"), entry.text("in")))
                self._check(entry, *found[-1])
            except GapError as gap:
                self._ledger.breach(CHECK, str(gap))
        splits: Iterable[str] = self._splits() if self.in_use else ()
        if sorted(found) != sorted((later, earlier) for earlier, later in combinations(splits, 2)):
            self._ledger.breach(CHECK, "leakage.pairs are not all pairs of a split and one before it")

    def _splits(self) -> list[str]:
        """Return the splits of the set in their order, none where the metadata does not say."""
        try:
            return list(self._metadata.mapping("output_files"))
        except GapError:
            return []

    def _check(self, entry: Metadata, of: str, other: str) -> None:
        users, others = self._users.get(of, Counter()), self._users.get(other, Counter())
        requests, twins = self._requests.get(of, Counter()), self._requests.get(other, Counter())
        counted = {
            ("conversations", "total"): self._conversations[of],
            ("conversations", "same_user"): _shared(users, others) if users and others else None,
            ("requests", "total"): requests.total(),
            ("requests", "exact"): _shared(requests, twins),
            ("conversations", "exact"): _shared(requests, twins),
            ("short_requests",): self._short[of],
        }
        name = f"{show(of)} in {show(other)}"
        for keys, count in counted.items():
            if entry.get(*keys) != count:
                told = show(entry.get(*keys))
                self._ledger.breach(CHECK, f"{name}: {'.'.join(keys)} is {told}, counted {show(count)}")
        for what in ("requests", "conversations"):
            total, exact, near = (as_count(entry.get(what, key), CHECK, what, key) for key in COUNTS)
            if not exact <= near <= total:
                self._ledger.breach(CHECK, f"{name}: {what} near is not between exact and total")


def _shared(of: Counter[int], other: Counter[int]) -> int:
    return sum(count for value, count in of.items() if value in other)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])


def _normalized(text: str) -> str:
    """Return a text as exact twins are compared: NFC, no space at line ends, at most one blank line in a row."""
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text))
    return _BLANK_LINES.sub("\n\n", "\n".join(map(str.rstrip, text.split("\n")))).strip("\n")
