"""Verify a data set where it was published: fetch it, hash it, and prove it like a local one."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from turnsmith.core.errors import UsageError
from turnsmith.publish.blob.client import Container, RemoteFile, open_container
from turnsmith.publish.blob.errors import BlobError
from turnsmith.publish.blob.local import METADATA
from turnsmith.publish.blob.location import parse_location
from turnsmith.verify import Check, Report, verify_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from turnsmith.core.retrying import Patience

    # Phase ("download" or "verify"), bytes done since the last call, bytes of the whole phase.
    OnProgress = Callable[[str, int, int], None]

CHUNK_BYTES = 8 << 20
THREADS = 4
MAX_SAMPLES = 5


@dataclass(frozen=True)
class Fetched:
    """Hold the fetched copy: its folder, its bytes, and what is wrong with the blobs themselves."""

    path: Path
    bytes: int
    faults: list[tuple[str, str]]  # the check that is breached, and how


@contextlib.contextmanager
def fetch_for_verify(
    url: str,
    *,
    connection_string_env: str | None = None,
    on_progress: OnProgress | None = None,
    patience: Patience | None = None,
) -> Iterator[Fetched]:
    """Give a copy of the data set at `url` in a temporary folder, named as the data set is.

    Each blob is hashed on the way and held against the hash in its metadata. Raises UsageError if there is
    no finished data set at `url`, a BlobError if it can't be fetched.
    """
    location = parse_location(url)
    with (
        open_container(location, connection_string_env, patience) as container,
        tempfile.TemporaryDirectory(prefix="turnsmith-verify-") as folder,
    ):
        files = container.files() if location.prefix else {}
        if METADATA not in files:
            raise UsageError(
                f"{location.url}: no {METADATA} there, so it is no finished data set. Give the URL of the "
                "data set's own folder, or publish again: the file is written last"
            )
        root = Path(folder) / PurePosixPath(location.prefix).name
        root.mkdir()
        total = sum(file.size for file in files.values())
        _check_room(root, total)
        report = on_progress or (lambda *_: None)
        faults = _fetch_all(container, files, root, lambda count: report("download", count, total))
        yield Fetched(root, total, faults)


def verify_remote(
    url: str,
    *,
    connection_string_env: str | None = None,
    on_progress: OnProgress | None = None,
    patience: Patience | None = None,
) -> Report:
    """Prove every guarantee of the data set at `url` from its downloaded content; see `verify_dataset`."""
    report = on_progress or (lambda *_: None)
    with fetch_for_verify(
        url, connection_string_env=connection_string_env, on_progress=on_progress, patience=patience
    ) as fetched:
        outcome = verify_dataset(fetched.path, lambda count: report("verify", count, fetched.bytes))
    checks = {check.name: check for check in outcome.checks}
    for name, fault in fetched.faults:
        _add(checks[name], fault)
    return outcome


def _add(check: Check, fault: str) -> None:
    check.examined += 1
    check.breaches += 1
    if len(check.samples) < MAX_SAMPLES:
        check.samples.append(fault)


def _check_room(root: Path, total: int) -> None:
    free = shutil.disk_usage(root).free
    if total > free:
        raise BlobError(
            f"{root.parent.parent}: {total / 1e9:,.1f} GB to fetch, {free / 1e9:,.1f} GB free. "
            "Set TMPDIR to a folder with more room"
        )


def _fetch_all(
    container: Container, files: dict[str, RemoteFile], root: Path, on_bytes: Callable[[int], None]
) -> list[tuple[str, str]]:
    safe = [name for name in sorted(files) if _is_safe(name, files)]
    faults = [
        ("listed_files", f"the blob name {name[:80]!r} is no path of a file")
        for name in files.keys() - set(safe)
    ]

    def fetch(name: str) -> tuple[str, str] | None:
        return _fetch(container, files[name], root / name, on_bytes)

    with ThreadPoolExecutor(THREADS) as pool:
        try:
            results = list(pool.map(fetch, safe))
        except BaseException:
            container.patience.stop.set()
            raise
    return faults + [fault for fault in results if fault]


def _is_safe(name: str, files: dict[str, RemoteFile]) -> bool:
    """Tell whether a blob's name is a relative path that stays in the folder and is no folder of another."""
    path = PurePosixPath(name)
    return (
        name == path.as_posix()
        and not path.is_absolute()
        and ".." not in path.parts
        and name.isprintable()
        and all(len(part.encode()) < 250 for part in path.parts)
        and not any(parent.as_posix() in files for parent in path.parents)
    )


def _fetch(
    container: Container, file: RemoteFile, path: Path, on_bytes: Callable[[int], None]
) -> tuple[str, str] | None:
    """Write one blob to `path`; return what is wrong with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for offset in range(0, file.size, CHUNK_BYTES):
            data = _chunk(container, file, offset)
            digest.update(data)
            out.write(data)
            on_bytes(len(data))
    if file.sha256 and digest.hexdigest() != file.sha256:
        return (
            "checksums",
            f"{file.name[:80]!r}: the content of the blob is not that of the hash in its metadata",
        )
    return None


def _chunk(container: Container, file: RemoteFile, offset: int) -> bytes:
    """Return one stretch of the very blob that was listed."""
    from azure.core import MatchConditions

    count = min(CHUNK_BYTES, file.size - offset)

    def get() -> bytes:
        stream = container.blob(file.name).download_blob(
            offset, count, etag=file.etag, match_condition=MatchConditions.IfNotModified
        )
        return bytes(stream.readall())

    data: bytes = container.try_call(get, file.name)
    if len(data) != count:
        raise BlobError(f"{container.location.url}/{file.name}: the server sent {len(data)} of {count} bytes")
    return data
