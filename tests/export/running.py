"""Run the command line in this process, or in another one that dies at a moment of the test's choice."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from turnsmith.cli import app, main

from .telemetry import AS_OF, STAMP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.context import ForkServerContext, ForkServerProcess

HOME = ".turnsmith"
KILLED = -signal.SIGKILL
INTERRUPTED = 130


@dataclass(frozen=True)
class Ended:
    """Tell how a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """All that was printed."""
        return self.stdout + self.stderr


def turnsmith(*args: object) -> Ended:
    """Run a command in this process; an exception that would show as a traceback is raised here."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"traceback instead of a message: {result.exception!r}") from result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def arguments(
    events: object, out: Path, *options: object, as_of: str | None = AS_OF, stamp: str | None = STAMP
) -> list[str]:
    """Give the arguments of an export in test mode."""
    paths = events if isinstance(events, list) else [events]
    args: list[object] = ["export", "--events", *paths, "--out", out, "--mode", "test"]
    args += ["--as-of", as_of] if as_of else []
    args += ["--stamp", stamp] if stamp else []
    return [str(arg) for arg in (*args, *options)]


def export(events: object, out: Path, *options: object, **fixed: str | None) -> Ended:
    """Run an export in this process."""
    return turnsmith(*arguments(events, out, *options, **fixed))


def pull_arguments(
    uri: str, out: Path, *options: object, as_of: str | None = AS_OF, stamp: str | None = STAMP
) -> list[str]:
    """Give the arguments of an export from a cluster, in test mode and two chunks."""
    args: list[object] = ["export", "--source", "kusto", "--cluster", uri, "--database", "NetDefaultDB"]
    args += ["--out", out, "--mode", "test", "--chunks", 2]
    args += ["--as-of", as_of] if as_of else []
    args += ["--stamp", stamp] if stamp else []
    return [str(arg) for arg in (*args, *options)]


def pull(uri: str, out: Path, *options: object, **fixed: str | None) -> Ended:
    """Run an export from a cluster in this process."""
    return turnsmith(*pull_arguments(uri, out, *options, **fixed))


def pulled(uri: str, out: Path, *options: object) -> Path:
    """Run an export from a cluster that must succeed, and give the folder of the data set."""
    ended = pull(uri, out, *options)
    assert ended.code == 0, ended.said
    assert leftovers(out) == []
    return dataset(out)


def exported(events: object, out: Path, *options: object, **fixed: str | None) -> Path:
    """Run an export that must succeed, and give the folder of the data set."""
    ended = export(events, out, *options, **fixed)
    assert ended.code == 0, ended.said
    assert leftovers(out) == []
    return dataset(out)


def dataset(out: Path) -> Path:
    """Give the only data set folder in `out`."""
    (found,) = out.glob("*/metadata.json")
    return found.parent


def metadata(folder: Path) -> dict[str, Any]:
    """Read a data set's metadata."""
    content: dict[str, Any] = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    return content


def data_files(folder: Path) -> dict[str, bytes]:
    """Give the bytes of every file of a data set but its metadata."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "metadata.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def all_files(folder: Path) -> dict[str, bytes]:
    """Give the bytes of every file of a data set."""
    return {**data_files(folder), "metadata.json": (folder / "metadata.json").read_bytes()}


def records(folder: Path) -> list[dict[str, Any]]:
    """Read all records of a data set in JSON."""
    files = sorted(folder.rglob("*_turns.json"))
    return [record for file in files for record in json.loads(file.read_bytes())]


def leftovers(out: Path) -> list[str]:
    """Name what is in `out` beside finished data sets, and everything temporary in it."""
    strange = [path for path in out.iterdir() if not (path / "metadata.json").exists()]
    inner = [
        p for p in out.rglob("*") if p.name.startswith((".", "tmp")) or p.name.endswith((".part", ".tmp"))
    ]
    return sorted({str(path.relative_to(out)) for path in (*strange, *inner)})


def work_folder(out: Path) -> Path:
    """Give the folder of the one unfinished run in `out`."""
    (found,) = (path for path in (out / HOME).iterdir() if path.is_dir())
    return found


def markers(out: Path, phase: str = "") -> set[str]:
    """Name the finished steps of the unfinished run in `out`, those of a phase or all."""
    return {path.stem for path in (out / HOME).glob(f"*/steps/{phase}*.json")}


@dataclass(frozen=True)
class Moment:
    """Point at a system call of a run: the n-th of an audit event whose path holds a text.

    `after` names an event that has to come first, in the same form.
    """

    event: str
    path: str = ""
    n: int = 1
    after: str | None = None


@dataclass(frozen=True)
class Deed:
    """Say what happens at a moment: a signal to the process itself, a wait for a file, a folder's removal."""

    signal: int | None = None
    wait_for: str | None = None
    remove: str | None = None

    def do(self) -> None:
        """Do it."""
        if self.remove:
            shutil.rmtree(self.remove)
        if self.wait_for:
            Path(self.wait_for + ".reached").touch()
            while not Path(self.wait_for).exists():
                time.sleep(0.01)
        if self.signal is not None:
            os.kill(os.getpid(), self.signal)
            if self.signal == signal.SIGKILL:
                time.sleep(60)


KILL = Deed(signal.SIGKILL)


def _run_with_deed(args: Sequence[str], moment: Moment, deed: Deed, printed: str) -> None:
    for number, suffix in ((1, ".stdout"), (2, ".stderr")):
        handle = os.open(printed + suffix, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    seen = 0
    armed = moment.after is None

    def hook(event: str, event_args: tuple[Any, ...]) -> None:
        nonlocal seen, armed
        if not armed:
            armed = event == "os.rename" and str(moment.after) in str(event_args[1])
        elif event == moment.event and moment.path in "|".join(str(arg) for arg in event_args[:2]):
            seen += 1
            if seen == moment.n:
                deed.do()

    sys.addaudithook(hook)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the fork server has it ignored
    sys.argv = ["turnsmith", *args]
    main()


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["turnsmith.cli.export"])
    return context


class Doomed:
    """Run a command in another process in which something happens at a moment."""

    def __init__(self, folder: Path, args: Sequence[str], moment: Moment, deed: Deed = KILL) -> None:
        self._printed = folder / f"printed-{time.monotonic_ns()}"
        self.process: ForkServerProcess = _context().Process(
            target=_run_with_deed, args=(list(args), moment, deed, str(self._printed))
        )
        self.process.start()

    def end(self) -> Ended:
        """Wait for the end."""
        self.process.join(60)
        assert self.process.exitcode is not None, "the command hangs"
        out, err = (Path(f"{self._printed}.{name}").read_text() for name in ("stdout", "stderr"))
        return Ended(self.process.exitcode, out, err)


def doomed(folder: Path, args: Sequence[str], moment: Moment, deed: Deed = KILL) -> Ended:
    """Run a command in another process and wait for its end."""
    return Doomed(folder, args, moment, deed).end()
