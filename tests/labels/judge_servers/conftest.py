"""The servers that the tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.labels.servers.aimock import Aimock, aimock
from tests.labels.servers.batches import Batches
from tests.labels.servers.llama import llama_server
from tests.labels.servers.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run llama.cpp's server with the tiny model; give its address."""
    with llama_server(tmp_path_factory.mktemp("llama"), WORDS) as url:
        yield url


@pytest.fixture
def batches(llama: str) -> Iterator[Batches]:
    """Run a server of batches, fresh for each test, whose lines the tiny model answers."""
    with Batches(llama) as server:
        yield server


@pytest.fixture
def mock(tmp_path: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    """Run aimock, fresh for each test."""
    with aimock(tmp_path_factory.mktemp("aimock")) as server:
        yield server
