"""One run at a time on an --out folder: the second stops at once and disturbs nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from turnsmith.core.runs import hold

from .running import (
    HOME,
    Deed,
    Doomed,
    Moment,
    all_files,
    arguments,
    dataset,
    doomed,
    export,
    leftovers,
    turnsmith,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("fingerprint", ["0123456789abcdef", "fedcba9876543210"])
def test_a_held_folder_stops_the_second_run(fingerprint: str, plain: Path, tmp_path: Path) -> None:
    """While another run holds --out, an export exits with 1, names the folder and says what to do."""
    out = tmp_path / "out"
    with hold(out, fingerprint):
        before = sorted(out.rglob("*"))
        ended = export(plain, out)
        assert ended.code == 1
        assert ended.stdout == ""
        assert "another run" in ended.stderr
        assert str(out) in ended.stderr
        assert "wait" in ended.stderr
        assert "--out" in ended.stderr
        assert sorted(out.rglob("*")) == before
    assert leftovers(out) == []
    assert export(plain, out).code == 0


def test_other_folders_are_free(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """A run on one folder keeps nobody out of another, not even beside or below it."""
    with hold(tmp_path, "0123456789abcdef"):
        assert export(plain, tmp_path / "out").code == 0
    assert all_files(dataset(tmp_path / "out")) == all_files(undisturbed)


def times(out: Path) -> dict[Path, int]:
    """Give the time of the last change of everything below `out`."""
    return {path: path.stat().st_mtime_ns for path in out.rglob("*")}


def at_rest(out: Path) -> dict[Path, int]:
    """Give these times once nothing moves any more."""
    before: dict[Path, int] = {}
    while (now := times(out)) != before:
        before = now
        time.sleep(0.3)
    return now


@pytest.mark.parametrize("place", ["steps/turns-", "_turns.json", "/vscodedata_"])
def test_two_processes(place: str, plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """The second of two equal commands stops within a moment; the first ends as if it had been alone."""
    out = tmp_path / "out"
    args = arguments(plain, out)
    gate = tmp_path / "gate"
    first = Doomed(tmp_path, args, Moment("os.rename", place), Deed(wait_for=str(gate)))
    reached = gate.with_name("gate.reached")
    while not reached.exists():
        assert first.process.is_alive()
        time.sleep(0.01)
    files = at_rest(out)
    started = time.monotonic()
    second = turnsmith(*args)
    assert time.monotonic() - started < 5
    assert second.code == 1
    assert "another run" in second.stderr
    assert times(out) == files
    gate.touch()
    ended = first.end()
    assert ended.code == 0, ended.said
    assert all_files(dataset(out)) == all_files(undisturbed)
    assert leftovers(out) == []
    third = turnsmith(*args)
    assert third.code == 0
    assert "nothing to do" in third.stdout


def test_the_lock_dies_with_its_process(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """A killed run keeps nobody out: its lock file alone means nothing."""
    out = tmp_path / "out"
    doomed(tmp_path, arguments(plain, out), Moment("os.rename", "state.json"))
    assert (out / HOME / "lock").exists()
    assert export(plain, out).code == 0
    assert all_files(dataset(out)) == all_files(undisturbed)


def test_a_run_that_ends_while_another_starts(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """The folder of the lock, removed by a run that just ends, is made again by the one that starts."""
    out = tmp_path / "out"
    vanish = Deed(remove=str(out / HOME))
    ended = doomed(tmp_path, arguments(plain, out), Moment("open", f"{HOME}/lock"), vanish)
    assert ended.code == 0, ended.stderr[-600:]
    assert all_files(dataset(out)) == all_files(undisturbed)
    assert leftovers(out) == []
