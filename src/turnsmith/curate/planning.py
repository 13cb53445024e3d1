"""How long a window has to be to fill the targets, from counts of candidates by day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from turnsmith.curate.sample import Group

MARGIN = 3  # standard deviations: a split gets its share by a hash, so a little more or less


@dataclass(frozen=True, slots=True)
class BucketPlan:
    """Say how many candidates a bucket has in the window, how many it takes, and how many days hold them.

    `wanted` is the sum of the targets, `needed` what it takes for every split to reach its own. `needed` and
    `days` are None where no window is long enough: a split without a share, a bucket without a candidate.
    """

    bucket: str
    wanted: int
    needed: int | None
    available: int
    days: int | None


def plan_buckets(
    by_day: Mapping[str, Mapping[date, int]],
    groups: Mapping[str, Group],
    shares: Mapping[str, int] | None,
    as_of: datetime,
    window: timedelta,
) -> list[BucketPlan]:
    """Return the plan of each bucket; `by_day` has the candidates by bucket and day, `groups` the targets."""
    plans = []
    for bucket, days in by_day.items():
        targets = {g.split: g.target for g in groups.values() if g.bucket == bucket}
        each = [needed(target, shares[split] if shares else 100) for split, target in targets.items()]
        most = None if None in each else max((n for n in each if n is not None), default=0)
        length = None if most is None else _days_to_hold(most, days, as_of, window)
        plans.append(BucketPlan(bucket, sum(targets.values()), most, sum(days.values()), length))
    return plans


def needed(target: int, share: int) -> int | None:
    """Return how many candidates give a split of `share` per cent its target, bad luck allowed for."""
    if target == 0:
        return 0
    if share == 0:
        return None
    part = share / 100
    spread = MARGIN * math.sqrt(part * (1 - part))
    # n * part - spread * sqrt(n) >= target, solved for sqrt(n)
    root = (spread + math.sqrt(spread**2 + 4 * part * target)) / (2 * part)
    return math.ceil(round(root**2, 6))


def days_by_factor(window: timedelta, factors: Iterable[float | None]) -> int | None:
    """Return the days of a window that grew by the largest of the factors, None where one is unknown."""
    known = list(factors)
    if not known or None in known:
        return None
    return math.ceil(window / timedelta(days=1) * max(factor for factor in known if factor is not None))


def _days_to_hold(wanted: int, days: Mapping[date, int], as_of: datetime, window: timedelta) -> int | None:
    """Return the days before `as_of` that hold as many; beyond the window, at its rate."""
    if wanted == 0:
        return 0
    for length in range(1, window.days + 1):
        begin = as_of - timedelta(days=length)
        if sum(n for day, n in days.items() if datetime.combine(day, time.min, UTC) >= begin) >= wanted:
            return length
    available = sum(days.values())
    if available == 0:
        return None
    return max(window.days + 1, math.ceil(window / timedelta(days=1) * wanted / available))
