"""What a decontamination found, for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.curate.decontaminate.index import Index

CONTAMINATED = "contaminated"
SAMPLES = 20  # of each benchmark


@dataclass(frozen=True, slots=True)
class Found:
    """Hold one shared passage: its benchmark and item, where in which example, and how many words.

    `passage` is its beginning, which stands in the benchmark, too. `first` counts words from 0.
    """

    benchmark: str
    item: str
    place: str
    path: str
    first: int
    words: int
    passage: str

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "benchmark": self.benchmark,
            "item": self.item,
            "place": self.place,
            "path": self.path,
            "first_word": self.first,
            "words": self.words,
            "passage": self.passage,
        }


@dataclass(slots=True)
class Hits:
    """Count what was found of a benchmark: the numbers of its items, and examples."""

    items: set[int] = field(default_factory=set)
    examples: int = 0
    samples: list[Found] = field(default_factory=list)


@dataclass(slots=True)
class DecontaminateReport:
    """Hold the account of a decontamination and what was found, in the order of the index's benchmarks."""

    source: str
    out: str
    settings: Mapping[str, Any]
    index: Index
    account: Account = field(default_factory=Account)
    bad_items: Account = field(default_factory=Account)
    hits: list[Hits] = field(default_factory=list)
    contaminated: int = 0

    def rows(self) -> list[tuple[str, int]]:
        """Return the funnel as (label, count), losses indented."""
        account = self.account
        return [
            ("lines", account.read + sum(account.bad.values())),
            *((f"  {reason}", count) for reason, count in sorted(account.bad.items())),
            ("examples", account.read),
            *((f"  {reason}", count) for reason, count in sorted(account.dropped.items())),
            ("kept", account.kept),
            *((f"  {what}", count) for what, count in sorted(account.notes.items())),
        ]

    def benchmarks(self) -> list[dict[str, Any]]:
        """Return one row for each benchmark."""
        return [
            {
                "benchmark": benchmark.name,
                "items": benchmark.items,
                "too_short": benchmark.too_short,
                "common_passages": benchmark.common,
                "items_hit": len(hits.items),
                "examples_hit": hits.examples,
            }
            for benchmark, hits in zip(self.index.benchmarks, self.hits, strict=True)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the report, the same for the same input and settings."""
        account = self.account
        assert account.read == account.kept + sum(account.dropped.values()), "an example was counted twice"
        return {
            "input": self.source,
            "output": self.out,
            "settings": dict(self.settings),
            "read": account.read,
            "kept": account.kept,
            "contaminated": self.contaminated,
            "bad": dict(sorted(account.bad.items())),
            "bad_items": dict(sorted(self.bad_items.bad.items())),
            "benchmarks": self.benchmarks(),
            "matches": [found.as_json() for hits in self.hits for found in hits.samples],
            "samples": account.samples | self.bad_items.samples,
        }
