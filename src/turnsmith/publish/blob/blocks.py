"""Send the blocks of many files in parallel, with bounded memory, leaving out what the server has."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turnsmith.core.retrying import StoppedError
from turnsmith.publish.blob.errors import ExistsError
from turnsmith.publish.blob.local import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from turnsmith.publish.blob.client import Container
    from turnsmith.publish.blob.local import LocalFile

MAX_IN_FLIGHT = 128 * MIB
ID_LENGTH = 64  # hex digits of SHA-256; all block ids of one blob must have the same length


@dataclass
class Staged:
    """Hold a file to send, and the sizes of the blocks that the server has of it, by id."""

    file: LocalFile
    there: dict[str, int]


@dataclass
class Traffic:
    """Count what was sent and what was not needed to be."""

    blocks_sent: int = 0
    bytes_sent: int = 0
    blocks_reused: int = 0


def plan_blocks(container: Container, file: LocalFile) -> Staged:
    """Return what is to be sent of a file, with the blocks that an earlier attempt left on the server."""
    there = container.uncommitted(file.name)
    if any(len(block) != ID_LENGTH for block in there):
        raise ExistsError(
            f"{container.location.url}/{file.name}: an unfinished upload of another tool stands there, and "
            "blocks of two tools can't be mixed. Delete the blob, give another prefix, or wait a week: then it "
            "is gone"
        )
    return Staged(file, there)


class Sender:
    """Send blocks with a few threads, fewer where blocks are large; the first failure stops them all."""

    def __init__(
        self, container: Container, threads: int, widest: int, on_bytes: Callable[[int], None]
    ) -> None:
        self._container = container
        self._threads = max(1, min(threads, MAX_IN_FLIGHT // widest))
        self.on_bytes = on_bytes
        self._next = threading.Lock()
        self._lock = threading.Lock()
        self.traffic = Traffic()

    def send(self, plans: Iterable[Staged]) -> None:
        """Send all blocks of all files, taking each file when its turn comes.

        Raises the first failure, also one of `plans`, after the threads have ended.
        """
        work = ((plan, index) for plan in plans for index in range(len(plan.file.blocks)))
        with ThreadPoolExecutor(self._threads, thread_name_prefix="send") as pool:
            futures = [pool.submit(self._drain, work) for _ in range(self._threads)]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:
                self._container.patience.stop.set()
                raise
            if any(future.exception() for future in done):
                self._container.patience.stop.set()
        for future in futures:
            error = future.exception()
            if error and not isinstance(error, StoppedError):
                raise error

    def _drain(self, work: Iterator[tuple[Staged, int]]) -> None:
        while True:
            with self._next:
                item = next(work, None)
            if item is None:
                return
            self._block(*item)

    def _block(self, plan: Staged, index: int) -> None:
        """Send one block unless the server has it."""
        file, block = plan.file, plan.file.blocks[index]
        offset = index * file.block_bytes
        size = min(file.block_bytes, file.size - offset)
        known = plan.there.get(block) == size
        if not known:
            self._container.stage(file.name, block, file.read(offset, size))
        with self._lock:
            self.traffic.blocks_reused += known
            self.traffic.blocks_sent += not known
            self.traffic.bytes_sent += 0 if known else size
        self.on_bytes(size)
