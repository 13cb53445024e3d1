"""Buckets of conversations by turn count (contract §4)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """Name a range of turn counts, both ends included."""

    name: str
    min: int
    max: int

    @property
    def full_name(self) -> str:
        """Return the name on the wire and of the file: `short_3_to_5_turns`."""
        return f"{self.name}_{self.min}_to_{self.max}_turns"


DEFAULT_BUCKETS = (Bucket("short", 3, 5), Bucket("medium", 6, 10), Bucket("long", 11, 20))
