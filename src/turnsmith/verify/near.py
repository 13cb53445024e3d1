"""Prove that no near duplicates are left in a set that dropped them, and that those dropped are accounted for.

The search is exact: an index over the rarest shingles of each text, then whole sets compared. It shares with the
export the definition in docs/near-duplicates.md, and no code.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from turnsmith.verify.clusters import NGRAM, is_short, shingles
from turnsmith.verify.metadata import ALL, GapError
from turnsmith.verify.reading import read_lines
from turnsmith.verify.records import hash_number, hash_text
from turnsmith.verify.report import show

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from turnsmith.verify.clusters import Numbers
    from turnsmith.verify.metadata import Metadata
    from turnsmith.verify.report import Ledger
    from turnsmith.verify.stream import Source

CHECK = "near_duplicates"
FILE = "near_duplicates.jsonl"
FIELDS = ("first_user", "user", "assistant", "all")
LINE = {"conversationId", "near", "similarity"}
ROUNDED = 1e-6  # the similarity of a line has six digits
MOST_BREACHES = 1000
COUNTERS = 1 << 22
SLACK = 1e-9


class NearDuplicates:
    """Hold the dropped conversations that the file names, and the shingles of the records met.

    Nothing is collected where the set says that near duplicates were left in.
    """

    def __init__(self, metadata: Metadata, ledger: Ledger) -> None:
        self._metadata = metadata
        self._ledger = ledger
        self._keys: list[str] = []
        self._sets: list[Numbers] = []
        self._dropped: dict[str, str | None] = {}
        self._field = ""
        self._threshold = 1.0
        self.in_use = False
        try:
            config = metadata.mapping("config")
        except GapError:
            return  # the check of the metadata says so
        if config.get(CHECK) is not None:
            self._begin(config[CHECK], config.get("near_field"))

    def _begin(self, threshold: Any, field: Any) -> None:
        if type(threshold) not in (int, float) or not 0 < threshold <= 1 or field not in FIELDS:
            given = f"{show(threshold)} and {show(field)}"
            self._ledger.breach(CHECK, f"metadata: config.near_duplicates and near_field are {given}")
            return
        self._threshold, self._field, self.in_use = float(threshold), str(field), True

    def read(self, source: Source) -> None:
        """Take the dropped conversations from the file, line by line; breaches are in the ledger."""
        if not self.in_use:
            self._ledger.breach(CHECK, f"{show(FILE)} is there, but the set left near duplicates in")
            return
        last = ""
        for row in read_lines(source):
            fault = row.problem or self._line_fault(row.value, last)
            if fault:
                self._ledger.breach(CHECK, f"{show(FILE)}, line {row.line or row.number}: {fault}")
                continue
            last = row.value["conversationId"]
            self._dropped[last] = row.value["near"]

    def _line_fault(self, value: Any, last: str) -> str:
        """Return what is wrong with a line of the file, empty if nothing; `last` is the id before it."""
        if not isinstance(value, dict) or value.keys() != LINE:
            return "not a conversationId with what it is near and a similarity"
        key, near, similarity = value["conversationId"], value["near"], value["similarity"]
        if not isinstance(key, str) or not isinstance(near, str | None):
            return "not two ids"
        if type(similarity) not in (int, float) or not self._threshold - ROUNDED <= similarity <= 1:
            return "its similarity is below the threshold, or none"
        return "" if key > last else "not in the order of the ids"

    def add(self, record: dict[str, Any]) -> None:
        """Take one record of the right shape."""
        text = text_of(record["turnsArray"], self._field)
        if not is_short(text):
            self._keys.append(record["conversationId"])
            self._sets.append(shingles(text))

    def finish(self, written: Container[bytes], invalid: Container[bytes]) -> None:
        """Check what takes all records; `written` and `invalid` have the first 16 bytes of the ids' digests."""
        if not self.in_use:
            return
        self._ledger.examine(CHECK, len(self._sets) + len(self._dropped))
        try:
            faults = [*self._count_faults(), *self._name_faults(written, invalid)]
        except GapError as gap:
            faults = [str(gap)]
        for fault in faults:
            self._ledger.breach(CHECK, fault)
        for count, (left, right, similarity) in enumerate(near_pairs(self._sets, self._threshold), 1):
            names = f"conversations {show(self._keys[left])} and {show(self._keys[right])}"
            self._ledger.breach(CHECK, f"{names} are both in the set, {similarity:.3f} alike")
            if count == MOST_BREACHES:
                return

    def _count_faults(self) -> Iterator[str]:
        """Yield where the metadata is not what file and configuration say."""
        told = self._metadata.mapping(CHECK)
        right = {
            "threshold": self._threshold,
            "field": self._field,
            "ngram": NGRAM,
            "dropped": len(self._dropped),
        }
        for key, value in right.items():
            if told.get(key) != value:
                yield f"near_duplicates.{key} is {show(told.get(key))}, not {show(value)}"
        if FILE not in self._metadata.mapping("checksums"):
            yield f"{show(FILE)} has no checksum"
        found = Counter(self._split_of(key) for key in self._dropped)
        counts = self._metadata.mapping("funnel", CHECK)
        for split in sorted(counts.keys() | found.keys()):
            if counts.get(split, 0) != found[split]:
                yield f"funnel.near_duplicates of {show(split)} is {show(counts.get(split))}, lines {found[split]}"

    def _split_of(self, key: str) -> str:
        if self._metadata.single:
            return ALL
        place, low = hash_number(hash_text(key)) % 100, 0
        for split in self._metadata.mapping("config", "splits"):
            low += self._metadata.count("config", "splits", split)
            if place < low:
                return split
        raise GapError("metadata: config.splits do not add up to 100")

    def _name_faults(self, written: Container[bytes], invalid: Container[bytes]) -> Iterator[str]:
        """Yield dropped conversations that are still there, or that nothing that stays is near to."""
        seed, forgotten = self._metadata.get("config", "seed"), self._metadata.get("forgotten") is not None
        for key, near in self._dropped.items():
            line = f"{show(FILE)}, conversation {show(key)}"
            digest = hash_text(key)[:16]
            if digest in written or digest in invalid:
                yield f"{line}: was dropped, but stands in the set or among the invalid ones"
            if near is None:
                if not forgotten:
                    yield f"{line}: near none, though nothing was forgotten"
            elif near in self._dropped:
                yield f"{line}: near {show(near)}, which was dropped itself"
            elif _place(seed, near) >= _place(seed, key):
                yield f"{line}: near {show(near)}, which comes later in the sample order"


