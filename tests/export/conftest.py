"""Fixtures: a corpus of telemetry with everything in it, and an undisturbed export of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from turnsmith.sources.telemetry.kql.server import running_server

from .kusto_proxy import Proxy, proxied
from .running import exported, turnsmith
from .telemetry import conversation, ids, lines, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Give the lines of 60 generated conversations and of some for each group and each filter."""
    generated = tmp_path_factory.mktemp("synth") / "synth.jsonl"
    assert turnsmith("synth", "--conversations", 60, "--seed", 3, "--out", generated).code == 0
    made = [
        row
        for split in ("train", "val", "test")
        for bucket, turns in (("short", 3), ("medium", 6), ("long", 11))
        for name in ids(split, 3, f"{split}-{bucket}")
        for row in conversation(name, turns, text=f"naïve ✅ 你好 of {name}")
    ]
    made += conversation("gap", 4, skip=(2,)) + conversation("late", 4, skip=(1,))
    made += conversation("failed", 3, reason="failed") + conversation("brief", 2)
    made += [row for name in ids("val", 2, "blank") for row in conversation(name, 3, text=" ")]
    return [*generated.read_bytes().splitlines(keepends=True), *lines(made).splitlines(keepends=True)]


@pytest.fixture(scope="session")
def plain(corpus: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the corpus as one JSON Lines file."""
    return write(tmp_path_factory.mktemp("plain") / "events.jsonl", b"".join(corpus))


@pytest.fixture(scope="session")
def undisturbed(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the data set of the corpus, exported in one go."""
    return exported(plain, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="session")
def cluster(plain: Path) -> Iterator[str]:
    """Serve the corpus as a Kusto server on loopback does; give its address."""
    with running_server([str(plain)]) as uri:
        yield uri


@pytest.fixture(scope="session")
def known_answers() -> dict[str, tuple[int, bytes]]:
    """Keep what the cluster said, for tests that ask the same."""
    return {}


@pytest.fixture
def proxy(cluster: str, known_answers: dict[str, tuple[int, bytes]]) -> Iterator[Proxy]:
    """Give a proxy in front of the cluster that is faultless until told otherwise."""
    with proxied(cluster, known_answers) as running:
        yield running
