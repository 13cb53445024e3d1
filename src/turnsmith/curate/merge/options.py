"""What a merge may be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from turnsmith.core.errors import UsageError

MOST_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """Hold the settings of a merge.

    `eval_frac` is the share of groups that goes to evaluation (0 for none), `eval_size` a number of examples
    instead; `min_eval` raises what `eval_frac` gives. `weights` maps names of sources to how often their
    examples come in training. `by_repository` keeps each mined repository on one side.
    Raises UsageError for values out of range.
    """

    eval_frac: float = 0.15
    eval_size: int | None = None
    min_eval: int = 100
    weights: Mapping[str, float] = field(default_factory=dict)
    by_repository: bool = True
    strip_meta: bool = False
    seed: int = 0
    tokenizer: str | None = None
    chat_template: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.eval_frac <= 0.5:
            raise UsageError(f"--eval-frac: {self.eval_frac} is not between 0 and 0.5")
        if (self.eval_size or 0) < 0 or self.min_eval < 0:
            raise UsageError("--eval-size and --min-eval can't be negative")
        for name, weight in self.weights.items():
            if not 0 <= weight <= MOST_WEIGHT:
                raise UsageError(f"--weights: {name}={weight:g} is not between 0 and {MOST_WEIGHT}")
