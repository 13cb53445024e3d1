"""Credentials: where they are looked for, how their refusal reads, and that they never show."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from turnsmith.core.errors import TurnsmithError, UsageError
from turnsmith.publish.blob import publish_dataset, verify_remote
from turnsmith.publish.blob.credentials import find_credential
from turnsmith.publish.blob.errors import ContainerError, CredentialError
from turnsmith.publish.blob.location import parse_location

from .conftest import make_sas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from turnsmith.core.retrying import Patience

    from .conftest import Place

WRONG_KEY = "Y2FuYXJ5LXdyb25nLWtleQ=="
VARIABLE = "AZURE_STORAGE_CONNECTION_STRING"
COMMAND = """
from turnsmith.cli.app import app, main
from turnsmith.cli.publish import publish_command
app.command("publish")(publish_command)
main()
"""


def test_a_wrong_key_is_refused_once(place: Place, make_dataset: Callable[..., Path]) -> None:
    """403 is not retried, and the error names the rights that are needed."""
    os.environ[VARIABLE] = place.server.connection_string(WRONG_KEY)
    with pytest.raises(CredentialError, match=r"403 Auth.*Storage Blob Data Contributor"):
        publish_dataset(make_dataset(), place.url())


@pytest.mark.parametrize("permissions", ["r", "rl"])
def test_a_sas_without_the_rights_is_refused(
    permissions: str, place: Place, make_dataset: Callable[..., Path]
) -> None:
    """A SAS that may not list or write is refused, and nothing is there afterwards."""
    with pytest.raises(CredentialError, match="lack a right"):
        publish_dataset(make_dataset(), f"{place.url()}?{make_sas(place, permissions)}")
    assert place.blobs() == {}


def test_an_expired_sas_is_refused(place: Place, make_dataset: Callable[..., Path]) -> None:
    """An expired SAS is refused."""
    with pytest.raises(CredentialError, match="expired"):
        publish_dataset(make_dataset(), f"{place.url()}?{make_sas(place, minutes=-5)}")


@pytest.mark.parametrize("where", ["url", "variable", "named"])
def test_each_kind_of_credential_works(
    where: str, place: Place, make_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SAS in the URL or its variable and a connection string in a named variable publish and verify."""
    monkeypatch.delenv(VARIABLE)
    query = f"?{make_sas(place)}" if where == "url" else ""
    if where == "variable":
        monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", f"?{make_sas(place)}")
    if where == "named":
        monkeypatch.setenv("MINE", place.server.connection_string())
    named = "MINE" if where == "named" else None
    published = publish_dataset(make_dataset(), place.url() + query, connection_string_env=named)
    assert "sig=" not in published.url
    verify_remote(published.url + query, connection_string_env=named)


def test_a_missing_container_comes_with_the_command_that_makes_it(
    place: Place, make_dataset: Callable[..., Path]
) -> None:
    """404 of the container names it and the `az` command."""
    url = place.url().replace(place.name, "no-such-container")
    with pytest.raises(ContainerError, match=r"az storage container create --name no-such-container"):
        publish_dataset(make_dataset(), url)


def test_without_credentials_all_places_are_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error lists every place that was searched."""
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(UsageError, match=rf"--connection-string-env.*SAS.*{VARIABLE}.*AZURE_STORAGE_SAS"):
        verify_remote(place.url())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AccountName=other;AccountKey=c2VjcmV0", "another storage account"),
        ("BlobEndpoint=https://evil.example/;SharedAccessSignature=sig=secret", "another storage account"),
        ("AccountName=acct;AccountKey=secret!", "not base64"),
        ("AccountName=acct;Secret=secret", "no connection string"),
        ("AccountName=acct;SharedAccessSignature=secret", "no SAS token"),
        ("secret", "another storage account"),
    ],
)
def test_bad_connection_strings_are_told_apart(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be used is named by its variable, never by its content."""
    monkeypatch.setenv("MINE", text)
    location = parse_location("https://acct.blob.core.windows.net/sets")
    with pytest.raises(UsageError, match=rf"MINE.*{message}") as caught:
        find_credential(location, "MINE")
    assert "secret" not in str(caught.value).lower()
    assert "c2Vj" not in str(caught.value)


def test_a_connection_string_fits_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual connection string fits the usual URL; a credential does not show its value."""
    text = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={WRONG_KEY};EndpointSuffix=core.windows.net"
    monkeypatch.setenv("MINE", text)
    credential = find_credential(parse_location("https://acct.blob.core.windows.net/sets"), "MINE")
    assert credential.value == {"account_name": "acct", "account_key": WRONG_KEY}
    assert WRONG_KEY not in repr(credential)


def test_a_missing_extra_says_what_to_install(
    place: Place, make_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the Azure packages one sentence says what to install."""
    monkeypatch.setitem(sys.modules, "azure.storage.blob", None)
    with pytest.raises(UsageError, match=r"pip install 'turnsmith\[azure\]'"):
        publish_dataset(make_dataset(), place.url())


def test_secrets_stay_out_of_the_terminal(place: Place, make_dataset: Callable[..., Path]) -> None:
    """Whatever goes wrong, neither the message nor the traceback of --debug shows a key or a signature."""
    dataset, sas = str(make_dataset()), make_sas(place)
    sets = [
        (place.url(), place.server.connection_string(WRONG_KEY), 1),
        (place.url() + "?" + sas.replace("sig=", "sig=canary"), "", 1),
        (place.url() + "?" + sas + "#fragment", "", 2),
        (place.url() + "?" + sas, "", 0),
    ]
    for url, connection_string, code in sets:
        environment = os.environ | {VARIABLE: connection_string, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", COMMAND, "--debug", "publish", dataset, url]
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert (result.returncode == 0) is (code == 0)
        assert ("Traceback" in result.stderr) is (code != 0)
        _check_clean(result.stdout + result.stderr, place, sas)


def test_secrets_stay_out_of_logs(
    place: Place, make_dataset: Callable[..., Path], caplog: pytest.LogCaptureFixture, quick: Patience
) -> None:
    """At level DEBUG, when HTTP libraries log every request, no signature is logged."""
    sas = make_sas(place)
    with caplog.at_level(logging.DEBUG):
        publish_dataset(make_dataset(), f"{place.url()}?{sas}", patience=quick)
        with pytest.raises(TurnsmithError) as caught:
            publish_dataset(make_dataset(1000), f"{place.url(1)}?{sas}", patience=quick)
    assert len(caplog.records) > 10
    _check_clean(caplog.text + "".join(traceback.format_exception(caught.value)), place, sas)


def test_secrets_stay_out_of_blobs(place: Place, make_dataset: Callable[..., Path]) -> None:
    """Neither blobs nor their metadata hold a credential."""
    sas = make_sas(place)
    publish_dataset(make_dataset(), f"{place.url()}?{sas}")
    for blob in place.blobs().values():
        data = place.client.download_blob(blob.name).readall().decode()
        _check_clean(data + repr(blob.metadata), place, sas)


def _check_clean(text: str, place: Place, sas: str) -> None:
    signature = sas.partition("sig=")[2].partition("&")[0]
    for secret in (place.server.key, WRONG_KEY, signature, signature[:20], "canary", "Y2FuYXJ5", "sig="):
        assert secret not in text
