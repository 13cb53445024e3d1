"""The server behind the judge's benchmark keeps to its latency and its room, and counts right."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from turnsmith.labels.judge.answer import LABELED, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).resolve().parents[2] / "benchmarks" / "latency_server.py"
LATENCY, ROOM = 0.05, 4


@pytest.fixture
def url() -> Iterator[str]:
    """Run the server; give its address."""
    command = [sys.executable, str(SERVER), "--latency", str(LATENCY), "--room", str(ROOM)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def chat(url: str) -> bytes:
    """Send a chat and return the reply."""
    request = urllib.request.Request(f"{url}/chat/completions", b'{"messages": []}')
    with urllib.request.urlopen(request, timeout=30) as response:
        body: bytes = response.read()
    return body


def stats(url: str) -> dict[str, Any]:
    """Return the server's counts."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats", timeout=30) as response:
        counts: dict[str, Any] = json.load(response)
    return counts


def test_answers_come_after_the_latency_and_no_more_at_once_than_there_is_room_for(url: str) -> None:
    """12 requests of 12 clients with room for 4 take at least three times the latency; all are answered."""
    started = time.monotonic()
    with ThreadPoolExecutor(12) as pool:
        answers = [parse(body) for body in pool.map(chat, [url] * 12)]
    assert time.monotonic() - started >= 3 * LATENCY
    assert stats(url) == {"answered": 12, "most": ROOM}
    assert {(answer.state, answer.digit) for answer in answers} == {(LABELED, 0)}
    assert answers[0].soft_label(False) == pytest.approx(0.3)
