"""The folder of an unfinished run: one run at a time, finished steps kept for a resume.

`<out>/.turnsmith/<fingerprint>/` holds `state.json` (what was frozen at the first start), `steps/` (one
small JSON result per finished step) and the files that the steps made. It goes when the run is done.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from turnsmith.core.errors import BusyError
from turnsmith.core.files import PART_SUFFIX, read_json, write_json

HOME = ".turnsmith"
GONE_SUFFIX = ".gone"


class Run:
    """Give access to the folder of one run, while `hold` keeps others out."""

    def __init__(self, home: Path, fingerprint: str) -> None:
        self.home = home
        self.path = home / fingerprint
        self.steps = self.path / "steps"

    def prepare(self, fresh_state: dict[str, Any]) -> dict[str, Any]:
        """Return the state frozen at the first start of this run; clear what a killed run left half done."""
        if not self._state_file.exists():
            shutil.rmtree(self.path, ignore_errors=True)
        self.steps.mkdir(parents=True, exist_ok=True)
        for part in self.path.rglob(f"*{PART_SUFFIX}"):
            part.unlink()
        shutil.rmtree(self.spill, ignore_errors=True)
        if not self._state_file.exists():
            write_json(self._state_file, fresh_state)
        state: dict[str, Any] = read_json(self._state_file)
        return state

    @property
    def _state_file(self) -> Path:
        return self.path / "state.json"

    @property
    def spill(self) -> Path:
        """Return the folder for what does not fit into memory."""
        return self.path / "spill"

    @property
    def strangers(self) -> list[Path]:
        """Return the folders of unfinished runs with other options or inputs."""
        return [path for path in self.home.iterdir() if path.is_dir() and path != self.path]

    def finish(self) -> None:
        """Remove all that the run kept; under another name first, so that no start takes a rest for a run."""
        gone = self.path.with_name(self.path.name + GONE_SUFFIX)
        self.path.rename(gone)
        shutil.rmtree(gone)

    def once(self, phase: str, key: str, work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        """Do a single step in this thread, unless it is done; return its result."""
        done = self._result(phase, key)
        return self._step(phase, key, work) if done is None else done

    def each(
        self,
        phase: str,
        keys: Iterable[str],
        work: Callable[[str], dict[str, Any]],
        threads: int,
        on_done: Callable[[str, dict[str, Any], bool], None],
        on_stop: Callable[[], None],
        believe: Callable[[str, dict[str, Any]], bool] = lambda _key, _result: True,
    ) -> dict[str, dict[str, Any]]:
        """Do the steps of a phase that are not done yet and return all results by key, in the order of `keys`.

        `on_done` is told key, result and whether the step was done by an earlier start. `on_stop` is called
        when the run breaks off (an error or Ctrl-C), to cut short what is under way. `believe` is asked
        whether the result of an earlier start still stands.
        """
        results: dict[str, dict[str, Any]] = {key: {} for key in keys}
        pending: list[str] = []
        for key in results:
            done = self._result(phase, key)
            if done is None or not believe(key, done):
                pending.append(key)
            else:
                results[key] = done
                on_done(key, done, True)
        failed: list[BaseException] = []

        def step(key: str) -> dict[str, Any]:
            if failed:  # before the waiting thread could call the rest off
                raise failed[0]
            try:
                return self._step(phase, key, work)
            except BaseException as error:
                failed.append(error)
                raise

        with ThreadPoolExecutor(threads) as pool:
            futures = {pool.submit(step, key): key for key in pending}
            try:
                self._collect(futures, results, on_done)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                on_stop()
                raise
        return results

    @staticmethod
    def _collect(
        futures: dict[Future[dict[str, Any]], str],
        results: dict[str, dict[str, Any]],
        on_done: Callable[[str, dict[str, Any], bool], None],
    ) -> None:
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, timeout=0.2, return_when=FIRST_EXCEPTION)
            for future in finished:
                key = futures[future]
                results[key] = future.result()
                on_done(key, results[key], False)

    def forget(self, phase: str, key: str) -> None:
        """Let a step count as not done, so that it is done again."""
        (self.steps / f"{phase}-{key}.json").unlink(missing_ok=True)

    def _result(self, phase: str, key: str) -> dict[str, Any] | None:
        """Return a finished step's result, or None where it must be done again.

        Steps are not flushed to the disk, which costs much time. A kill does them no harm;
        after a power cut a file may be short, so the sizes are compared.
        """
        try:
            done: dict[str, Any] = read_json(self.steps / f"{phase}-{key}.json")
        except (FileNotFoundError, ValueError):
            return None
        result: dict[str, Any] = done["result"]
        return result if done["sizes"] == self._sizes(phase, key) else None

    def _sizes(self, phase: str, key: str) -> dict[str, int]:
        """Return the sizes of the files that a step left in its phase's folder."""
        return {path.name: path.stat().st_size for path in sorted((self.path / phase).glob(f"{key}*"))}

    def _step(self, phase: str, key: str, work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        result = work(key)
        done = {"result": result, "sizes": self._sizes(phase, key)}
        write_json(self.steps / f"{phase}-{key}.json", done, indent=None, durable=False)
        return result


@contextlib.contextmanager
def hold(out: Path, fingerprint: str) -> Iterator[Run]:
    """Hold `out` for one run; raises BusyError while another run has it."""
    home = out / HOME
    lock = _lock(home / "lock", out)
    for gone in home.glob(f"*{GONE_SUFFIX}"):
        shutil.rmtree(gone)
    try:
        yield Run(home, fingerprint)
    finally:
        if all(path.name == "lock" for path in home.iterdir()):
            shutil.rmtree(home)
        os.close(lock)


def _lock(path: Path, out: Path) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # the run before has just removed the folder
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise BusyError(
                f"another run is writing to {out}; wait until it ends, or give another --out"
            ) from error
        # The run before may have removed the file between open and lock; then the lock is on a ghost.
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == path.stat().st_ino:
                return handle
        os.close(handle)


def fingerprint(value: Any) -> str:
    """Return 16 hex digits that tell one configuration and set of inputs from another."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
