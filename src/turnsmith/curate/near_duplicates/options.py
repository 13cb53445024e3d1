"""What counts as a near duplicate, and how much memory finding them may take."""

import math
from dataclasses import dataclass

from turnsmith.core.errors import UsageError

SMALLEST_MEMORY = 64 << 20
LONGEST_NGRAM = 64


@dataclass(frozen=True, slots=True)
class Near:
    """Hold the settings of a search for near duplicates.

    `threshold` is the Jaccard similarity, above 0 up to 1, from which two texts count as near duplicates; `ngram`
    the words of a shingle; `seed` another choice of hash functions; `memory` about how many bytes may be used.
    Raises UsageError for a value out of range.
    """

    threshold: float = 0.8
    ngram: int = 5
    seed: int = 0
    memory: int = 2 << 30

    def __post_init__(self) -> None:
        if not (math.isfinite(self.threshold) and 0 < self.threshold <= 1):
            raise UsageError(f"--threshold: {self.threshold} is not above 0 and up to 1; 0.8 is usual")
        if not 1 <= self.ngram <= LONGEST_NGRAM:
            raise UsageError(f"--ngram: {self.ngram} is not between 1 and {LONGEST_NGRAM}; 5 words are usual")
        if not 0 <= self.seed < 1 << 64:
            raise UsageError(f"--seed: {self.seed} is not between 0 and 2**64 - 1")
        if self.memory < SMALLEST_MEMORY:
            raise UsageError(f"--memory-limit: {self.memory:,} bytes are too few; give at least 64MB")
