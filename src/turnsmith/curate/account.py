"""The account of a step over records: what it kept, what it dropped and why."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

SAMPLES = 5


@dataclass(slots=True)
class Account:
    """Count records by what became of them; every record that goes in ends in `kept` or under one reason.

    `bad` counts what was no record at all; `samples` holds the first places (file:line or id) of each reason,
    never a text. `notes` counts what is worth knowing of records that were kept.
    """

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, reason: str, place: str) -> None:
        """Count a record that is left out."""
        self.dropped[reason] += 1
        self._sample(reason, place)

    def spoil(self, place: str, reason: str) -> None:
        """Count something that could not be read as a record."""
        self.bad[reason] += 1
        self._sample(reason, place)

    def note(self, what: str, count: int = 1) -> None:
        """Count something about records that are kept."""
        self.notes[what] += count

    def _sample(self, reason: str, place: str) -> None:
        places = self.samples.setdefault(reason, [])
        if len(places) < SAMPLES:
            places.append(place)

    def rows(self) -> list[tuple[str, int]]:
        """Return (label, count) as a funnel, losses indented, in the order of first mention."""
        rows = [("read", self.read)]
        rows += [(f"  {reason}", count) for reason, count in self.dropped.items()]
        return [*rows, ("kept", self.kept)]

    def as_json(self) -> dict[str, Any]:
        """Return the account for a report."""
        return {
            "read": self.read,
            "kept": self.kept,
            "dropped": dict(self.dropped),
            "bad": dict(self.bad),
            "notes": dict(self.notes),
            "samples": self.samples,
        }
