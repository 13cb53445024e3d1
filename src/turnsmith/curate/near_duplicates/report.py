"""What a search for near duplicates tells: counts, shares and the largest groups, never a text."""

from dataclasses import dataclass, field
from typing import Any

from turnsmith.curate.account import Account

NEAR_DUPLICATE = "near duplicate"
NO_TEXT = "without text to compare"
LARGEST_SHOWN = 5


@dataclass(slots=True)
class NearReport:
    """Hold what was found: `largest` are (place, rows dropped for it) of the kept rows that most rows are near.

    `model` is the folder of the embedding model, None where words were compared.
    """

    threshold: float
    ngram: int
    compared: str
    model: str | None = None
    account: Account = field(default_factory=Account)
    pairs: int = 0
    equal: int = 0
    largest: list[tuple[str, int]] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Return the share of the rows that were dropped, or would be."""
        return self.account.dropped[NEAR_DUPLICATE] / max(self.account.read, 1)

    def rows(self) -> list[tuple[str, int]]:
        """Return (label, count) as a funnel."""
        bad = [(f"  {reason}", count) for reason, count in self.account.bad.items()]
        lines = self.account.read + sum(self.account.bad.values())
        return [("records", lines), *bad, *self.account.rows()[1:], *self._notes()]

    def _notes(self) -> list[tuple[str, int]]:
        return [(f"  {what}", count) for what, count in self.account.notes.items()]

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            **self.account.as_json(),
            "threshold": self.threshold,
            "ngram": self.ngram,
            "field": self.compared,
            "semantic": self.model,
            "pairs": self.pairs,
            "equal": self.equal,
            "share_dropped": round(self.share, 6),
            "largest_groups": [{"place": place, "dropped": count} for place, count in self.largest],
        }
