"""The folder of a search beside its first output, found again after a kill."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnsmith.core.errors import TurnsmithError
from turnsmith.core.lines import STANDARD
from turnsmith.core.runs import Run, fingerprint, hold

UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class Work:
    """Hold the folder for what does not fit into memory, and the run that it belongs to, if it can be resumed."""

    folder: Path
    run: Run | None


@contextlib.contextmanager
def working(inputs: list[str], outputs: list[str], settings: list[Any]) -> Iterator[Work]:
    """Give the folder of this search, beside its first output.

    What a kill left there is found again; a search that ends with an error of ours leaves nothing.
    """
    target = next((Path(name) for name in outputs if name != STANDARD), None)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
    if target is None or STANDARD in inputs:
        with tempfile.TemporaryDirectory(
            prefix="turnsmith-", dir=target.parent if target else None
        ) as folder:
            yield Work(Path(folder), None)
        return
    home = target.with_name(f".{target.name}{UNFINISHED}")
    marks = [_identity(name) for name in inputs]
    try:
        with hold(home, fingerprint([marks, *settings])) as run:
            run.prepare({"inputs": inputs})
            for stranger in run.strangers:
                shutil.rmtree(stranger)
            try:
                yield Work(run.path, run)
            except TurnsmithError:
                run.finish()
                raise
            run.finish()
    finally:
        with contextlib.suppress(OSError):
            home.rmdir()


def _identity(name: str) -> list[Any]:
    try:
        status = Path(name).stat()
    except OSError:
        return [name]  # reading it tells what is wrong
    return [str(Path(name).resolve()), status.st_size, status.st_mtime_ns]
