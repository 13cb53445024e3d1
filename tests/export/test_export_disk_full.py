"""A full disk is told in one sentence, loses nothing that was finished, and the run goes on once there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .running import all_files, arguments, dataset, leftovers, markers, turnsmith
from .telemetry import conversation, ids, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOUNT = shutil.which("mount")
UMOUNT = shutil.which("umount")
CHUNKS = ("--chunks", "2")


def mount(*args: object) -> subprocess.CompletedProcess[str]:
    """Run mount."""
    assert MOUNT
    return subprocess.run([MOUNT, *map(str, args)], check=False, capture_output=True, text=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Give a function that makes a small disk, or grows it, and returns its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if MOUNT is None or UMOUNT is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root and mount(8)")
    mounted = mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", folder)
    if mounted.returncode:
        pytest.skip(f"mounting is not possible here: {mounted.stderr.strip()}")

    def sized(size: str) -> Path:
        resized = mount("-o", f"remount,size={size}", folder)
        assert resized.returncode == 0, resized.stderr
        return folder

    yield sized
    subprocess.run([UMOUNT, str(folder)], check=True)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give events whose texts hardly shrink when compressed: some 4 MB of records, in two files."""
    folder = tmp_path_factory.mktemp("big")
    noise = (os.urandom(8_000).hex() for _ in range(10_000))
    names = [*ids("train", 30), *ids("val", 4), *ids("test", 4)]
    for number in range(2):
        rows = [row for name in names[number::2] for row in conversation(name, 3, text=next(noise))]
        for row in rows:
            if row["Properties"].get("source") == "user":
                row["Properties"]["messageText"] = next(noise)
        write(folder / f"{number}.jsonl", rows)
    return folder


@pytest.fixture(scope="module")
def expected(big: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give all files of a run with room enough."""
    out = tmp_path_factory.mktemp("expected")
    ended = turnsmith(*arguments(big, out, *CHUNKS))
    assert ended.code == 0, ended.said
    return all_files(dataset(out))


def fails_for_space(args: list[str], out: Path) -> None:
    """Check that a run ends with 1 and the sentence on space, and leaves nothing that looks finished."""
    ended = turnsmith(*args)
    assert ended.code == 1, ended.said
    assert ended.stdout == ""
    assert "no space left" in ended.stderr
    assert "make room" in ended.stderr
    assert "run the same command again" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert list(out.glob("*/metadata.json")) == []
    assert [path for path in out.rglob("*") if path.suffix == ".part"] == []


@pytest.mark.parametrize("size", ["1500k", "2m", "3m"])
def test_full_while_events_are_read(
    size: str, disk: Callable[[str], Path], big: Path, expected: dict[str, bytes]
) -> None:
    """Full in the first phase: told, nothing half written; with room the same command gives the same bytes."""
    out = disk(size)
    args = arguments(big, out, *CHUNKS)
    fails_for_space(args, out)
    fails_for_space(args, out)
    disk("200m")
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    assert all_files(dataset(out)) == expected
    assert leftovers(out) == []


def test_full_while_files_are_written(
    disk: Callable[[str], Path], big: Path, expected: dict[str, bytes]
) -> None:
    """Full in the writing phase: files that were whole stay; with room only the others are written."""
    size = 4_000
    args: list[str] = []
    while True:  # as much room as brings it into the last phase
        out = disk(f"{size}k")
        args = arguments(big, out, *CHUNKS)
        fails_for_space(args, out)
        if markers(out, "writing") or len(markers(out, "conversations")) == 2:
            break
        size += 500
        assert size < 20_000
    kept = {path: path.stat().st_mtime_ns for path in out.glob(".turnsmith/*/dataset/*/*_turns.json")}
    marked = markers(out, "writing")
    fails_for_space(args, out)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert markers(out, "writing") >= marked
    disk("200m")
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    assert all_files(dataset(out)) == expected
    assert leftovers(out) == []


def test_a_finished_set_stays(disk: Callable[[str], Path], big: Path, expected: dict[str, bytes]) -> None:
    """A run that finds the disk full leaves the set of an earlier one as it is."""
    out = disk("200m")
    assert turnsmith(*arguments(big, out, *CHUNKS)).code == 0
    before = dataset(out)
    used = sum(path.stat().st_size for path in before.rglob("*") if path.is_file()) // 1024
    disk(f"{used + 500}k")
    ended = turnsmith(*arguments(big, out, *CHUNKS, "--seed", 1, stamp="20260101_000001"))
    assert ended.code == 1
    assert "no space left" in ended.stderr
    assert all_files(before) == expected


def test_full_from_the_start(disk: Callable[[str], Path], big: Path, expected: dict[str, bytes]) -> None:
    """A disk without any room at all is told in the same sentence."""
    out = disk("64k")
    filler = out / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    assert shutil.disk_usage(out).free == 0
    args = arguments(big, out, *CHUNKS)
    fails_for_space(args, out)
    filler.unlink()
    disk("200m")
    assert turnsmith(*args).code == 0
    assert all_files(dataset(out)) == expected
    assert leftovers(out) == []
