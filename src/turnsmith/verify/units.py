"""Prove split units: each record's unit is known, and neither a user nor a cluster stands in two splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from turnsmith.verify.clusters import is_short, near_duplicates_apart, shingles
from turnsmith.verify.metadata import GapError
from turnsmith.verify.reading import read_lines
from turnsmith.verify.records import hash_number, hash_text
from turnsmith.verify.report import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnsmith.verify.clusters import Numbers
    from turnsmith.verify.metadata import Metadata
    from turnsmith.verify.report import Ledger
    from turnsmith.verify.stream import Source

FILE = "split_units.jsonl"
CONVERSATION = "conversation"
WAYS = (CONVERSATION, "user", "cluster", "user+cluster")
UNIT_DIGITS = 15
MOST_BREACHES = 1000


class Placed(NamedTuple):
    """Hold where a record was found: its split, its unit (None where unknown) and its conversation id."""

    split: str
    unit: int | None
    key: str


@dataclass
class Units:
    """Hold the units that the file names, by the first 16 bytes of the id's digest, and the records met.

    `by` is how the set says that it is split. Where that is by conversation, nothing is collected.
    """

    by: str
    ledger: Ledger

    def __post_init__(self) -> None:
        self._named: dict[bytes, int] = {}
        self._met = 0
        self._users: dict[bytes, Placed] = {}
        self._placed: list[Placed] = []
        self._sets: list[Numbers] = []

    @property
    def in_use(self) -> bool:
        """Tell whether conversations share units."""
        return self.by != CONVERSATION

    def read(self, source: Source) -> None:
        """Take the units from the file, line by line; breaches are in the ledger."""
        if not self.in_use:
            self.ledger.breach("split_units", f"{show(FILE)} is there, but the set is split by conversation")
            return
        last = ""
        for row in read_lines(source):
            fault = row.problem or _line_fault(row.value, last)
            if fault:
                self.ledger.breach("split_units", f"{show(FILE)}, line {row.line or row.number}: {fault}")
                continue
            last = row.value["conversationId"]
            self._named[hash_text(last)[:16]] = int(row.value["unit"], 16)

    def number_of(self, digest: bytes) -> int | None:
        """Return the hash that decides about a conversation's split, None where no unit is named."""
        return self._named.get(digest[:16]) if self.in_use else hash_number(digest)

    def add(self, record: dict[str, Any], split: str, place: str) -> None:
        """Take one record of the right shape; check what can be told at once."""
        key = record["conversationId"]
        digest = hash_text(key)
        self._met += 1
        placed = Placed(split, self._named.get(digest[:16]), key)
        if placed.unit is None:
            self.ledger.breach("split_units", f"{place}: its unit is not in {show(FILE)}")
        if self.by != "cluster":
            self._check_user(record["userName"], placed, place)
        if (
            self.by != "user"
            and record["turnsArray"]
            and not is_short(record["turnsArray"][0]["userMessage"])
        ):
            self._placed.append(placed)
            self._sets.append(shingles(record["turnsArray"][0]["userMessage"]))

    def _check_user(self, user: str, placed: Placed, place: str) -> None:
        self.ledger.examine("users_apart")
        first = self._users.setdefault(hash_text(user)[:16], placed)
        if first.split != placed.split:
            self.ledger.breach(
                "users_apart", f"{place}: its user stands in the split {show(first.split)}, too"
            )
        elif first.unit != placed.unit:
            self.ledger.breach("split_units", f"{place}: its user has another unit, too")

    def finish(self) -> None:
        """Check what takes all records: no near duplicates apart, and no unit of a record that is not there."""
        if not self.in_use:
            return
        self.ledger.examine("split_units", self._met)
        if len(self._named) > self._met:
            self.ledger.breach(
                "split_units", f"{show(FILE)} names {len(self._named)} records, met {self._met}"
            )
        if self.by == "user":
            return
        self.ledger.examine("clusters_apart", len(self._sets))
        # An unknown unit is told from all others, so that its record is compared with everything.
        units = [-1 - place if each.unit is None else each.unit for place, each in enumerate(self._placed)]
        found = near_duplicates_apart(self._sets, np.array(units, np.int64))
        for count, (left, right, similarity) in enumerate(found, 1):
            one, other = self._placed[left], self._placed[right]
            name = "clusters_apart" if one.split != other.split else "split_units"
            where = f"conversation {show(one.key)} ({show(one.split)}) and {show(other.key)} ({show(other.split)})"
            self.ledger.breach(name, f"{where}: requests {similarity:.3f} alike, in different units")
            if count == MOST_BREACHES:
                return


def ways_of(metadata: Metadata, ledger: Ledger) -> str:
    """Return how the set says that it is split; sets made before there was a choice say nothing."""
    try:
        by = metadata.mapping("config").get("split_by", CONVERSATION)
    except GapError:
        return CONVERSATION  # the check of the metadata says so
    if by not in WAYS:
        ledger.breach("split_units", f"metadata: config.split_by is {show(by)}, none of {', '.join(WAYS)}")
        return CONVERSATION
    return str(by)


def check_shares(metadata: Metadata) -> Iterator[str]:
    """Yield where metadata's `split_units` is not what config and funnel say."""
    config = metadata.mapping("config")
    if "split_by" not in config:
        return
    if metadata.get("split_units", "by") != config["split_by"]:
        yield f"split_units.by is {show(metadata.get('split_units', 'by'))}, not that of config.split_by"
    counts = metadata.counts("funnel", "candidates", nested=True)
    total = sum(counts.values())
    if metadata.count("split_units", "candidates") != total:
        yield f"split_units.candidates is not the sum of funnel.candidates, {show(total)}"
    groups = metadata.count("split_units", "groups")
    if not groups <= total or (config["split_by"] == CONVERSATION and groups != total):
        yield f"split_units.groups is {show(groups)}, of {show(total)} candidates"
    shares = {} if metadata.single else metadata.mapping("config", "splits")
    if metadata.mapping("split_units", "shares").keys() != shares.keys():
        yield "split_units.shares has other splits than config.splits"
    for split in metadata.mapping("split_units", "shares"):
        of_split = sum(count for group, count in counts.items() if group[0] == split)
        entry = metadata.mapping("split_units", "shares", split)
        right = {
            "expected": metadata.count("config", "splits", split) / 100,
            "got": round(of_split / total, 4) if total else 0.0,
            "candidates": of_split,
        }
        if entry != right:
            yield f"split_units.shares of {show(split)} are not what funnel.candidates and config.splits make"


def _line_fault(value: Any, last: str) -> str:
    """Return what is wrong with a line of the file, empty if nothing; `last` is the id before it."""
    if not isinstance(value, dict) or value.keys() != {"conversationId", "unit"}:
        return "not a conversationId with its unit"
    key, unit = value["conversationId"], value["unit"]
    if not isinstance(key, str) or not isinstance(unit, str):
        return "not two texts"
    if len(unit) != UNIT_DIGITS or not set(unit) <= set("0123456789abcdef"):
        return "the unit is not 15 hex digits"
    return "" if key > last else "not in the order of the ids"
