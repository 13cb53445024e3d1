"""Fixtures of the tests of publishing."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from turnsmith.core.retrying import Patience

from .azurite_server import ACCOUNT, Azurite, azurite
from .faulty_proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUILDER = Path(__file__).resolve().parents[1] / "verify" / "dataset_builder.py"


def _load_builder() -> Any:
    spec = importlib.util.spec_from_file_location("dataset_builder_of_publish", BUILDER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Place:
    """Hold a fresh container of a server; its URL and a plain client of it."""

    server: Azurite
    name: str
    client: Any

    def url(self, port: int | None = None) -> str:
        """Return the URL of a prefix in the container."""
        return f"{self.server.endpoint(port)}/{self.name}/sets"

    def blobs(self) -> dict[str, Any]:
        """Return the blobs below the prefix and the data set's folder, by name."""
        blobs = self.client.list_blobs("sets/", include=["metadata"])
        return {blob.name.split("/", 2)[2]: blob for blob in blobs}


def make_sas(place: Place, permissions: str = "racwdl", minutes: int = 60) -> str:
    """Give a SAS for the container of a place."""
    token: str = generate_container_sas(
        ACCOUNT,
        place.name,
        account_key=place.server.key,
        permission=ContainerSasPermissions.from_string(permissions),
        expiry=datetime.now(UTC) + timedelta(minutes=minutes),
    )
    return token


@pytest.fixture(scope="session")
def server() -> Iterator[Azurite]:
    """Run one Azurite for all tests of this process."""
    with azurite() as running:
        yield running


@pytest.fixture
def place(server: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Give a fresh container, and the credentials for it in the environment."""
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string())
    name = f"test-{uuid.uuid4().hex[:12]}"
    with server.container(name) as client:
        client.create_container()
        yield Place(server, name, client)


@pytest.fixture
def proxy(server: Azurite) -> Iterator[Proxy]:
    """Give a proxy in front of the server that is faultless until told otherwise."""
    with Proxy(server.port) as running:
        yield running


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Give what writes a valid data set, with long texts to make its first file `size` bytes longer."""
    builder = _load_builder()

    def make(size: int = 0, form: str = "json", change: Callable[[Any], None] | None = None) -> Path:
        dataset = builder.build(form)
        first = next(iter(dataset.records.values()))[0]
        first["turnsArray"][0]["userMessage"] += random.Random(size).randbytes(size // 2).hex()
        if change:
            change(dataset)
        written: Path = dataset.write(tmp_path / "sets")
        return written

    return make


@pytest.fixture
def quick() -> Patience:
    """Give few tries and short waits."""
    return Patience(tries=3, first=0.01)
