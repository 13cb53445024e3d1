"""What an extraction asks: the two queries, their parameters, and the chunks that the answer comes in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from turnsmith.core.errors import UsageError
from turnsmith.curate.buckets import Bucket
from turnsmith.sources.telemetry.kql.catalog import Query, find_query
from turnsmith.sources.telemetry.kql.parameters import Value

CANDIDATES = "sft_candidates_hash_chunked"
COUNTS = "sft_candidate_counts"
MOST_HALVINGS = 6


@dataclass(frozen=True, slots=True)
class Chunk:
    """Name the conversations whose portable hash modulo `of` is `number` (contract §3)."""

    number: int
    of: int

    @property
    def key(self) -> str:
        """Return a name that sorts by size, then by number."""
        return f"{self.of:06}-{self.number:06}"

    @classmethod
    def of_key(cls, key: str) -> Chunk:
        """Return the chunk of that name."""
        of, _, number = key.partition("-")
        return cls(int(number), int(of))

    def halves(self) -> tuple[Chunk, Chunk]:
        """Return the two chunks that together are this one."""
        return Chunk(self.number, 2 * self.of), Chunk(self.number + self.of, 2 * self.of)

    def __str__(self) -> str:
        return f"chunk {self.number} of {self.of:,}"


@dataclass(frozen=True)
class Question:
    """Hold what is asked of every chunk alike; `include_filtered` wants the conversations that a filter took."""

    as_of: datetime
    window: timedelta
    model_text: str
    failed_reasons: Sequence[str]
    buckets: Sequence[Bucket]
    include_filtered: bool = False

    def __post_init__(self) -> None:
        """Refuse what the queries can't be asked."""
        for reason in self.failed_reasons:
            if "," in reason or not reason:
                raise UsageError(
                    f"failed_turn_end_reasons: {reason!r} can't be asked of a cluster: no commas, not empty"
                )

    @cached_property
    def candidates(self) -> Query:
        """Return the query for a chunk's conversations."""
        return find_query(CANDIDATES)

    @cached_property
    def counts(self) -> Query:
        """Return the query that counts them by day, bucket and filter."""
        return find_query(COUNTS)

    def values(self, chunk: Chunk) -> dict[str, Value]:
        """Return the parameters for a chunk."""
        return {
            "as_of": self.as_of,
            "window": self.window,
            "num_chunks": chunk.of,
            "chunk": chunk.number,
            "model_text": self.model_text,
            "failed_reasons": ",".join(self.failed_reasons),
            "min_turns": min(bucket.min for bucket in self.buckets),
            "max_turns": max(bucket.max for bucket in self.buckets),
            "include_filtered": self.include_filtered,
        }


def digest() -> str:
    """Return a hash of the texts of both queries."""
    texts = "\0".join(find_query(name).text for name in (CANDIDATES, COUNTS))
    return hashlib.sha256(texts.encode()).hexdigest()
