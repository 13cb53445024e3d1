"""What can be set about a judge's run."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from turnsmith.core.errors import UsageError
from turnsmith.labels.judge.strategies import REQUEST_CHARS, STRATEGIES

REASON_TOKENS = 120


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Hold what can be set; the command line has an option for each.

    `concurrency` is the most requests under way, `timeout` the seconds for one. `history` is how many of the latest
    earlier turns are shown, `request_chars` the characters of a request before its middle is left out.
    """

    model: str
    endpoint: str | None = None
    strategy: str = "request"
    history: int = 5
    request_chars: int = REQUEST_CHARS
    votes: int = 1
    rationales: bool = False
    prompt: Path | None = None
    prices: Path | None = None
    budget: Decimal | None = None
    concurrency: int = 200
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise UsageError(f"--strategy {self.strategy}: is none of {', '.join(STRATEGIES)}")
        if self.budget is not None and self.budget <= 0:
            raise UsageError(f"--budget-usd {self.budget}: must be more than 0")
