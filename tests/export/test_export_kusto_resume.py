"""A pull from a cluster that was stopped goes on where it was, and asks nothing twice."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from . import kusto_faults as faults
from .kusto_proxy import CANDIDATES
from .running import (
    INTERRUPTED,
    KILLED,
    Deed,
    Doomed,
    Moment,
    data_files,
    dataset,
    doomed,
    leftovers,
    markers,
    pull,
    pull_arguments,
    work_folder,
)

if TYPE_CHECKING:
    from pathlib import Path

    from .kusto_proxy import Proxy

ONE_BY_ONE = ("--chunks", "4", "--parallel", "1")


def test_killed_midway(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """After kill -9 the finished chunks are not asked for again, and the files are the same."""
    args = pull_arguments(proxy.uri, tmp_path / "out", *ONE_BY_ONE)
    assert doomed(tmp_path, args, Moment("os.rename", "steps/chunks-", 3)).code == KILLED
    assert markers(tmp_path / "out", "chunks") == {"chunks-000004-000000", "chunks-000004-000001"}
    assert proxy.log.chunks() == [(0, 4), (1, 4), (2, 4)]
    ended = pull(proxy.uri, tmp_path / "out", *ONE_BY_ONE)
    assert ended.code == 0, ended.said
    assert proxy.log.chunks()[3:] == [(2, 4), (3, 4)]
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)
    assert leftovers(tmp_path / "out") == []


def test_killed_after_the_last_chunk(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """Killed while it writes, a run asks for no chunk again."""
    args = pull_arguments(proxy.uri, tmp_path / "out")
    assert doomed(tmp_path, args, Moment("os.rename", "steps/writing-", 2)).code == KILLED
    before = len(proxy.log.chunks())
    assert pull(proxy.uri, tmp_path / "out").code == 0
    assert len(proxy.log.chunks()) == before == 2
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)


def test_a_killed_run_remembers_splits(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """A chunk that was too large is not asked for again as a whole."""
    proxy.spoil(faults.over_limit, chunk=(1, 2))
    args = pull_arguments(proxy.uri, tmp_path / "out", "--parallel", "1")
    assert doomed(tmp_path, args, Moment("os.rename", "steps/chunks-000004", 2)).code == KILLED
    assert proxy.log.chunks() == [(0, 2), (1, 2), (1, 4), (3, 4)]
    assert pull(proxy.uri, tmp_path / "out", "--parallel", "1").code == 0
    assert proxy.log.chunks()[4:] == [(3, 4)]
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)


def test_a_damaged_chunk_is_pulled_again(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """A chunk's file with another checksum than was kept is not believed."""
    args = pull_arguments(proxy.uri, tmp_path / "out", *ONE_BY_ONE)
    assert doomed(tmp_path, args, Moment("os.rename", "steps/chunks-", 3)).code == KILLED
    file = work_folder(tmp_path / "out") / "chunks" / "000004-000001.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert pull(proxy.uri, tmp_path / "out", *ONE_BY_ONE).code == 0
    assert proxy.log.chunks()[3:] == [(1, 4), (2, 4), (3, 4)]
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)


def test_the_question_is_frozen(proxy: Proxy, tmp_path: Path) -> None:
    """Without --as-of, a resumed run asks for the window of its first start, and now() means the same."""
    args = pull_arguments(proxy.uri, tmp_path / "out", "--window", "800d", as_of=None)
    assert doomed(tmp_path, args, Moment("os.rename", "steps/chunks-", 2)).code == KILLED
    time.sleep(1.1)
    ended = pull(proxy.uri, tmp_path / "out", "--window", "800d", as_of=None)
    assert ended.code == 0, ended.said
    assert len(proxy.log.chunks()) > 2
    assert len({(each.as_of, each.query_now) for each in proxy.log.asked}) == 1


