"""Wait before the next try: back-off with jitter, and at least as long as the server asks.

The clients' own retries are off: they ignore Retry-After, give up on 429 and keep nothing of it in one place.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PASSING = {408, 429, 500, 502, 503, 504}
LONGEST_ASKED = 60.0


class StoppedError(Exception):
    """Tell a thread that another one has failed."""


@dataclass
class Patience:
    """Hold how often to try (`tries`) and how long to wait: seconds before the second try, doubled each time."""

    tries: int = 8
    first: float = 0.5
    longest: float = 20.0
    stop: threading.Event = field(default_factory=threading.Event)

    def wait(self, failures: int, asked: float | None) -> None:
        """Sleep before the next try, at least as long as the server asked; raise StoppedError on `stop`."""
        seconds = min(self.longest, self.first * 2.0 ** (failures - 1)) * random.uniform(0.5, 1)  # noqa: S311
        if self.stop.wait(max(seconds, min(asked or 0, LONGEST_ASKED))):
            raise StoppedError


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or a date; None where it has neither."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
