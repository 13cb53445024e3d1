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


def test_waits_as_long_as_the_server_asks() -> None:
    """The server's wish goes before a shorter back-off."""
    started = time.monotonic()
    Patience(first=0.01).wait(1, 0.3)
    assert 0.3 <= time.monotonic() - started < 1


def test_back_off_grows_with_jitter() -> None:
    """The wait doubles with each failure, up to a limit, and half of it is left to chance."""
    waits = []
    for failures in (1, 3, 9):
        started = time.monotonic()
        Patience(first=0.04, longest=0.2).wait(failures, None)
        waits.append(time.monotonic() - started)
    assert 0.02 <= waits[0] <= 0.08
    assert 0.08 <= waits[1] <= 0.2
    assert 0.1 <= waits[2] <= 0.3


def test_a_stop_ends_the_wait() -> None:
    """Another thread's failure wakes up who waits."""
    patience = Patience(first=30)
    threading.Timer(0.1, patience.stop.set).start()
    started = time.monotonic()
    with pytest.raises(StoppedError):
        patience.wait(1, None)
    assert time.monotonic() - started < 5