@pytest.mark.parametrize("changed", [("--window", "14d"), ("--chunks", "3"), ("--dropped", "dropped.jsonl")])
def test_another_question_starts_anew(changed: tuple[str, str], proxy: Proxy, tmp_path: Path) -> None:
    """Chunks of another window, number of chunks or choice are not taken for those of this one."""
    args = pull_arguments(proxy.uri, tmp_path / "out", "--parallel", "1")
    assert doomed(tmp_path, args, Moment("os.rename", "steps/chunks-", 2)).code == KILLED
    value = str(tmp_path / changed[1]) if changed[0] == "--dropped" else changed[1]
    ended = pull(proxy.uri, tmp_path / "out", "--parallel", "1", changed[0], value)
    assert ended.code == 0, ended.said
    assert [number for number, _ in proxy.log.chunks()] in ([0, 1, 0, 1], [0, 1, 0, 1, 2])


def test_other_limits_go_on(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """How many at a time and how long to wait may change between a stop and its resumption."""
    args = pull_arguments(proxy.uri, tmp_path / "out", *ONE_BY_ONE)
    assert doomed(tmp_path, args, Moment("os.rename", "steps/chunks-", 3)).code == KILLED
    options = ("--chunks", "4", "--parallel", "2", "--server-timeout", "5m", "--client-timeout", "6m")
    assert pull(proxy.uri, tmp_path / "out", *options).code == 0
    assert sorted(proxy.log.chunks()[3:]) == [(2, 4), (3, 4)]
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)


def test_other_targets_go_on(proxy: Proxy, tmp_path: Path) -> None:
    """Other targets, another format and another name are made of the chunks that are there already."""
    args = pull_arguments(proxy.uri, tmp_path / "out", "--parallel", "1")
    assert doomed(tmp_path, args, Moment("os.rename", "steps/writing-", 2)).code == KILLED
    before = len(proxy.log.chunks())
    options = ("--target", "short=2", "--format", "jsonl", "--split", "val")
    changed = pull(proxy.uri, tmp_path / "out", *options, stamp="20260102_000000")
    assert changed.code == 0, changed.said
    assert len(proxy.log.chunks()) == before
    assert leftovers(tmp_path / "out") == []
    assert pull(proxy.uri, tmp_path / "fresh", *options, stamp="20260102_000000").code == 0
    assert data_files(dataset(tmp_path / "out")) == data_files(dataset(tmp_path / "fresh"))
    assert dataset(tmp_path / "out").name == dataset(tmp_path / "fresh").name


def test_two_runs_at_once(proxy: Proxy, undisturbed: Path, tmp_path: Path) -> None:
    """While one run pulls, another on the same folder stops at once and asks nothing."""
    signal_file = tmp_path / "go"
    args = pull_arguments(proxy.uri, tmp_path / "out", "--parallel", "1")
    first = Doomed(tmp_path, args, Moment("os.rename", "steps/chunks-"), Deed(wait_for=str(signal_file)))
    while not (tmp_path / "go.reached").exists():
        time.sleep(0.01)
    before = len(proxy.log.asked)
    second = pull(proxy.uri, tmp_path / "out", "--parallel", "1")
    assert second.code == 1
    assert "another run" in second.stderr
    assert len(proxy.log.asked) == before
    signal_file.touch()
    assert first.end().code == 0
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_it_waits(sign: signal.Signals, proxy: Proxy, tmp_path: Path) -> None:
    """Ctrl-C or a polite kill ends a run at once, though the cluster is silent, and keeps what is finished."""
    proxy.spoil(faults.silence, CANDIDATES, times=3)
    run = Doomed(tmp_path, pull_arguments(proxy.uri, tmp_path / "out"), Moment("never", "never"))
    while len(proxy.log.chunks()) < 2:
        time.sleep(0.02)
    assert run.process.pid
    started = time.monotonic()
    os.kill(run.process.pid, sign)
    ended = run.end()
    assert time.monotonic() - started < 5
    assert ended.code == INTERRUPTED, ended.said
    assert "run the same command again" in ended.stderr
