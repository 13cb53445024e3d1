"""The finished data set on this machine: its files, held against the checksums of its metadata."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from turnsmith.core.errors import UsageError
from turnsmith.publish.blob.errors import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

METADATA = "metadata.json"
MIB = 1 << 20
READ_BYTES = MIB
BLOCK_BYTES = 16 * MIB
MAX_BLOCKS = 45_000  # the service takes 50,000
CONTENT_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
AGAIN = "Run `turnsmith verify` on it, then export it again"


@dataclass(frozen=True)
class LocalFile:
    """Hold a file of the data set.

    `blocks` are the ids of its blocks: the SHA-256 of all bytes up to the block's end, so that one pass gives
    them and the hash of the whole, and no id can stand for another content or place. `state` tells whether
    the file was touched since.
    """

    name: str
    path: Path
    size: int
    sha256: str
    block_bytes: int
    blocks: tuple[str, ...]
    state: tuple[int, ...]

    @property
    def content_type(self) -> str:
        """Return the media type by the file's ending."""
        return CONTENT_TYPES.get(self.path.suffix, "application/octet-stream")

    def read(self, offset: int, count: int) -> bytes:
        """Return a block; raises UnfinishedError if the file was touched since it was hashed."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            data = os.pread(handle, count, offset)
            if len(data) != count or _state(os.fstat(handle)) != self.state:
                raise UnfinishedError(f"{self.path}: it changed while it was being published. {AGAIN}")
        finally:
            os.close(handle)
        return data


def open_dataset(
    dataset: Path, on_bytes: Callable[[int], None], block_bytes: int = BLOCK_BYTES, threads: int = 1
) -> Iterator[LocalFile]:
    """Yield the files of a data set folder as they are hashed and checked, the smallest first, metadata.json last.

    Raises UsageError if the folder is no finished data set, UnfinishedError if a file is not what it was.
    """
    checksums = _checksums(dataset)
    found = {path.relative_to(dataset).as_posix(): path for path in _walk(dataset)}
    strangers = sorted(found.keys() - checksums.keys() - {METADATA})
    if strangers:
        raise UnfinishedError(
            f"{dataset / strangers[0]}: {METADATA} does not list it{_more(strangers)}. "
            "Move away what is not part of the data set"
        )
    missing = sorted(checksums.keys() - found.keys())
    if missing:
        raise UnfinishedError(
            f"{dataset / missing[0]}: {METADATA} lists it, but it is gone{_more(missing)}. {AGAIN}"
        )
    names = [*sorted(checksums, key=lambda name: (checksums[name][1], name)), METADATA]
    with ThreadPoolExecutor(threads) as pool:
        try:
            for file in pool.map(lambda name: _hashed(name, found[name], block_bytes, on_bytes), names):
                if file.name != METADATA and checksums[file.name] != (file.sha256, file.size):
                    raise UnfinishedError(
                        f"{file.path}: its content is not that of the checksum in {METADATA}. "
                        f"Nothing was published. {AGAIN}"
                    )
                yield file
        finally:
            pool.shutdown(cancel_futures=True)


def file_sizes(dataset: Path) -> list[int]:
    """Return the sizes of all files of a folder in bytes."""
    return [path.stat().st_size for path in _walk(dataset)]


def _walk(dataset: Path) -> list[Path]:
    return [Path(folder) / name for folder, _, names in os.walk(dataset) for name in names]


def _more(names: list[str]) -> str:
    return f", and {len(names) - 1} more files" if len(names) > 1 else ""


def _checksums(dataset: Path) -> dict[str, tuple[str, int]]:
    if not dataset.is_dir():
        raise UsageError(f"{dataset}: no such folder. Give the folder of a finished data set")
    if not (dataset / METADATA).is_file():
        raise UsageError(
            f"{dataset}: no {METADATA} in this folder, so it is no finished data set. "
            "Give the data set's own folder, or run the export again to its end: the file is written last"
        )
    try:
        entries = json.loads((dataset / METADATA).read_bytes())["checksums"]
        return {_safe(name): (str(entry["sha256"]), int(entry["bytes"])) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"{dataset / METADATA}: no readable checksums in it, so this is no finished data set. {AGAIN}"
        ) from None


def _safe(name: Any) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.as_posix() != name or name == METADATA:
        raise ValueError(name)
    return path.as_posix()


def block_size(size: int, least: int = BLOCK_BYTES) -> int:
    """Return the block size for a file: the same at every attempt, larger only for huge files."""
    return least if size <= least * MAX_BLOCKS else -(-size // MAX_BLOCKS // MIB) * MIB


def _hashed(name: str, path: Path, least: int, on_bytes: Callable[[int], None]) -> LocalFile:
    digest, blocks = hashlib.sha256(), []
    buffer = memoryview(bytearray(READ_BYTES))
    try:
        with path.open("rb", buffering=0) as file:
            state = _state(os.fstat(file.fileno()))
            size = state[0]
            width = block_size(size, least)
            for start in range(0, size, width):
                left = min(width, size - start)
                while left and (count := file.readinto(buffer[:left])):
                    digest.update(buffer[:count])
                    left -= count
                    on_bytes(count)
                blocks.append(digest.hexdigest())
    except OSError as error:
        raise UnfinishedError(f"{path}: can't be read ({error.strerror})") from error
    return LocalFile(name, path, size, digest.hexdigest(), width, tuple(blocks), state)


def _state(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
