"""A killed balance leaves no file, and the next run ends with the bytes of an undisturbed one."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.labels.making import label
from turnsmith.labels import labeled_set


def command(folder: Path, out: Path) -> list[str]:
    """Return the command line of a run."""
    balance = ["balance", str(folder), "--name", "x", "--out", str(out), "--within", "bucket", "--near", "0"]
    return [sys.executable, "-m", "turnsmith", *balance]


def contents(out: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def stopped(folder: Path, out: Path, how: signal.Signals) -> tuple[int, str]:
    """Send a signal to a run in its middle; return its exit code and what it said."""
    labels = [label(n, request=f"thing number {n:06} " * 20) for n in range(8_000)]
    labeled_set.write(folder, "set", labels)
    process = subprocess.Popen(command(folder, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (out / ".x.balance.part" / "rows").exists():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(how)
    errors = process.communicate()[1].decode()
    return process.returncode, errors


@pytest.mark.slow
def test_killed_run_leaves_no_file(tmp_path: Path) -> None:
    """Killed in its middle it leaves nothing under a final name; run again it is whole."""
    folder, out = tmp_path / "labels", tmp_path / "out"
    assert stopped(folder, out, signal.SIGKILL)[0] == -signal.SIGKILL
    assert contents(out) == {}
    for place in (out, tmp_path / "undisturbed"):
        subprocess.run(command(folder, place), check=True, capture_output=True)
    assert contents(out) == contents(tmp_path / "undisturbed")
    assert [path.name for path in out.iterdir() if path.is_dir()] == []


@pytest.mark.slow
def test_stopped_run_says_so(tmp_path: Path) -> None:
    """Stopped politely it says that nothing was written, and cleans up."""
    code, errors = stopped(tmp_path / "labels", tmp_path / "out", signal.SIGTERM)
    assert code == 130
    assert "Nothing was written" in errors
    assert list((tmp_path / "out").iterdir()) == []
