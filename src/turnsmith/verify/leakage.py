"""Count leakage again: which users, and which first requests word for word, stand in two splits.

Near twins are not searched again; their counts have to fit the others. By cluster there are none, as `clusters_apart`
proves.
"""

from __future__ import annotations

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
    from collections.abc import Iterator

    from turnsmith.verify.report import Ledger

CHECK = "leakage"
COUNTS = ("total", "exact", "near")
SHARED = ("exact", "near", "same_user")
SHARE_DIGITS = 4
_BLANK_LINES = re.compile(r"\n{3,}")
_LINE_ENDS = re.compile(r"\r\n?")


class Leakage:
    """Collect users and first requests by split, as hashes of 8 bytes; nothing where the set tells no leakage.

    `by` is how the set says that it is split: by cluster, near twins stand in one split.
    """

    def __init__(self, metadata: Metadata, by: str, ledger: Ledger) -> None:
        self._metadata = metadata
        self._by_cluster = by in ("cluster", "user+cluster")
        self._ledger = ledger
        self._users: dict[str, Counter[int]] = {}
        self._requests: dict[str, Counter[int]] = {}
        self._conversations: Counter[str] = Counter()
        self._short: Counter[str] = Counter()
        self._pairs: list[Any] = []
        self._told = False
        try:
            self._pairs = metadata.items(CHECK, "pairs")
            self._told = True
        except GapError as gap:
            if _must_tell(metadata):
                ledger.breach(CHECK, str(gap))

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
        if sorted(found) != sorted((later, earlier) for earlier, later in combinations(self._splits(), 2)):
            self._ledger.breach(CHECK, "leakage.pairs are not all pairs of a split and one before it")

    def _splits(self) -> list[str]:
        """Return the splits of the set in their order, none where it has none or does not tell leakage."""
        try:
            return (
                list(self._metadata.mapping("output_files"))
                if self._told and not self._metadata.single
                else []
            )
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
            for fault in _faults(entry.mapping(what), self._by_cluster):
                self._ledger.breach(CHECK, f"{name}: {what} {fault}")


def _must_tell(metadata: Metadata) -> bool:
    """Tell whether the set is of a version that measures leakage: then it says how it was split, too."""
    try:
        return "split_by" in metadata.mapping("config")
    except GapError:
        return False


def _faults(shares: dict[str, Any], by_cluster: bool) -> Iterator[str]:
    """Yield what can't be in the counts of one pair of splits; raises GapError for what is no count."""
    total, exact, near = (as_count(Metadata(shares).get(key), CHECK, key) for key in COUNTS)
    if not exact <= near <= total:
        yield "near is not between exact and total"
    if by_cluster and near:
        yield f"near is {near}, but the set is split by cluster"
    for key in SHARED:
        count = shares.get(key)
        if count is not None and as_count(count, CHECK, key) > total:
            yield f"{key} is above total"
            continue
        right = None if count is None else round(count / max(total, 1), SHARE_DIGITS)
        if shares.get(f"{key}_share") != right:
            yield f"{key}_share is {show(shares.get(f'{key}_share'))}, of the counts {show(right)}"


def _shared(of: Counter[int], other: Counter[int]) -> int:
    return sum(count for value, count in of.items() if value in other)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])


def _normalized(text: str) -> str:
    """Return a text as exact twins are compared: NFC, no space at line ends, at most one blank line in a row."""
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text))
    return _BLANK_LINES.sub("\n\n", "\n".join(map(str.rstrip, text.split("\n")))).strip("\n")
