"""The words that the tiny model knows: kinds of work in requests, and what the judge's prompts say of the digits."""

from __future__ import annotations

from turnsmith.labels.judge.prompts import MEANINGS

from .tiny_model import Words

REASONING, SUFFICIENT = MEANINGS

# None of them may stand in the judge's prompt, or every request would hold it.
HARD = ("race condition", "flaky", "deadlock", "why", "Why", "Refactor", "idempotent", "memory use", "profile it",
        "slower", "too slow", "FAILED", "Exception", "panic", "never initialized", "async", "broke after", "Compare",
        "without changing behavior", "cleanest way", "stack trace", "without downtime", "Kalman filter",
        "miscompiles")  # fmt: skip
EASY = ("typo", "Document", "commit message", "Undo", "undo", "sample data", "Show me", "Explain", "remove",
        "go ahead", "continue", "looks good", "Rename", "wire it up", "thanks", "You forgot", "List the files",
        "semicolon", "HTTP status")  # fmt: skip

WORDS = Words(
    hard=HARD,
    easy=EASY,
    plain=(f"Answer 0: {REASONING}", f"Answer 1: {SUFFICIENT}"),
    swapped=(f"Answer 0: {SUFFICIENT}", f"Answer 1: {REASONING}"),
    # The questions by which the judge finds out what a server does.
    one=("The digit is 1",),
    zero=("The digit is 0",),
)
