"""What a merge did, for people and for machines."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from turnsmith.core.chat import Example
from turnsmith.curate.account import Account
from turnsmith.curate.merge.index import MALFORMED, REPEATED, REPEATED_ELSEWHERE


@dataclass(slots=True)
class SourceReport:
    """Hold the counts of one input: examples that were kept, left out by weight, and written to each side.

    `train` counts lines, repeats included; `trained_on` counts the examples behind them. `tokens` is the sum
    over all lines written, `longest` the most of one. `kinds` counts the written examples by `meta.source`.
    """

    name: str
    path: str
    weight: float
    account: Account
    left_out: int = 0
    trained_on: int = 0
    train: int = 0
    eval: int = 0
    tokens: int = 0
    longest: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, example: Example, tokens: int, copies: int) -> None:
        """Count an example that is written `copies` times to training, or once to evaluation (0)."""
        if copies:
            self.trained_on += 1
            self.train += copies
        else:
            self.eval += 1
        self.tokens += tokens * (copies or 1)
        self.longest = max(self.longest, tokens)
        kind = example.get("meta", {}).get("source")
        if isinstance(kind, str):
            self.kinds[kind] += 1

    @property
    def lines(self) -> int:
        """Return how many lines were written."""
        return self.train + self.eval

    @property
    def mean_tokens(self) -> float:
        """Return the average length in tokens; 0 where nothing was written."""
        return round(self.tokens / self.lines, 1) if self.lines else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the counts; every example read is in exactly one of them."""
        account = self.account
        assert account.read == account.kept + sum(account.dropped.values()), "an example was counted twice"
        assert account.kept == self.left_out + self.trained_on + self.eval, "an example was lost"
        return {
            "name": self.name,
            "input": self.path,
            "weight": self.weight,
            "bad": dict(sorted(account.bad.items())),
            "read": account.read,
            "malformed": account.dropped[MALFORMED],
            "duplicates": account.dropped[REPEATED],
            "duplicates_of_earlier_inputs": account.dropped[REPEATED_ELSEWHERE],
            "left_out_by_weight": self.left_out,
            "train_examples": self.trained_on,
            "train_lines": self.train,
            "eval_lines": self.eval,
            "tokens": {"total": self.tokens, "mean": self.mean_tokens, "max": self.longest},
            "sources": dict(sorted(self.kinds.items())),
            "samples": account.samples,
        }


@dataclass(slots=True)
class MergeReport:
    """Hold the report of a merge: its sources in the order given, its settings and its warnings."""

    train_file: str
    eval_file: str
    settings: Mapping[str, Any]
    sources: list[SourceReport]
    eval_groups: int = 0
    train_groups: int = 0
    texts: Mapping[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def total(self) -> SourceReport:
        """Return the sums over all sources."""
        total = SourceReport("total", "", 1.0, Account())
        for source in self.sources:
            account = source.account
            total.account.read += account.read
            total.account.kept += account.kept
            total.account.dropped.update(account.dropped)
            total.account.bad.update(account.bad)
            total.left_out += source.left_out
            total.trained_on += source.trained_on
            total.train += source.train
            total.eval += source.eval
            total.tokens += source.tokens
            total.longest = max(total.longest, source.longest)
        return total

    def rows(self) -> list[tuple[str, int]]:
        """Return the funnel of all sources as (label, count), losses indented."""
        total = self.total
        account = total.account
        return [
            ("lines", account.read + sum(account.bad.values())),
            *((f"  {reason}", count) for reason, count in sorted(account.bad.items())),
            ("examples", account.read),
            *(
                (f"  {reason}", account.dropped[reason])
                for reason in (MALFORMED, REPEATED, REPEATED_ELSEWHERE)
            ),
            ("  left out by weight", total.left_out),
            ("training", total.trained_on),
            ("  repeated by weight", total.train - total.trained_on),
            ("evaluation", total.eval),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the report, the same for the same inputs and settings."""
        total = self.total
        return {
            "train": {"file": self.train_file, "lines": total.train, "groups": self.train_groups},
            "eval": {"file": self.eval_file, "lines": total.eval, "groups": self.eval_groups},
            "settings": dict(self.settings),
            "sources": [source.as_json() for source in self.sources],
            "tokens": {"total": total.tokens, "mean": total.mean_tokens, "max": total.longest},
            "written_as_text": dict(self.texts),
            "warnings": self.warnings,
        }
