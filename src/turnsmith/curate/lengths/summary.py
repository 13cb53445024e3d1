"""Figures about lengths: exact percentiles and a histogram, in memory that grows with the longest example only."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PERCENTILES = (50, 75, 90, 95, 99)


@dataclass(slots=True)
class Summary:
    """Collect token counts; all figures are exact."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, tokens: int) -> None:
        """Add the tokens of an example."""
        self.counts[tokens] += 1

    @property
    def examples(self) -> int:
        """Return the number of examples."""
        return self.counts.total()

    @property
    def total(self) -> int:
        """Return the tokens of all examples."""
        return sum(tokens * count for tokens, count in self.counts.items())

    def over(self, limit: int) -> int:
        """Return how many examples are longer than a limit."""
        return sum(count for tokens, count in self.counts.items() if tokens > limit)

    def percentiles(self) -> dict[int, int]:
        """Return percentile -> tokens, by nearest rank: the shortest length that so many percent do not exceed."""
        ranks = {percent: math.ceil(percent * self.examples / 100) for percent in PERCENTILES}
        found: dict[int, int] = {}
        seen = 0
        for tokens in sorted(self.counts):
            seen += self.counts[tokens]
            for percent, rank in ranks.items():
                if percent not in found and seen >= rank:
                    found[percent] = tokens
        return found

    def figures(self) -> dict[str, int | float]:
        """Return the figures in the order of the table; empty without examples."""
        if not self.counts:
            return {}
        percentiles = {f"p{percent}": tokens for percent, tokens in self.percentiles().items()}
        return {
            "min": min(self.counts),
            **percentiles,
            "max": max(self.counts),
            "mean": round(self.total / self.examples, 1),
            "total": self.total,
        }

    def histogram(self) -> list[tuple[int, int, int]]:
        """Return (from, up to and including, examples) of bins that double, without gaps."""
        bins: Counter[int] = Counter()
        for tokens, count in self.counts.items():
            bins[max(tokens - 1, 0).bit_length()] += count
        return [(*_edges(index), bins[index]) for index in _span(bins)]

    def as_json(self) -> dict[str, Any]:
        """Return figures and histogram for a report."""
        bins = [{"from": low, "to": high, "examples": count} for low, high, count in self.histogram()]
        return {"examples": self.examples, **self.figures(), "histogram": bins}


def _span(bins: Counter[int]) -> Iterator[int]:
    yield from range(min(bins), max(bins) + 1) if bins else ()


def _edges(index: int) -> tuple[int, int]:
    """Return the first and the last length of a bin: 0 to 1, then 2, 3 to 4, 5 to 8, and so on."""
    return (0, 1) if index == 0 else (2 ** (index - 1) + 1, 2**index)
