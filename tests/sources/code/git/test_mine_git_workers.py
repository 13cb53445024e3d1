"""Long histories in several processes: the same bytes, the same counts, and no process left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.sources.code.git.repositories import CODE, FIX_SUBJECT, FIXED, Maker, run, started
from turnsmith.sources.code.git import workers

AUTHORS = ("Ada Example <ada@example.org>", "Bob Example <bob@example.org>")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with fixes by two authors, a blamed commit, a rename, and a file that can't be read."""
    maker = started(tmp_path_factory.mktemp("history") / "repo")
    first = maker.commit(FIX_SUBJECT, {"rows.py": FIXED}, AUTHORS[1])
    body = f"The list may be empty on the first call of all.\n\nFixes: {first}\n"
    for number in range(12):
        subject = f"Fix wrong number {number} in the module"
        said = f"{subject}\n\n{body}" if number == 5 else subject
        maker.commit(said, {"rows.py": f"LIMIT = {number}\n{FIXED}"}, AUTHORS[number % 2])
    maker.commit("Fix wrong number in the other module", {"other.py": CODE, "rows.py": FIXED})
    _spoil(maker, "HEAD~4:rows.py")
    return maker.folder


def _spoil(maker: Maker, what: str) -> None:
    name = maker.git("rev-parse", what).decode().strip()
    path = maker.folder / ".git" / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"this is no zlib stream")


@pytest.mark.parametrize("options", [(), ("--kinds", "patch,review"), ("--max-per-author", "3")])
def test_several_processes_write_what_one_writes(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Examples and report do not tell how many processes built them."""
    monkeypatch.setattr(workers, "LEAST_COMMITS", 1)
    monkeypatch.setattr(workers, "BATCH", 2)
    sides: list[tuple[bytes, Any]] = []
    for count in ("1", "3"):
        out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
        result = run(history, "--out", out, "--report", report, "--workers", count, *options)
        assert result.exit_code == 0, result.output
        sides.append((out.read_bytes(), json.loads(report.read_bytes())))
    assert sides[0] == sides[1]
    assert sides[0][1]["written"] > 3
    assert sides[0][1]["repositories"][0]["commits"]["bad"]


def test_batches_know_nothing_of_each_other(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one batch ends and the next begins changes no byte."""
    written = []
    for size in (1, 3, 128):
        monkeypatch.setattr(workers, "BATCH", size)
        assert run(history, "--out", tmp_path / "out.jsonl", "--workers", "1").exit_code == 0
        written.append((tmp_path / "out.jsonl").read_bytes())
    assert written[0] == written[1] == written[2]


def test_short_histories_start_no_process(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under some hundred commits the work is done here: to start a process would cost more."""
    monkeypatch.delattr(workers, "ProcessPoolExecutor")
    assert run(history, "--out", tmp_path / "out.jsonl", "--workers", "3").exit_code == 0


SLOW = """
import time
from turnsmith.sources.code.git import making, workers

def main():
    from turnsmith.cli import app
    workers.LEAST_COMMITS = workers.BATCH = 1
    app()

if __name__ == "__main__":
    main()
else:  # a worker, which shall not be done before it is met
    making.why_dropped = lambda *_: time.sleep(600)
"""


@contextlib.contextmanager
def _at_work(history: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[psutil.Process]]]:
    """Give a run whose two workers are busy for long, and those workers."""
    script = folder / "slow.py"
    script.write_text(SLOW, encoding="utf-8")
    options = ["--out", folder / "out.jsonl", "--workers", "2"]
    command = [str(each) for each in (sys.executable, script, "mine", "git", history, *options)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            yield process, _workers_of(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _workers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the workers of a run, once there are two with their own watch over the parent."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = [each for each in psutil.Process(process.pid).children() if _is_ready(each)]
        if len(found) == 2:
            return found
        time.sleep(0.05)
    raise AssertionError("two workers did not start within half a minute")


def _is_ready(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):  # git's processes come and go
        return "spawn_main" in " ".join(process.cmdline()) and process.num_threads() > 1
    return False


def test_workers_end_with_a_killed_run(history: Path, tmp_path: Path) -> None:
    """A run that is killed the hard way leaves no worker and no output."""
    with _at_work(history, tmp_path) as (process, found):
        process.kill()
        _, alive = psutil.wait_procs(found, timeout=20)
        assert not alive
        assert not (tmp_path / "out.jsonl").exists()


def test_a_killed_worker_is_told(history: Path, tmp_path: Path) -> None:
    """Where the machine kills a worker the run ends with exit code 1 and says what to try."""
    with _at_work(history, tmp_path) as (process, found):
        found[0].kill()
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 1
        assert b"a process that builds examples was killed" in errors
        assert b"Traceback" not in errors
        _, alive = psutil.wait_procs(found, timeout=20)
        assert not alive


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_workers(history: Path, tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C, which all processes of a terminal get, and a polite kill end the run and its workers at once."""
    with _at_work(history, tmp_path) as (process, found):
        if how == signal.SIGINT:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 130
        assert b"Traceback" not in errors
        _, alive = psutil.wait_procs(found, timeout=20)
        assert not alive
        assert not (tmp_path / "out.jsonl").exists()
