"""Who we are: a connection string, a SAS token or the machine's own Azure login, never shown anywhere."""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from turnsmith.core.errors import UsageError

if TYPE_CHECKING:
    from turnsmith.publish.blob.location import Location

CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
SAS_TOKEN = "AZURE_STORAGE_SAS_TOKEN"  # the name of a variable  # noqa: S105
MISSING = "Publishing to Azure Blob needs the Azure packages: pip install 'turnsmith[azure]'"


class Credential:
    """Hold what the client signs with: an account key (a mapping), a SAS (text) or a token credential."""

    def __init__(self, value: Any, kind: str) -> None:
        self.value = value
        self.kind = kind

    def __repr__(self) -> str:
        return f"Credential({self.kind})"

    def close(self) -> None:
        """Let go of the connections of a token credential."""
        if hasattr(self.value, "close"):
            self.value.close()


def find_credential(location: Location, connection_string_env: str | None = None) -> Credential:
    """Return the credential for `location`, from the first place that has one.

    The places: the variable named by `connection_string_env`, the URL's SAS, AZURE_STORAGE_CONNECTION_STRING,
    AZURE_STORAGE_SAS_TOKEN, DefaultAzureCredential. Raises UsageError where what is there can't be used.
    """
    if connection_string_env is not None:
        text = os.environ.get(connection_string_env)
        if not text:
            raise UsageError(f"--connection-string-env: the variable {connection_string_env} is not set")
        if location.sas:
            raise UsageError("both a SAS in the URL and --connection-string-env are given; leave one out")
        return _from_connection_string(text, connection_string_env, location)
    if location.sas:
        return Credential(location.sas, "a SAS in the URL")
    if text := os.environ.get(CONNECTION_STRING):
        return _from_connection_string(text, CONNECTION_STRING, location)
    if text := os.environ.get(SAS_TOKEN):
        return _from_sas(text, SAS_TOKEN)
    if urlsplit(location.endpoint).scheme == "http":
        raise UsageError(
            f"no credentials for {location.url}. Searched: --connection-string-env, a SAS in the URL, "
            f"{CONNECTION_STRING}, {SAS_TOKEN}. The login of this machine works over https only."
        )
    return _from_machine()


def _from_machine() -> Credential:
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError:
        raise UsageError(MISSING) from None
    return Credential(DefaultAzureCredential(), "the login of this machine (DefaultAzureCredential)")


def _from_sas(text: str, variable: str) -> Credential:
    token = text.strip().lstrip("?")
    if "sig=" not in token:
        raise UsageError(f"{variable} holds no SAS token (it has no sig=)")
    return Credential(token, f"the SAS in {variable}")


def _from_connection_string(text: str, variable: str, location: Location) -> Credential:
    pairs = (part.partition("=") for part in text.strip().strip('"').split(";") if part.strip())
    fields = {key.strip().lower(): value.strip() for key, _, value in pairs}
    _check_endpoint(fields, variable, location)
    if key := fields.get("accountkey"):
        if not fields.get("accountname"):
            raise UsageError(f"{variable} is no connection string: it has a key, but no AccountName")
        if not _is_base64(key):
            raise UsageError(f"{variable}: the AccountKey is not base64; copy the connection string again")
        value = {"account_name": fields["accountname"], "account_key": key}
        return Credential(value, f"the account key in {variable}")
    if token := fields.get("sharedaccesssignature"):
        return _from_sas(token, variable)
    raise UsageError(
        f"{variable} is no connection string: it has neither AccountKey nor SharedAccessSignature. "
        "az storage account show-connection-string prints one"
    )


def _check_endpoint(fields: dict[str, str], variable: str, location: Location) -> None:
    """Keep credentials from a server they are not for."""
    name = fields.get("accountname", "")
    suffix = fields.get("endpointsuffix", "core.windows.net")
    endpoint = fields.get("blobendpoint") or f"https://{name}.blob.{suffix}"
    wanted, given = urlsplit(location.endpoint), urlsplit(endpoint)
    same_account = name == location.account or (not name and wanted.path == given.path.rstrip("/"))
    same_server = wanted.netloc.lower() == given.netloc.lower()
    if not same_account or not (same_server or (location.loopback and name)):
        raise UsageError(
            f"{variable} is for another storage account than {location.url}; give the right one of the two"
        )


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
