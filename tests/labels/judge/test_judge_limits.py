"""What servers say of their limits is read as they mean it, and kept to."""

from email.utils import formatdate
from time import time

import pytest

from turnsmith.labels.judge.limits import Bucket, asked_wait, duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0), ("120ms", 0.12), ("1s", 1.0), ("8.64s", 8.64), ("1h2m3.5s", 3723.5), ("1d", 86400.0),
        ("1.5", 1.5), ("0s", 0.0), (" 2s ", 2.0), ("", None), (None, None), ("soon", None), ("5 s", None), ("s", None),
    ],
)  # fmt: skip
def test_durations(text: str | None, seconds: float | None) -> None:
    """Times come as `6m0s`, `120ms` or plain seconds; anything else is none."""
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


def test_retry_after_in_all_its_forms() -> None:
    """Milliseconds of Azure come first, then seconds, then a date."""
    assert asked_wait({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert asked_wait({"retry-after": "2.5"}) == 2.5
    assert 5 < (asked_wait({"retry-after": formatdate(time() + 8, usegmt=True)}) or 0) < 9
    assert asked_wait({"retry-after": "later"}) is None
    assert asked_wait({}) is None


def headers(limit: float, remaining: float, reset: str | None, kind: str = "requests") -> dict[str, str]:
    """Return rate limit headers."""
    said = {f"x-ratelimit-limit-{kind}": str(limit), f"x-ratelimit-remaining-{kind}": str(remaining)}
    return said if reset is None else {**said, f"x-ratelimit-reset-{kind}": reset}


def test_unknown_bucket_lets_all_pass() -> None:
    """Before a server said anything, nothing is held back."""
    bucket = Bucket()
    bucket.take(1000, now=0)
    assert bucket.wait(1000, now=0) == 0
    bucket.learn({}, "requests", 0, now=0)
    assert bucket.wait(1, now=0) == 0


def test_bucket_takes_level_and_rate_from_headers() -> None:
    """The time until the bucket is full gives the rate, for limits per minute as per day."""
    bucket = Bucket()
    bucket.learn(headers(120, 0, "60s"), "requests", 0, now=100)
    assert bucket.wait(1, now=100) == pytest.approx(0.5)
    assert bucket.wait(1, now=100.5) == 0
    daily = Bucket()
    daily.learn(headers(10_000, 9_999, "8.64s"), "requests", 0, now=0)
    assert daily.rate == pytest.approx(10_000 / 86_400)


def test_requests_under_way_are_taken_off() -> None:
    """What was sent since the server counted is not counted on again."""
    bucket = Bucket()
    bucket.learn(headers(60, 10, "50s"), "requests", under_way=10, now=0)
    assert bucket.wait(1, now=0) == pytest.approx(1.0)


def test_limit_without_reset_is_per_minute() -> None:
    """A limit without a time is taken for one of a minute."""
    bucket = Bucket()
    bucket.learn(headers(600, 0, None, "tokens"), "tokens", 0, now=0)
    assert bucket.wait(5, now=0) == pytest.approx(0.5)


def test_request_larger_than_the_bucket_passes_when_it_is_full() -> None:
    """More tokens than the limit can only wait for a full bucket, not for ever."""
    bucket = Bucket()
    bucket.learn(headers(100, 50, "10s", "tokens"), "tokens", 0, now=0)
    assert bucket.wait(5000, now=0) == pytest.approx(10.0)
    assert bucket.wait(5000, now=10) == 0
