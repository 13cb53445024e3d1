"""The window that a plan names is long enough."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from turnsmith.core.hashing import portable_hash
from turnsmith.curate.planning import BucketPlan, days_by_factor, needed, plan_buckets
from turnsmith.curate.sample import Group
from turnsmith.curate.split import DEFAULT_SPLITS, split_of

AS_OF = datetime(2026, 1, 16, 12, tzinfo=UTC)
BUCKET = "short_3_to_5_turns"


def plan(days: dict[date, int], target: int, window: int = 5) -> BucketPlan:
    """Plan one bucket without splits, where a candidate is a candidate."""
    groups = {"short": Group("all", BUCKET, target)}
    (found,) = plan_buckets({BUCKET: days}, groups, None, AS_OF, timedelta(days=window))
    return found


@pytest.mark.parametrize("split", DEFAULT_SPLITS)
def test_every_split_reaches_its_target(split: str) -> None:
    """As many candidates as `needed` says give a split its target, whatever their ids are."""
    candidates = needed(40, DEFAULT_SPLITS[split])
    assert candidates is not None
    found = [
        sum(split_of(f"{seed}-{number}", DEFAULT_SPLITS) == split for number in range(candidates))
        for seed in range(100)
    ]
    assert sum(count < 40 for count in found) <= 1  # three standard deviations are not certainty
    assert sum(found) / 100 < 40 * 2.2


def test_a_whole_share_needs_no_margin() -> None:
    """Without splits it takes as many candidates as are wanted; without a share no number is enough."""
    assert needed(40, 100) == 40
    assert needed(40, 0) is None
    assert needed(0, 0) == 0


def test_the_shortest_window_that_holds_them() -> None:
    """Days count from the end of the window, and only those that lie in it with all their hours."""
    days = {date(2026, 1, 15): 3, date(2026, 1, 14): 2, date(2026, 1, 12): 1}
    assert [plan(days, target).days for target in (3, 4, 5, 6)] == [2, 3, 3, 5]


def test_beyond_the_window_at_its_rate() -> None:
    """Where the window has too few, the plan goes on at the same rate; without any it has no answer."""
    days = {date(2026, 1, 15): 3, date(2026, 1, 14): 2}
    assert plan(days, 10).days == 10
    assert plan({}, 10).days is None
    assert plan({}, 0).days == 0


def test_days_by_factor() -> None:
    """The largest factor counts; with an unknown one there is no answer."""
    assert days_by_factor(timedelta(days=15), [1.22, 2.0]) == 30
    assert days_by_factor(timedelta(days=15), [1.22, None]) is None
    assert days_by_factor(timedelta(days=15), []) is None


def test_hashes_are_those_of_the_contract() -> None:
    """The planned share is that of the portable hash."""
    assert split_of("abc", DEFAULT_SPLITS) == "train"
    assert portable_hash("abc") % 100 == 54
