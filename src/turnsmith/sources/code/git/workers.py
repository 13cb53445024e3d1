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
from typing import Protocol, TypeVar

from turnsmith.core.errors import DataError
from turnsmith.sources.code.git.commit import Broken, Commit
from turnsmith.sources.code.git.examples import Fits
from turnsmith.sources.code.git.making import Maker, Outcome, Source, making

BATCH = 128
# So many take about a second; to start a process and let it import takes about half of one.
LEAST_COMMITS = 500
MOST_BY_DEFAULT = 8

Batch = Sequence[Commit | Broken]
J = TypeVar("J", bound="Job")


class Job(Protocol):
    """Say what batches of commits are of: their repository, and about how many commits it has in all."""

    @property
    def source(self) -> Source:
        """Return what examples depend on."""
        ...

    @property
    def expected(self) -> int:
        """Return the number of commits."""
        ...


def batches(commits: Iterable[Commit | Broken]) -> Iterator[Batch]:
    """Yield commits in lists of 128."""
    rest = iter(commits)
    while batch := list(islice(rest, BATCH)):
        yield batch


def usual_workers() -> int:
    """Return how many processes to use where nobody says: one for each core, 8 at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_BY_DEFAULT)


class Opened:
    """Hold what a process has open: the maker of the repository that its last batch was of."""

    def __init__(self, fits: Fits | None = None) -> None:
        self._fits = fits
        self._place = ""
        self._stack = contextlib.ExitStack()
        self._maker: Maker | None = None

    def make(self, source: Source, batch: Batch) -> list[Outcome]:
        """Return what comes of commits in their order."""
        if self._maker is None or self._place != source.repository.place:
            self.close()
            self._fits = self._fits or source.options.fits()
            self._maker = self._stack.enter_context(making(source, self._fits))
            self._place = source.repository.place
        return list(self._maker.make(batch))

    def close(self) -> None:
        """End the git processes."""
        self._maker = None
        self._stack.close()


class Workers:
    """Make examples in up to `count` processes, which start once a run has many commits and end with this."""

    def __init__(self, count: int, fits: Fits) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._here = Opened(fits)
        self._ends = contextlib.ExitStack()

    def made(self, work: Iterable[tuple[J, Batch]]) -> Iterator[tuple[J, list[Outcome]]]:
        """Yield what comes of batches in their order.

        Of `work` a few batches are taken ahead, so that nobody waits between two repositories. Raises DataError where
        a process is killed.
        """
        ahead: deque[tuple[J, Future[list[Outcome]]]] = deque()
        last: J | None = None
        expected = 0
        for job, batch in work:
            if job is not last:
                expected, last = expected + job.expected, job
            if self._pool is None and self._pays(job, expected):
                self._pool = self._started()
            if self._pool is None:
                yield job, self._here.make(job.source, batch)
                continue
            with _killed(job):
                ahead.append((job, self._pool.submit(_make, job.source, batch)))
            if len(ahead) > 2 * self._count:
                yield _next(ahead)
        while ahead:
            yield _next(ahead)

    def _pays(self, job: Job, expected: int) -> bool:
        """Return whether to start other processes at a repository, with so many commits in the run up to its end."""
        return self._count > 1 and expected >= LEAST_COMMITS and job.expected > BATCH

    def _started(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork would share open pipes of git
        theirs, ours = context.Pipe(duplex=False)
        self._ends.enter_context(theirs)
        self._ends.enter_context(ours)
        return ProcessPoolExecutor(self._count, context, _begin, (theirs,))

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        self._ends.close()  # before the shutdown, which would wait for batches that nobody wants anymore
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _next(ahead: deque[tuple[J, Future[list[Outcome]]]]) -> tuple[J, list[Outcome]]:
    job, future = ahead.popleft()
    with _killed(job):
        return job, future.result()


@contextlib.contextmanager
def _killed(job: Job) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise DataError(
            f"{job.source.repository.place}: a process that builds examples was killed, perhaps for want of memory; "
            "run again with --workers 1"
        ) from error


_opened = Opened()  # of a worker process


def _begin(parent: Connection) -> None:
    """Leave Ctrl-C to the parent process, and end when it closes its end of the pipe or dies, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        parent.recv()  # nothing is ever sent
    os._exit(1)


def _make(source: Source, batch: Batch) -> list[Outcome]:
    return _opened.make(source, batch)
