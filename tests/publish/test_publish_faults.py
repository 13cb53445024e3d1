"""Publishing over a bad line: what is retried, what survives, and what is sent again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from turnsmith.core.retrying import Patience
from turnsmith.publish.blob import publish_dataset, verify_remote
from turnsmith.publish.blob.errors import ConnectionLostError
from turnsmith.verify import verify_dataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Place
    from .faulty_proxy import Proxy

KIB = 1 << 10
BLOCK = 256 * KIB
PUBLISH = f"""
import sys
from pathlib import Path
from turnsmith.publish.blob import publish_dataset
publish_dataset(Path(sys.argv[1]), sys.argv[2], block_bytes={BLOCK})
"""


def _kill_halfway(dataset: Path, url: str, proxy: Proxy, blocks: int) -> None:
    """Publish in a process of its own, and kill it when about half of the blocks are on their way."""
    process = subprocess.Popen([sys.executable, "-c", PUBLISH, str(dataset), url], env=dict(os.environ))
    deadline = time.monotonic() + 60
    while proxy.count("comp=block&") < blocks // 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    proxy.hang_up()
    time.sleep(0.3)


def test_a_killed_upload_goes_on_where_it_was(
    place: Place, proxy: Proxy, make_dataset: Callable[..., Path]
) -> None:
    """After kill -9 halfway nothing is visible; the next run sends the missing blocks only."""
    dataset = make_dataset(40 * BLOCK)
    proxy.rate = 2e6
    _kill_halfway(dataset, place.url(proxy.port), proxy, 40)
    assert place.blobs() == {}
    proxy.rate, before = None, proxy.bytes_sent
    published = publish_dataset(dataset, place.url(proxy.port), block_bytes=BLOCK)
    first_run = proxy.count("comp=block&") - published.blocks_sent
    assert published.blocks_reused >= first_run - 4  # those under way in four threads were lost
    assert published.blocks_reused >= 10
    assert published.blocks_sent + published.blocks_reused == 41 + published.files - 1
    assert published.bytes_sent < published.bytes
    assert proxy.bytes_sent - before < published.bytes_sent + 64 * KIB
    assert verify_remote(published.url) == verify_dataset(dataset)


def test_a_run_killed_between_commits_goes_on(
    place: Place, make_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that are committed already are skipped; blocks of the others are still there."""
    from turnsmith.publish.blob import upload

    dataset, commit = make_dataset(10 * BLOCK), upload.commit
    done: list[object] = []

    def die(*args: object) -> None:
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(args)
        commit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(upload, "commit", die)
    with pytest.raises(KeyboardInterrupt):
        publish_dataset(dataset, place.url(), block_bytes=BLOCK)
    assert len(place.blobs()) == 4
    monkeypatch.undo()
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", place.server.connection_string())
    published = publish_dataset(dataset, place.url(), block_bytes=BLOCK)
    assert (published.blocks_sent, published.files_skipped) == (0, 4)
    assert "metadata.json" in place.blobs()


@pytest.mark.parametrize("fault", ["cuts", "refusals", "flips"])
def test_a_bad_line_is_survived(
    fault: str, place: Place, proxy: Proxy, make_dataset: Callable[..., Path]
) -> None:
    """Cut connections, 503 with Retry-After and damaged bytes are retried; what arrives is whole."""
    dataset = make_dataset(8 * BLOCK)
    setattr(proxy, fault, 3)
    started = time.monotonic()
    published = publish_dataset(
        dataset, place.url(proxy.port), block_bytes=BLOCK, patience=Patience(tries=8, first=0.01)
    )
    assert getattr(proxy, fault) == 0
    assert time.monotonic() - started > 1 or fault != "refusals"  # the server asked for a second
    assert verify_remote(published.url) == verify_dataset(dataset)


def test_a_lost_answer_to_a_commit_is_no_conflict(
    place: Place, proxy: Proxy, make_dataset: Callable[..., Path]
) -> None:
    """The server committed, its answer was lost: the retry meets our own blob, and that is a success."""
    dataset = make_dataset()
    proxy.lose_answer_to = "val/short_3_to_5_turns.json?comp=blocklist"
    publish_dataset(dataset, place.url(proxy.port), patience=Patience(first=0.01))
    assert proxy.lose_answer_to == ""
    assert "metadata.json" in place.blobs()


def test_a_dead_line_is_a_clear_error(
    place: Place, proxy: Proxy, make_dataset: Callable[..., Path], quick: Patience
) -> None:
    """A connection that is cut again and again ends in one sentence that says how to go on."""
    dataset = make_dataset(8 * BLOCK)
    proxy.cuts = 1000
    with pytest.raises(ConnectionLostError, match=r"cut, 3 times.*Run the same command again") as caught:
        publish_dataset(dataset, place.url(proxy.port), block_bytes=BLOCK, patience=quick)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert place.blobs() == {}


def test_no_server_is_a_clear_error(place: Place, make_dataset: Callable[..., Path], quick: Patience) -> None:
    """Nobody listens: the error names the host."""
    with pytest.raises(ConnectionLostError, match=r"127\.0\.0\.1:1: no connection"):
        publish_dataset(make_dataset(), place.url(1), patience=quick)


def test_downloads_are_retried(place: Place, proxy: Proxy, make_dataset: Callable[..., Path]) -> None:
    """Verifying survives refused requests."""
    published = publish_dataset(make_dataset(), place.url())
    proxy.refusals = 2
    url = published.url.replace(str(place.server.port), str(proxy.port))
    verify_remote(url, patience=Patience(first=0.01))
    assert proxy.refusals == 0
