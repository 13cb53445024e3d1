"""Zip files of exports, read without trust: nothing is unpacked to disk, and only conversations are read."""

import contextlib
import fnmatch
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, cast

from turnsmith.core.errors import InputError
from turnsmith.core.lines import STANDARD

WANTED = "conversations*.json"
LARGEST = 64 << 30  # bytes of conversations in one archive
LARGEST_RATIO = 200  # unpacked to packed; text in JSON packs to a tenth, rarely to a fiftieth
SMALL = 16 << 20  # below this many bytes a ratio harms nobody
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def is_zip(path: str) -> bool:
    """Say whether a file is a zip archive by its name or its first bytes."""
    if path == STANDARD:
        return False
    if path.lower().endswith(".zip"):
        return True
    try:
        with Path(path).open("rb") as file:
            return file.read(4) in ZIP_MAGIC
    except OSError:
        return False  # whoever reads it reports it


@contextlib.contextmanager
def telling_faults(path: str) -> Iterator[None]:
    """Turn what goes wrong while an archive is read, its checksums included, into an InputError that names it."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from error
    except _FAULTS as error:
        reason = ascii(str(error))[1:-1]
        raise InputError(f"{path}: can't be read as a zip archive: {reason}; download it again") from error


def read_conversations(path: str) -> Generator[tuple[str, IO[bytes]], None, None]:
    """Yield (`archive:member`, file) of every `conversations*.json` in an archive, in the order of their names.

    Call it, and read the files, within `telling_faults`. Raises InputError for an archive that holds none, has
    paths that climb out, is encrypted, or says that it unpacks to more than such an export can hold; zipfile never
    gives more bytes than that.
    """
    with zipfile.ZipFile(path) as archive:
        for member in _wanted(path, archive):
            place = f"{path}:{_shown(member.filename)}"
            with archive.open(member) as file:
                if cast("zipfile.ZipExtFile", file).peek(4)[:4] in ZIP_MAGIC:
                    raise InputError(f"{place}: is a zip archive itself; unpack it first")
                yield place, file


def _wanted(path: str, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    for member in members:
        if _climbs(member.orig_filename):
            raise InputError(
                f"{path}: refused, the member {member.orig_filename!a} has a path that leads out of the archive; "
                "no export has such paths"
            )
    wanted = sorted((m for m in members if _is_wanted(m.filename)), key=lambda member: member.filename)
    if not wanted:
        raise InputError(f"{path}: holds no {WANTED}; is this the export of claude.ai or ChatGPT?")
    for member in wanted:
        if member.flag_bits & _ENCRYPTED:
            raise InputError(
                f"{path}: {_shown(member.filename)} is encrypted; unpack it and name the JSON file"
            )
        if member.file_size > max(SMALL, member.compress_size * LARGEST_RATIO):
            raise InputError(
                f"{path}: refused, {_shown(member.filename)} says it unpacks to {member.file_size:,} bytes from "
                f"{member.compress_size:,}; if you trust it, unpack it and name the JSON file"
            )
    if sum(member.compress_size for member in wanted) > Path(path).stat().st_size:
        raise InputError(f"{path}: refused, its members overlap; no export is made so")
    if (total := sum(member.file_size for member in wanted)) > LARGEST:
        raise InputError(f"{path}: refused, its conversations unpack to {total:,} bytes; unpack it first")
    return wanted


def _climbs(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    return parts[0] == "" or ".." in parts or "\0" in name or re.match(r"[A-Za-z]:", name) is not None


def _shown(name: str) -> str:
    """Return a name as it may stand in a terminal."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _is_wanted(name: str) -> bool:
    return fnmatch.fnmatchcase(name.rpartition("/")[2], WANTED)
