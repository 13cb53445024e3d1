"""The container on the server, with everything that talks to it in one place."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turnsmith.core.errors import UsageError
from turnsmith.core.retrying import Patience
from turnsmith.publish.blob.credentials import MISSING, Credential, find_credential
from turnsmith.publish.blob.retrying import call

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from turnsmith.publish.blob.location import Location

SHA256 = "sha256"
MARK = "turnsmith"  # this metadata key says that a blob was published by us, and by which version
SEND_SECONDS = 600  # the client's connection timeout also bounds the sending of a whole block
QUERY = re.compile(r"\?[^\s\"']*")


@dataclass(frozen=True)
class RemoteFile:
    """Hold what the server says of a blob; `name` is below the data set, `sha256` empty where unknown."""

    name: str
    size: int
    sha256: str
    ours: bool
    etag: str


class Container:
    """Talk to the container of a location; every call is retried and fails with a BlobError only."""

    def __init__(self, location: Location, credential: Credential, patience: Patience) -> None:
        try:
            from azure.storage.blob import ContainerClient
        except ImportError:
            raise UsageError(MISSING) from None
        _guard_logs()
        self.location = location
        self.patience = patience
        self._credential = credential
        self._client = ContainerClient(
            location.endpoint,
            location.container,
            credential=credential.value,
            retry_total=0,
            permit_redirects=False,
        )

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._credential.close()

    def try_call(self, operation: Callable[[], Any], subject: str = "") -> Any:
        """Do one operation with retries."""
        return call(operation, self.location, self.patience, subject)

    def blob(self, name: str) -> Any:
        """Return the client of the blob with a name below the location."""
        return self._client.get_blob_client(self.location.blob(name))

    def files(self) -> dict[str, RemoteFile]:
        """Return the committed blobs below the location by name, without markers of folders."""
        prefix = self.location.blob("")
        blobs = self.try_call(lambda: list(self._client.list_blobs(prefix, include=["metadata"])))
        found = (_remote_file(blob, len(prefix)) for blob in blobs)
        return {file.name: file for file in found if file}

    def check(self) -> None:
        """List one blob, or none: it fails where the container or a right is missing."""
        self.try_call(lambda: next(iter(self._client.list_blobs(results_per_page=1)), None))

    def uncommitted(self, name: str) -> dict[str, int]:
        """Return the sizes of the blocks that earlier attempts left on the server, by id."""
        from azure.core.exceptions import ResourceNotFoundError

        def ask() -> dict[str, int]:
            try:
                return {block.id: block.size for block in self.blob(name).get_block_list("uncommitted")[1]}
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) == "ContainerNotFound":
                    raise
                return {}

        blocks: dict[str, int] = self.try_call(ask, name)
        return blocks

    def stage(self, name: str, block: str, data: bytes) -> None:
        """Send one block; the server checks its MD5."""
        blob = self.blob(name)
        self.try_call(
            lambda: blob.stage_block(
                block, data, length=len(data), validate_content=True, connection_timeout=SEND_SECONDS
            ),
            name,
        )

    def delete(self, file: RemoteFile) -> None:
        """Delete a blob that still is what was listed; gone already is fine."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceNotFoundError

        def remove() -> None:
            try:
                self.blob(file.name).delete_blob(
                    etag=file.etag, match_condition=MatchConditions.IfNotModified, delete_snapshots="include"
                )
            except ResourceNotFoundError:
                return

        self.try_call(remove, file.name)


def open_container(
    location: Location, connection_string_env: str | None = None, patience: Patience | None = None
) -> Container:
    """Return the container of `location`, with the credential that `find_credential` finds."""
    credential = find_credential(location, connection_string_env)
    return Container(location, credential, patience or Patience())


def _remote_file(blob: Any, skip: int) -> RemoteFile | None:
    metadata = {str(key).lower(): str(value) for key, value in (blob.metadata or {}).items()}
    if metadata.get("hdi_isfolder") == "true":  # how accounts with real folders list them
        return None
    sha256 = metadata.get(SHA256, "")
    return RemoteFile(blob.name[skip:], blob.size, sha256, MARK in metadata, blob.etag)


class _WithoutQuery(logging.Filter):
    """Cut query strings out of log records: urllib3 logs whole paths, SAS included, at level DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message; keep the record."""
        record.msg, record.args = QUERY.sub("?…", record.getMessage()), ()
        return True


_FILTER = _WithoutQuery()


def _guard_logs() -> None:
    """Put the filter on the loggers below us; twice is once."""
    for name in (
        "urllib3.connectionpool",
        "urllib3.util.retry",
        "azure.core.pipeline.policies.http_logging_policy",
    ):
        logging.getLogger(name).addFilter(_FILTER)
