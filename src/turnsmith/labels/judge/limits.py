"""What a server says of its limits: `x-ratelimit-*` and `Retry-After`, and buckets that keep to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from turnsmith.core.retrying import retry_after

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]*\.?[0-9]+)(ms|s|m|h|d)")
_PER_MINUTE = 60.0


def duration(text: str | None) -> float | None:
    """Return the seconds that `6m0s`, `120ms` or `1.5` stands for; None where it stands for none."""
    if not text:
        return None
    text = text.strip()
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a response asks to wait, from `retry-after-ms` or `Retry-After`; None without either."""
    milliseconds = duration(headers.get("retry-after-ms"))
    return milliseconds / 1000 if milliseconds is not None else retry_after(headers.get("retry-after"))


@dataclass(slots=True)
class Bucket:
    """Hold what may still be sent now: `level` of at most `limit`, refilled at `rate` a second. Unknown at first.

    Times are those of one monotonic clock, in seconds.
    """

    limit: float | None = None
    rate: float = 0.0
    level: float = 0.0
    at: float = 0.0

    def _refill(self, now: float) -> None:
        if self.limit is not None:
            self.level = min(self.limit, self.level + (now - self.at) * self.rate)
        self.at = now

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be sent."""
        if self.limit is None:
            return 0.0
        self._refill(now)
        missing = min(amount, self.limit) - self.level
        return missing / self.rate if missing > 1e-9 else 0.0

    def take(self, amount: float, now: float) -> None:
        """Count `amount` as sent."""
        if self.limit is not None:
            self._refill(now)
            self.level -= amount

    def learn(self, headers: Mapping[str, str], kind: str, under_way: float, now: float) -> None:
        """Take over what a response says of `kind` (`requests` or `tokens`), less what is `under_way` since.

        The time until the bucket is full gives its rate; without it, limits are per minute, as everywhere.
        """
        limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
        remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
        if not limit or remaining is None:
            return
        used = limit - remaining
        reset = duration(headers.get(f"x-ratelimit-reset-{kind}"))
        if limit != self.limit or (reset and used >= 1):
            self.rate = used / reset if reset and used >= 1 else limit / _PER_MINUTE
        self.limit, self.at = limit, now
        self.level = remaining - under_way


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
