"""Lines that can be read twice, wherever they come from."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from turnsmith.core.lines import STANDARD, read_lines

Lines = Iterator[tuple[int, bytes]]


@contextlib.contextmanager
def replayable(name: str, folder: Path | None) -> Iterator[Callable[[], Lines]]:
    """Give a function that reads the numbered lines of a file anew at each call.

    Standard input is kept in `folder` (None: the usual place) in a file without a name, so that not even
    a kill leaves it behind.
    """
    if name != STANDARD:
        yield lambda: read_lines(name)
        return
    with tempfile.TemporaryFile(dir=folder) as spool:
        for number, line in read_lines(name):
            spool.write(b"%d " % number + line + b"\n")

        def lines() -> Lines:
            spool.seek(0)
            for kept in spool:
                number, _, line = kept.partition(b" ")
                yield int(number), line.rstrip(b"\n")

        yield lines


def size_of(name: str) -> int:
    """Return about how many bytes of lines a file holds, for a progress bar; 0 for standard input."""
    if name == STANDARD:
        return 0
    try:
        size = Path(name).stat().st_size
    except OSError:
        return 0
    return size * 4 if name.endswith((".gz", ".zst")) else size
