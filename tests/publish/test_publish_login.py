"""Publishing with the login of the machine, over TLS: a server that checks bearer tokens."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from tests.certificates import write_certificate
from turnsmith.publish.blob import publish_dataset, verify_remote
from turnsmith.publish.blob.errors import CredentialError
from turnsmith.verify import verify_dataset

from .azurite_server import azurite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class _Login:
    """Stand in for DefaultAzureCredential: an unsigned token, as the server's basic mode takes it."""

    def __init__(self, audience: str = "https://storage.azure.com") -> None:
        self._audience = audience

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token that holds for an hour."""
        now = int(time.time())
        claims = {"aud": self._audience, "iss": "https://sts.windows.net/canary/", "nbf": now - 60}
        parts = {"alg": "none", "typ": "JWT"}, claims | {"iat": now - 60, "exp": now + 3600}
        text = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return AccessToken(".".join([*text, "c2ln"]), now + 3600)


class _NoLogin(_Login):
    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise ClientAuthenticationError("no login; canary-detail")


def test_the_login_of_the_machine_publishes_and_verifies(
    tmp_path: Path, make_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any variable, DefaultAzureCredential signs; its refusals are errors that say what to do."""
    certificate, key = write_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    for variable in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    dataset = make_dataset()
    with azurite("--oauth", "basic", "--cert", certificate, "--key", key, scheme="https") as server:
        with server.container("sets") as client:
            client.create_container()
        url = f"{server.endpoint()}/sets/2026"
        monkeypatch.setattr(azure.identity, "DefaultAzureCredential", _Login)
        published = publish_dataset(dataset, url)
        assert verify_remote(published.url) == verify_dataset(dataset)
        monkeypatch.setattr(azure.identity, "DefaultAzureCredential", lambda: _Login("https://other.example"))
        with pytest.raises(CredentialError, match="refused the credentials"):
            verify_remote(published.url)
        monkeypatch.setattr(azure.identity, "DefaultAzureCredential", _NoLogin)
        with pytest.raises(CredentialError, match="az login") as caught:
            verify_remote(published.url)
        assert "canary" not in str(caught.value)
