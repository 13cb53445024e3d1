"""What a decontamination may be told."""

from dataclasses import dataclass

from turnsmith.core.errors import UsageError

FEWEST_WORDS, MOST_WORDS = 3, 100


@dataclass(frozen=True, slots=True)
class DecontaminateOptions:
    """Hold the settings of a decontamination; raises UsageError for values out of range.

    `ngram` is the length in words of a shared passage. `min_words` is the length from which a benchmark item that
    has no passage that long counts as a whole. A passage that stands in more than `common` items of one benchmark
    is a phrase of that benchmark and not looked for. More than `max_dropped` of the examples, a part of 1, stops
    the run.
    """

    ngram: int = 13
    min_words: int = 8
    common: int = 10
    mark: bool = False
    max_dropped: float = 0.5

    def __post_init__(self) -> None:
        if not FEWEST_WORDS <= self.ngram <= MOST_WORDS:
            raise UsageError(f"--ngram: {self.ngram} is not between {FEWEST_WORDS} and {MOST_WORDS}")
        if self.min_words < FEWEST_WORDS:
            raise UsageError(f"--min-words: {self.min_words} is less than {FEWEST_WORDS}")
        if self.common < 1:
            raise UsageError(f"--common: {self.common} is less than 1")
        if not 0 <= self.max_dropped <= 1:
            raise UsageError(f"--max-dropped: {self.max_dropped} is not between 0 and 1")
