"""Whatever happens to an answer on its way, the data set is the one of the undisturbed run, or there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from . import kusto_faults as faults
from .kusto_proxy import CANDIDATES, COUNTS, Proxy
from .running import data_files, dataset, leftovers, pull

if TYPE_CHECKING:
    from pathlib import Path

PASSING = [
    faults.throttled, faults.unavailable, faults.no_answer, faults.cut_connection, faults.truncated_json,
    faults.lost_completion, faults.empty_answer, faults.lost_row, faults.errors_in_last_frame_only,
    faults.partial_for_now,
]  # fmt: skip
SPLITTING = [
    faults.gateway_timeout, faults.server_timeout, faults.over_limit,
    faults.over_limit_deferred, faults.partial_with_low_memory,
]  # fmt: skip


def name(fault: Any) -> str:
    """Name a fault."""
    return str(fault.__name__)


@pytest.mark.parametrize("query", [CANDIDATES, COUNTS])
@pytest.mark.parametrize("fault", PASSING, ids=name)
def test_what_passes_is_asked_again(
    fault: Any, query: str, proxy: Proxy, undisturbed: Path, tmp_path: Path
) -> None:
    """A fault that passes costs another question, and the files are those of the undisturbed run."""
    proxy.spoil(fault, query, chunk=(1, 2))
    ended = pull(proxy.uri, tmp_path / "out")
    assert ended.code == 0, ended.said
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)
    asked = [each for each in proxy.log.asked if each.query == query and each.number == 1]
    assert {each.of for each in asked} == {2}
    assert len(asked) in (2, 3)
    assert leftovers(tmp_path / "out") == []


@pytest.mark.parametrize("fault", SPLITTING, ids=name)
def test_what_is_too_much_is_split(fault: Any, proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """A chunk that is too large or too slow is asked for in halves, and the files are the same."""
    proxy.spoil(fault, chunk=(1, 2))
    ended = pull(proxy.uri, tmp_path / "out")
    assert ended.code == 0, ended.said
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)
    assert sorted(proxy.log.chunks()) == [(0, 2), (1, 2), (1, 4), (3, 4)]
    assert "chunk 1 of 2 is split in two" in ended.stderr


@pytest.mark.parametrize("fault", [faults.silence, faults.drip], ids=name)
def test_silence_is_too_slow(fault: Any, proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """Where no answer comes, or none that ends, the client gives up after its timeout and asks in halves."""
    proxy.spoil(faults.over_limit, chunk=(1, 2))
    assert pull(proxy.uri, tmp_path / "before").code == 0  # from here on the proxy knows the answers
    proxy.log.asked.clear()
    proxy.spoil(fault, chunk=(1, 2))
    ended = pull(proxy.uri, tmp_path / "out", "--server-timeout", "6s", "--client-timeout", "7s")
    assert ended.code == 0, ended.said
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)
    assert (1, 4) in proxy.log.chunks()
    assert "chunk 1 of 2 is split in two: the query takes too long" in ended.stderr


def test_retry_after_is_kept(proxy: Proxy, tmp_path: Path) -> None:
    """The server is left alone as long as it asks for."""
    moments: list[float] = []

    def note(handler: Any, request: Any) -> None:
        moments.append(time.monotonic())
        if len(moments) == 1:
            handler.answer(429, b"", {"Retry-After": "2"})
        else:
            handler.answer(*handler.forwarded(request))

    proxy.spoil(note, chunk=(1, 2), times=2)
    assert pull(proxy.uri, tmp_path / "out").code == 0
    assert moments[1] - moments[0] >= 2  # the first back-off alone is half a second at most


def test_semantic_errors_are_not_retried(proxy: Proxy, tmp_path: Path) -> None:
    """A query that the server does not understand is asked once, and named with the position."""
    proxy.spoil(faults.semantic, times=100)
    ended = pull(proxy.uri, tmp_path / "out", "--parallel", "1")
    assert ended.code == 2
    assert "sft_candidates_hash_chunked" in ended.stderr
    assert "Semantic error" in ended.stderr
    assert "[line:position=" in ended.stderr
    assert proxy.log.chunks() == [(0, 2)]


def test_missing_rights_are_not_retried(proxy: Proxy, tmp_path: Path) -> None:
    """Without rights the first refusal ends the run, and says which role is needed."""
    proxy.spoil(faults.forbidden, COUNTS, times=100)
    ended = pull(proxy.uri, tmp_path / "out", "--parallel", "1")
    assert ended.code == 1
    assert "Database Viewer" in ended.stderr
    assert len(proxy.log.asked) == 1


def test_unknown_database(proxy: Proxy, tmp_path: Path) -> None:
    """A database that is not there ends the run with the server's word on it."""
    ended = pull(proxy.uri, tmp_path / "out", "--database", "Elsewhere")
    assert ended.code == 1
    assert "'Elsewhere'" in ended.stderr


def test_a_chunk_that_is_always_too_much(proxy: Proxy, tmp_path: Path) -> None:
    """Halving ends at a floor, with advice, and nothing is written."""
    proxy.spoil(faults.gateway_timeout, COUNTS, times=10_000)
    ended = pull(proxy.uri, tmp_path / "out", "--chunks", "1")
    assert ended.code == 1
    assert "of 64 is still too much" in ended.stderr
    assert "--window" in ended.stderr
    assert list((tmp_path / "out").glob("*/metadata.json")) == []


def test_lost_answers_of_both_queries(proxy: Proxy, tmp_path: Path) -> None:
    """A chunk that both queries call empty does not pass: the whole window is counted, too."""
    proxy.spoil(faults.empty_answer, COUNTS, times=1, chunk=(1, 2))
    proxy.spoil(faults.empty_answer, CANDIDATES, times=1, chunk=(1, 2))
    ended = pull(proxy.uri, tmp_path / "out")
    assert ended.code == 0, ended.said
    assert proxy.log.chunks().count((1, 2)) == 2


def test_counts_that_never_agree(proxy: Proxy, tmp_path: Path) -> None:
    """Where chunks and the whole never agree, the run fails and says what it may be."""
    proxy.spoil(faults.empty_answer, COUNTS, times=100, chunk=(0, 1))
    ended = pull(proxy.uri, tmp_path / "out")
    assert ended.code == 1
    assert "do not add up" in ended.stderr


def test_answers_for_another_chunk(proxy: Proxy, tmp_path: Path) -> None:
    """As many rows are not enough: they have to be those of the chunk."""
    proxy.spoil(faults.other_chunk, chunk=(1, 2))
    ended = pull(proxy.uri, tmp_path / "out")
    assert ended.code == 1
    assert "of another chunk" in ended.stderr
