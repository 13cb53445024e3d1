"""JSON Lines in and out: plain, `.gz` or `.zst` files, or `-` for the standard streams."""

import contextlib
import gzip
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.files import writing
from turnsmith.core.zstd import ZstdFile

STANDARD = "-"
BOM = b"\xef\xbb\xbf"
LONGEST_LINE = 256 << 20

Write = Callable[[bytes], object]


@contextlib.contextmanager
def open_input(name: str) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, unpacked by its suffix; `-` is standard input.

    Raises InputError that names the file where it can't be opened or unpacked, also while it is read.
    """
    try:
        if name == STANDARD:
            yield sys.stdin.buffer
        elif name.endswith(".gz"):
            with gzip.open(name, "rb") as unpacked:
                yield cast("IO[bytes]", unpacked)
        elif name.endswith(".zst"):
            with io.BufferedReader(ZstdFile(Path(name)), 1 << 20) as packed:
                yield packed
        else:
            with Path(name).open("rb") as file:
                yield file
    except (OSError, EOFError, zstandard.ZstdError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{name}: can't be read: {reason}") from error


def read_lines(name: str) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line without its end) of a file; blank lines and a BOM are passed over.

    Raises InputError for a file that can't be read, and for a line beyond 256 MiB: such a file holds no lines.
    """
    with open_input(name) as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise InputError(f"{name}:{number}: line longer than 256 MiB; is this JSON Lines?")
            if number == 1:
                line = line.removeprefix(BOM)
            line = line.strip()
            if line:
                yield number, line


class _NothingWrittenError(Exception):
    """Leave a file that would be empty unwritten."""


@contextlib.contextmanager
def writing_lines(name: str, *, empty: bool = True) -> Iterator[Write]:
    """Give a function that appends bytes to a file, packed by its suffix; `-` is standard output.

    The file appears under its name only when all went well. The same bytes in give the same file. Without `empty`,
    a file to which nothing was written does not appear, and one that is there stays. Raises UsageError for a folder.
    """
    if name == STANDARD:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    if Path(name).is_dir():
        raise UsageError(f"{name}: is a folder; name a file, such as {Path(name) / 'examples.jsonl'}")
    written = 0
    with contextlib.suppress(_NothingWrittenError), writing(Path(name)) as part:
        with part.open("wb") as file, _packed(name, file) as packed:

            def write(data: bytes) -> None:
                nonlocal written
                written += len(data)
                packed.write(data)

            yield write
        if not written and not empty:
            raise _NothingWrittenError


@contextlib.contextmanager
def _packed(name: str, file: BinaryIO) -> Iterator[BinaryIO]:
    if name.endswith(".gz"):
        # Neither a name nor a time in the header, so that the same lines give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=file, mtime=0) as packed:
            yield cast("BinaryIO", packed)
    elif name.endswith(".zst"):
        with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as packed:
            yield cast("BinaryIO", packed)
    else:
        yield file
