"""Publish a finished data set: check it, send its blocks, make them blobs, metadata.json last, compare."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from turnsmith import __version__
from turnsmith.publish.blob.blocks import Sender, Staged, plan_blocks
from turnsmith.publish.blob.client import MARK, SHA256, Container, RemoteFile, open_container
from turnsmith.publish.blob.errors import BlobError, ExistsError
from turnsmith.publish.blob.local import (
    BLOCK_BYTES,
    METADATA,
    LocalFile,
    block_size,
    file_sizes,
    open_dataset,
)
from turnsmith.publish.blob.location import parse_location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from turnsmith.core.retrying import Patience

    # Phase ("check" or "upload"), bytes done since the last call, bytes of the whole phase.
    OnProgress = Callable[[str, int, int], None]

THREADS = 4


@dataclass(frozen=True)
class Published:
    """Hold what was published: the address without secrets, and what it took."""

    url: str
    files: int
    bytes: int
    files_skipped: int
    blocks_sent: int
    blocks_reused: int
    bytes_sent: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def publish_dataset(
    dataset: Path,
    url: str,
    *,
    overwrite: bool = False,
    connection_string_env: str | None = None,
    on_progress: OnProgress | None = None,
    threads: int = THREADS,
    block_bytes: int = BLOCK_BYTES,
    patience: Patience | None = None,
) -> Published:
    """Publish the data set folder to `url` plus the folder's name, and prove that it is there.

    A run after a broken one sends only what is missing. Raises UsageError for a wrong URL, missing
    credentials or a folder that is no data set, a BlobError for everything that the server says or does.
    """
    started = time.monotonic()
    root = dataset.resolve()
    location = parse_location(url).below(root.name)
    report = on_progress or (lambda *_: None)
    sizes = file_sizes(root)
    total, widest = sum(sizes), block_size(max(sizes, default=0), block_bytes)
    with open_container(location, connection_string_env, patience) as container:
        hashed = open_dataset(root, lambda count: report("check", count, total), block_bytes)
        sender = Sender(container, threads, widest, lambda count: report("upload", count, total))
        job = _Job(container, hashed, sender, overwrite)
        job.run(sender.on_bytes)
    traffic = sender.traffic
    return Published(
        location.url,
        len(job.files),
        sum(file.size for file in job.files),
        len(job.files) - len(job.plans),
        traffic.blocks_sent,
        traffic.blocks_reused,
        traffic.bytes_sent,
        round(time.monotonic() - started, 3),
    )


def check_destination(url: str, patience: Patience | None = None) -> None:
    """Raise what `publish_dataset` would raise for a wrong address, credentials without rights, or no container.

    For a job that takes hours: better to know before than after.
    """
    with open_container(parse_location(url), None, patience) as container:
        container.check()


class _Job:
    """Hold one publication between its steps; `files` grows as the data set's files are hashed."""

    def __init__(
        self, container: Container, hashed: Iterator[LocalFile], sender: Sender, overwrite: bool
    ) -> None:
        self._container = container
        self._hashed = hashed
        self._sender = sender
        self._overwrite = overwrite
        self.files: list[LocalFile] = []
        self.plans: list[Staged] = []

    def run(self, on_bytes: Callable[[int], None]) -> None:
        """Send all that is missing; nothing is visible before all blocks are there."""
        there = self._container.files()
        strangers: list[RemoteFile] = []
        pending: Iterable[LocalFile] = self._as_hashed()
        if there:  # then the whole data set decides whether anything may be sent
            strangers, pending = self._survey(there)
        self._sender.send(self._planned(pending))
        for file in self.files:
            if file not in [plan.file for plan in self.plans]:
                on_bytes(file.size)
        if METADATA in there and (self.plans or strangers):
            self._container.delete(there.pop(METADATA))  # from here on it is no whole data set
        for stranger in strangers:
            self._container.delete(stranger)
        for plan in self.plans:
            commit(self._container, plan, there.get(plan.file.name))
        self._compare()

    def _as_hashed(self) -> Iterator[LocalFile]:
        for file in self._hashed:
            self.files.append(file)
            yield file

    def _planned(self, pending: Iterable[LocalFile]) -> Iterator[Staged]:
        for file in pending:
            self.plans.append(plan_blocks(self._container, file))
            yield self.plans[-1]

    def _survey(self, there: dict[str, RemoteFile]) -> tuple[list[RemoteFile], list[LocalFile]]:
        """Return the blobs of an earlier data set that are to go, and the files to be sent.

        Raises ExistsError if that would overwrite anything without leave, or anything that is not ours.
        """
        self.files = list(self._hashed)
        names = {file.name for file in self.files}
        strangers = [file for name, file in there.items() if name not in names]
        missing = [file for file in self.files if not _same(file, there.get(file.name))]
        foreign = [file for file in strangers if not file.ours]
        others = strangers + [there[file.name] for file in missing if file.name in there]
        if foreign or (others and not self._overwrite):
            first = min((foreign or others), key=lambda file: file.name)
            advice = (
                "It was not published by turnsmith: move it away, or give another prefix"
                if foreign
                else "Give another prefix, or --overwrite to replace the data set"
            )
            raise ExistsError(
                f"{self._container.location.url}: other content stands there ({first.name}). "
                f"Nothing was changed. {advice}"
            )
        metadata = self.files[-1]
        if missing and metadata not in missing:
            missing.append(metadata)  # it goes first and comes last, whatever it says
        return strangers, missing

    def _compare(self) -> None:
        """List the remote and hold it against the local files."""
        there = self._container.files()
        wrong = sorted(there.keys() - {file.name for file in self.files})
        wrong += [file.name for file in self.files if not _same(file, there.get(file.name))]
        if wrong:
            raise BlobError(
                f"{self._container.location.url}: after the upload, {wrong[0]} is not what was sent. "
                "Does another run write there? Run the same command again, with --overwrite if need be."
            )


def commit(container: Container, plan: Staged, before: RemoteFile | None) -> None:
    """Make the staged blocks a blob, unless something else than `before` stands there by now."""
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
    from azure.storage.blob import BlobBlock, ContentSettings

    file = plan.file
    condition: dict[str, Any] = {"match_condition": MatchConditions.IfMissing}
    if before:
        condition = {"match_condition": MatchConditions.IfNotModified, "etag": before.etag}

    def make() -> None:
        try:
            container.blob(file.name).commit_block_list(
                [BlobBlock(block) for block in file.blocks],
                content_settings=ContentSettings(content_type=file.content_type),
                metadata={SHA256: file.sha256, MARK: __version__},
                validate_content=True,
                **condition,
            )
        except (ResourceExistsError, ResourceModifiedError):
            # An answer may have been lost after the server had done it; then what stands there is ours.
            if not _same(file, container.files().get(file.name)):
                raise

    container.try_call(make, file.name)


def _same(file: LocalFile, remote: RemoteFile | None) -> bool:
    return remote is not None and (remote.size, remote.sha256) == (file.size, file.sha256)