def dropped_total(metadata: Metadata) -> int:
    """Return how many near duplicates the funnel counts, 0 where they were left in."""
    if CHECK not in metadata.mapping("funnel"):
        return 0
    return sum(metadata.count("funnel", CHECK, split) for split in metadata.mapping("funnel", CHECK))


def text_of(turns: list[dict[str, Any]], field: str) -> str:
    """Return the text of a conversation that is compared."""
    texts = []
    for turn in turns:
        if field != "assistant":
            texts.append(turn["userMessage"] or "")
        if field in ("assistant", "all"):
            texts.append(turn["modelMessage"] or "")
        if field == "first_user":
            break
    return "\n".join(texts)


def near_pairs(sets: list[Numbers], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Yield (left, right, similarity) of all pairs of sets at or above the threshold, each once."""
    counts = np.zeros(COUNTERS, np.int64)
    for each in sets:
        np.add.at(counts, each % COUNTERS, 1)
    prefixes = [_rarest(each, counts, threshold) for each in sets]
    tokens = np.concatenate([np.empty(0, np.int64), *prefixes])
    owners = np.repeat(np.arange(len(sets)), [len(each) for each in prefixes])
    order = np.lexsort((owners, tokens))
    tokens, owners = tokens[order], owners[order]
    fresh = np.append(True, tokens[1:] != tokens[:-1])[: len(tokens)]
    begins = np.maximum.accumulate(np.where(fresh, np.arange(len(tokens)), 0))
    sharing = np.flatnonzero(begins < np.arange(len(tokens)))
    sharing = sharing[np.argsort(owners[sharing], kind="stable")]
    cuts = [0, *(np.flatnonzero(np.diff(owners[sharing])) + 1).tolist(), len(sharing)]
    sizes = np.array([len(each) for each in sets], np.int64)
    for low, high in pairwise(cuts):
        if low == high:
            continue
        right = int(owners[sharing[low]])
        lefts = np.unique(np.concatenate([owners[begins[at] : at] for at in sharing[low:high].tolist()]))
        small, large = np.minimum(sizes[lefts], sizes[right]), np.maximum(sizes[lefts], sizes[right])
        for left in lefts[small >= threshold * large - SLACK].tolist():
            common = len(np.intersect1d(sets[left], sets[right], assume_unique=True))
            similarity = common / (len(sets[left]) + len(sets[right]) - common)
            if similarity >= threshold:
                yield left, right, similarity


def _rarest(each: Numbers, counts: Numbers, threshold: float) -> Numbers:
    """Return so many of the rarest shingles that two near sets share one; rarity is about, its order the same."""
    wanted = len(each) - math.ceil(threshold * len(each) - SLACK) + 1
    return each[np.lexsort((each, counts[each % COUNTERS]))[:wanted]]


def _place(seed: Any, key: str) -> tuple[int, str]:
    return hash_number(hash_text(f"{seed}:{key}")), key
