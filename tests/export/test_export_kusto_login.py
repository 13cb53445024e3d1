"""Asking an https cluster, signed in as the login of the machine."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from tests.certificates import write_certificate

from .running import data_files, dataset, pull

if TYPE_CHECKING:
    from pathlib import Path

    from .kusto_proxy import Proxy


class _Login:
    """Stand in for DefaultAzureCredential."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Return a token that holds for an hour."""
        assert scopes == ("https://kusto.kusto.windows.net/.default",)
        return AccessToken("canary-token", int(time.time()) + 3600)

    def close(self) -> None:
        """Have nothing to close."""


class _NoLogin(_Login):
    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Fail as it does without any login."""
        raise ClientAuthenticationError("no login; canary-detail")


@pytest.fixture
def secure(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the proxy speak TLS; give its address."""
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    proxy.socket = context.wrap_socket(proxy.socket, server_side=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    return proxy.uri.replace("http:", "https:")


def test_the_login_of_the_machine_asks(
    secure: str, proxy: Proxy, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every question carries the token, and nothing that is written or printed does."""
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", _Login)
    ended = pull(secure, tmp_path / "out")
    assert ended.code == 0, ended.said
    assert data_files(dataset(tmp_path / "out")) == data_files(undisturbed)
    assert set(proxy.log.authorization) == {"Bearer canary-token"}
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"canary-token" not in written
    assert "canary" not in ended.said


def test_no_login(secure: str, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a login nothing is asked, and the message says how to sign in."""
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", _NoLogin)
    ended = pull(secure, tmp_path / "out")
    assert ended.code == 1
    assert "az login" in ended.stderr
    assert "canary" not in ended.said
    assert proxy.log.asked == []


def test_no_token_over_http(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loopback address without TLS gets no credentials."""
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", _Login)
    assert pull(proxy.uri, tmp_path / "out").code == 0
    assert set(proxy.log.authorization) == {None}
