"""Make the examples of a long history in several processes; what comes out and its order stay the same.

A short run is done in this process, as starting others costs more than they save.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import Connection

from turnsmith.core.errors import DataError
from turnsmith.sources.code.git.commit import Broken, Commit
from turnsmith.sources.code.git.examples import Fits
from turnsmith.sources.code.git.making import Maker, Outcome, Source, making

BATCH = 128
# So many take about a second; to start a process and let it import takes about half of one.
LEAST_COMMITS = 500
MOST_BY_DEFAULT = 8

Batch = Sequence[Commit | Broken]


def batches(commits: Iterable[Commit | Broken]) -> Iterator[Batch]:
    """Yield commits in lists of 128."""
    rest = iter(commits)
    while batch := list(islice(rest, BATCH)):
        yield batch


def usual_workers() -> int:
    """Return how many processes to use where nobody says: one for each core, 8 at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_BY_DEFAULT)


class Workers:
    """Make examples in up to `count` processes, which start once a run has many commits and end with this."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._expected = 0
        self._pool: ProcessPoolExecutor | None = None
        self._ends = contextlib.ExitStack()

    def made(
        self, source: Source, fits: Fits, commits: Iterable[Commit | Broken], expected: int
    ) -> Iterator[Outcome]:
        """Yield what comes of commits in their order; `expected` is about how many there are.

        Raises DataError where a process is killed.
        """
        self._expected += expected
        if self._count == 1 or self._expected < LEAST_COMMITS or expected <= BATCH:
            with making(source, fits) as maker:
                for batch in batches(commits):
                    yield from maker.make(batch)
        else:
            try:
                yield from self._made_by_others(source, commits)
            except BrokenProcessPool as error:
                raise DataError(
                    f"{source.repository.place}: a process that builds examples was killed, perhaps for want of "
                    "memory; run again with --workers 1"
                ) from error

    def _made_by_others(self, source: Source, commits: Iterable[Commit | Broken]) -> Iterator[Outcome]:
        if self._pool is None:
            self._pool = self._started()
        ahead: deque[Future[list[Outcome]]] = deque()
        for batch in batches(commits):
            ahead.append(self._pool.submit(_make, source, batch))
            if len(ahead) > 2 * self._count:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()

    def _started(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork would share open pipes of git
        theirs, ours = context.Pipe(duplex=False)
        self._ends.enter_context(theirs)
        self._ends.enter_context(ours)
        return ProcessPoolExecutor(self._count, context, _begin, (theirs,))

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()  # before the shutdown, which would wait for batches that nobody wants anymore
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


class _Opened:
    """Hold what a worker process has open: the maker of the repository that its last batch was of."""

    def __init__(self) -> None:
        self._place = ""
        self._stack = contextlib.ExitStack()
        self._maker: Maker | None = None

    def maker(self, source: Source) -> Maker:
        """Return the maker of a repository; that of another is closed."""
        if self._maker is None or self._place != source.repository.place:
            self._stack.close()
            self._maker = self._stack.enter_context(making(source, source.options.fits()))
            self._place = source.repository.place
        return self._maker


_opened = _Opened()


def _begin(parent: Connection) -> None:
    """Leave Ctrl-C to the parent process, and end when it closes its end of the pipe or dies, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        parent.recv()  # nothing is ever sent
    os._exit(1)


def _make(source: Source, batch: Batch) -> list[Outcome]:
    return list(_opened.maker(source).make(batch))
