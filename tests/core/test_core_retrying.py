"""Waiting before the next try."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from turnsmith.core.retrying import Patience, StoppedError, retry_after


def test_retry_after_as_number_or_date() -> None:
    """Both forms of the header give seconds; anything else asks for nothing."""
    assert retry_after("3") == 3
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 <= (retry_after(later) or 0) <= 30
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)
    assert retry_after(past) == 0
    assert [retry_after(text) for text in (None, "", "soon")] == [None, None, None]


class _Noting(threading.Event):
    """Note how long someone wants to wait, and let nobody wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note the time."""
        self.waits.append(timeout or 0)
        return False


def waits(failures: int, asked: float | None) -> list[float]:
    """Give a hundred waits after so many failures."""
    stop = _Noting()
    for _ in range(100):
        Patience(first=0.5, longest=20, stop=stop).wait(failures, asked)
    return stop.waits


def test_waits_as_long_as_the_server_asks() -> None:
    """The server's wish goes before a shorter back-off, up to a minute."""
    assert set(waits(1, 3)) == {3}
    assert set(waits(1, 3_600)) == {60}
    assert min(waits(9, 3)) >= 10


@pytest.mark.parametrize(("failures", "longest"), [(1, 0.5), (2, 1), (5, 8), (7, 20), (50, 20)])
def test_back_off_grows_with_jitter(failures: int, longest: float) -> None:
    """The wait doubles with each failure, up to a limit, and half of it is left to chance."""
    found = waits(failures, None)
    assert longest / 2 <= min(found) < max(found) <= longest
    assert len(set(found)) > 50


def test_a_stop_ends_the_wait() -> None:
    """Another thread's failure wakes up who waits."""
    patience = Patience(first=30)
    threading.Timer(0.1, patience.stop.set).start()
    started = time.monotonic()
    with pytest.raises(StoppedError):
        patience.wait(1, None)
    assert time.monotonic() - started < 5
