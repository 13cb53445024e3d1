"""Files that are either whole or absent: write beside, fsync, rename."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

PART_SUFFIX = ".part"


@contextlib.contextmanager
def writing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a name beside `path` to write to; what stands there is renamed to `path` when all went well.

    Without `durable` the file is not flushed to the disk: a kill can't harm it, a power cut may.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        yield part
        if durable:
            sync(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any, *, indent: int | None = 2, durable: bool = True) -> None:
    """Write a small JSON file, whole or not at all."""
    with writing(path, durable=durable) as part:
        part.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


class HashingWriter:
    """Write bytes to a file and keep their SHA-256 and count."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    @property
    def checksum(self) -> dict[str, str | int]:
        """Return `sha256` (hex) and `bytes` of all that was written."""
        return {"sha256": self._hash.hexdigest(), "bytes": self.size}


def checksum(path: Path) -> dict[str, str | int]:
    """Return `sha256` (hex) and `bytes` of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}
