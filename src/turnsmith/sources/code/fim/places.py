"""Where files come from: a revision of a git repository, or a plain folder as it lies on the disk."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from turnsmith.core.errors import InputError
from turnsmith.sources.code.licenses import Licenses, licenses_at, licenses_of
from turnsmith.sources.code.objects import UnreadableError
from turnsmith.sources.code.repository import SYMLINK, Entry, is_repository, opened

LICENSE_BYTES = 1 << 20
_FILE = "100644"
_GIT_FOLDER = ".git"


@dataclass(frozen=True, slots=True)
class Place:
    """Give the files of one repository or folder.

    `commit` is "" for a folder. `files` lists them in the order of paths, anew at each call. `read` returns a file's
    bytes and raises UnreadableError with a reason fit to be counted.
    """

    name: str
    place: str
    commit: str
    licenses: Licenses
    files: Callable[[], Iterator[Entry]]
    read: Callable[[Entry, int], bytes]


@contextlib.contextmanager
def opened_place(place: str, name: str, revision: str, outputs: Sequence[str] = ()) -> Iterator[Place]:
    """Open a working tree, bare repository or bundle at a revision, or a folder without git.

    `outputs` are files that are being written: they are no source code, even where they lie in the folder. Raises
    InputError for what is none of these, and for a revision that is not there.
    """
    path = Path(place)
    if path.is_dir() and not is_repository(place):
        yield _folder(place, name, outputs)
        return
    with opened(place, name) as repository, repository.objects() as objects:
        commit = repository.resolve(revision)
        yield Place(
            name,
            place,
            commit,
            licenses_at(repository, commit, objects),
            lambda: repository.tree(commit),
            lambda entry, largest: objects.read(entry.object_id, largest),
        )


def _folder(place: str, name: str, outputs: Sequence[str]) -> Place:
    root = Path(place)
    left_out = {os.path.relpath(Path(output).resolve(), root.resolve()) for output in outputs}
    modes = {entry.path: entry.mode for entry in _walk(root, "")}

    def read_license(path: str) -> bytes | None:
        try:
            if modes[path] == SYMLINK:
                return os.fsencode((root / path).readlink())
            return _read(root / path, LICENSE_BYTES)
        except (OSError, UnreadableError):
            return None

    return Place(
        name,
        place,
        "",
        licenses_of(modes, read_license),
        lambda: (entry for entry in _walk(root, "") if entry.path not in left_out),
        lambda entry, largest: _read(root / entry.path, largest),
    )


def _walk(root: Path, folder: str) -> Iterator[Entry]:
    """Yield the files below a folder in the order of names; links are listed, never followed."""
    try:
        with os.scandir(root / folder) as listing:
            found = sorted(listing, key=lambda each: each.name)
    except OSError as error:
        if not folder:
            raise InputError(f"{root}: can't be listed: {error.strerror}") from error
        return
    for each in found:
        path = f"{folder}{each.name}"
        if each.is_symlink():
            yield Entry(SYMLINK, "", 0, path)
        elif each.is_dir():
            if each.name != _GIT_FOLDER:
                yield from _walk(root, f"{path}/")
        elif each.is_file():
            with contextlib.suppress(OSError):  # gone since it was listed
                yield Entry(_FILE, "", each.stat().st_size, path)


def _read(path: Path, largest: int) -> bytes:
    """Return a file's bytes. Raises UnreadableError, also for a file that changes meanwhile."""
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read(largest + 1)
        after = path.stat()
    except OSError as error:
        raise UnreadableError("can't be read") from error
    if len(data) > largest:
        raise UnreadableError("file too large")
    seen = (before.st_ino, before.st_size, before.st_mtime_ns)
    if seen != (after.st_ino, after.st_size, after.st_mtime_ns) or len(data) != before.st_size:
        raise UnreadableError("changed while it was read")
    return data
