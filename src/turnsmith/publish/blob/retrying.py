"""Try again what may pass, and say in our own errors what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from turnsmith.core.retrying import PASSING, Patience, StoppedError, retry_after
from turnsmith.publish.blob.errors import (
    BlobError,
    ConnectionLostError,
    ContainerError,
    CredentialError,
    ExistsError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnsmith.publish.blob.location import Location

T = TypeVar("T")
RIGHTS = (
    "It needs the role Storage Blob Data Contributor, or a SAS with read, create, write and list "
    "(delete, too, for --overwrite); verifying needs read and list"
)
NO_SUCH_HOST_TRIES = 3


def call(operation: Callable[[], T], location: Location, patience: Patience, subject: str = "") -> T:
    """Return what `operation` returns, after retries; raises a BlobError without any secret."""
    from azure.core.exceptions import AzureError

    failures = 0
    while True:
        if patience.stop.is_set():
            raise StoppedError
        try:
            return operation()
        except AzureError as error:
            failures += 1
            if failures >= _tries(error, patience):
                raise explain(error, location, subject, failures) from None
            asked = _retry_after(error)
        patience.wait(failures, asked)


def _tries(error: Any, patience: Patience) -> int:
    """Return how often an operation that fails this way may be tried."""
    status, _ = status_and_code(error)
    if status in PASSING or _damaged(error):
        return patience.tries
    if status is not None or _no_login(error):
        return 1
    if "NameResolutionError" in repr(error):
        return min(NO_SUCH_HOST_TRIES, patience.tries)
    return patience.tries


def status_and_code(error: Any) -> tuple[int | None, str]:
    """Return the HTTP status, None without an answer, and Azure's own error code, if any."""
    code = getattr(error, "error_code", None)
    return getattr(error, "status_code", None), str(getattr(code, "value", code) or "")


def _damaged(error: Any) -> bool:
    """Tell whether the server refused bytes that are not those of their MD5 (Azurite has no code for it)."""
    return getattr(error, "status_code", None) == 400 and "md5" in str(error).lower()


def _no_login(error: Any) -> bool:
    from azure.core.exceptions import ClientAuthenticationError

    return isinstance(error, ClientAuthenticationError)


def _retry_after(error: Any) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return retry_after(headers.get("Retry-After"))


def explain(error: Any, location: Location, subject: str = "", tries: int = 1) -> BlobError:
    """Return the error to raise for one of the client's; only status, code and address go into its text."""
    status, code = status_and_code(error)
    place = f"{location.url}{f' ({subject})' if subject else ''}"
    answer = " ".join(str(part) for part in (status, code) if part)
    if status in (401, 403) or _no_login(error):
        return _refused(place, answer)
    if code == "ContainerNotFound":
        return ContainerError(f"{place}: there is no container {location.container!r}. {_advice(location)}")
    if status is None:
        return _lost(error, location, tries)
    if status in PASSING or _damaged(error):
        return ConnectionLostError(
            f"{place}: the server answered {answer} {tries} times, the last time after waiting. "
            "Run the same command again: what was sent is kept for a week."
        )
    if status in (409, 412):
        return ExistsError(
            f"{place}: something else stands there ({answer}), or another run writes to it. "
            "Nothing was overwritten; give another prefix, or --overwrite to replace it."
        )
    return BlobError(f"{place}: the server refused the request ({answer})")


def _refused(place: str, answer: str) -> CredentialError:
    if not answer:
        return CredentialError(
            f"{place}: this machine has no Azure login. Run `az login`, or set AZURE_STORAGE_CONNECTION_STRING "
            "or AZURE_STORAGE_SAS_TOKEN"
        )
    return CredentialError(
        f"{place}: the server refused the credentials ({answer}): they are wrong, expired or lack a right. "
        f"{RIGHTS}"
    )


def _advice(location: Location) -> str:
    command = f"az storage container create --name {location.container}"
    if location.loopback:
        return f'Make it: {command} --connection-string "$AZURE_STORAGE_CONNECTION_STRING"'
    return f"Make it: {command} --account-name {location.account} --auth-mode login"


def _lost(error: Any, location: Location, tries: int) -> ConnectionLostError:
    if "NameResolutionError" in repr(error):
        return ConnectionLostError(
            f"{location.host}: no such host. Is the account name in the URL right, is the network up?"
        )
    return ConnectionLostError(
        f"{location.host}: no connection, or it was cut, {tries} times in a row ({type(error).__name__}). "
        "Run the same command again: what was sent is kept for a week."
    )
