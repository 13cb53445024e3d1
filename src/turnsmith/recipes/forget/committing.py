"""Put a finished new version in place and delete the old one, so that a kill at any moment is made up for.

`commit.json` is written last into the run's folder. From then on each step can be done again: what was moved is no
longer there to be moved, what was deleted no longer there to be deleted.
"""

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from turnsmith.core.files import PART_SUFFIX, read_json, sync, write_json
from turnsmith.core.runs import GONE_SUFFIX, Run

COMMIT = "commit.json"


def write_commit(
    run: Run, moves: Sequence[tuple[Path, Path]], removes: Sequence[Path], result: dict[str, Any]
) -> None:
    """Write down what is to be moved where and what is to be deleted; paths are made absolute."""
    write_json(
        run.path / COMMIT,
        {
            "moves": [[str(source.absolute()), str(target.absolute())] for source, target in moves],
            "removes": [str(path.absolute()) for path in removes],
            "result": result,
        },
    )


def roll_forward(run: Run) -> dict[str, Any]:
    """Do what `commit.json` says, or what is left of it, remove the run's folder and return the result."""
    commit = read_json(run.path / COMMIT)
    for source, target in commit["moves"]:
        if Path(source).exists():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            _move(Path(source), Path(target))
            sync(Path(target).parent)
    for path in commit["removes"]:
        remove(Path(path))
    run.finish()
    result: dict[str, Any] = commit["result"]
    return result


def _move(source: Path, target: Path) -> None:
    """Rename a file or folder; copy a folder to another disk, as a whole or not at all."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if not target.exists():  # else it was copied before a kill
            part = target.with_name(target.name + PART_SUFFIX)
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(source, part)
            for path in (part, *part.rglob("*")):
                sync(path)
            part.rename(target)
        shutil.rmtree(source)


def remove(path: Path) -> None:
    """Delete a folder or file; under another name first, so that no half of it is taken for a whole."""
    gone = path.with_name(f".{path.name}{GONE_SUFFIX}")
    if path.exists():
        path.rename(gone)
    if gone.is_dir():
        shutil.rmtree(gone)
    gone.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync(path.parent)
