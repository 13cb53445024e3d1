"""From a turn to a probability, by the rules that the strategy allows to look."""

import hashlib
import inspect
import math

from turnsmith.core.errors import UsageError
from turnsmith.labels.records import Turn
from turnsmith.labels.weak import rules
from turnsmith.labels.weak.rules import BEFORE, BIAS, OBSERVED, TEXT, Rule

VERSION = "weak-rules-1"
STRATEGIES: dict[str, tuple[Rule, ...]] = {
    "request": TEXT,
    "signals": TEXT + OBSERVED,
    "history": TEXT + BEFORE,
    "full": TEXT + OBSERVED + BEFORE,
}
DIGITS = 4


def judge(turn: Turn, strategy: str = "request") -> tuple[float, list[str]]:
    """Return P(1), that a non-reasoning model is sufficient, rounded to four digits, and the rules that spoke.

    A reason is a rule's name with what it added to the log-odds of reasoning, the strongest first. With `request`
    nothing but the request is looked at. The same turn gives the same answer everywhere. Raises UsageError for a
    strategy that is none.
    """
    try:
        chosen = STRATEGIES[strategy]
    except KeyError:
        raise UsageError(f"--strategy: {strategy!r} is none of {', '.join(STRATEGIES)}") from None
    spoke = [(rule.weight * rule.measure(turn), rule.name) for rule in chosen]
    log_odds = BIAS + math.fsum(part for part, _ in spoke)
    reasons = sorted((each for each in spoke if each[0]), key=lambda each: (-abs(each[0]), each[1]))
    probability = 1.0 / (1.0 + math.exp(log_odds))
    return round(probability, DIGITS), [f"{name} {part:+.2f}" for part, name in reasons]


def rules_hash() -> str:
    """Return 16 hex digits that change with any change of the rules."""
    return hashlib.sha256(inspect.getsource(rules).encode()).hexdigest()[:16]
