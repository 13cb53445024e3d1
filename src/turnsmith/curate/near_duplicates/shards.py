"""Keys and their owners cut into ranges of keys, so that each range can be sorted in memory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from turnsmith.curate.near_duplicates.words import I64, U64

MOST = 256
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


class Shards:
    """Hold keys and owners in `count` parts, up to 256: in memory when it is one, in nameless files otherwise."""

    def __init__(self, count: int, folder: Path | None) -> None:
        self._count = min(count, MOST)
        self._parts: list[tuple[U64, I64]] = []
        self._files: list[IO[bytes]] = []
        if self._count > 1:
            self._files = [tempfile.TemporaryFile(dir=folder) for _ in range(self._count)]  # noqa: SIM115

    def add(self, keys: U64, owners: I64) -> None:
        """Put keys to their parts; equal keys go to the same."""
        if self._count == 1:
            self._parts.append((keys, owners))
            return
        shard = (keys * _SPREAD >> _HALF) * np.uint64(self._count) >> _HALF
        order = np.argsort(shard.astype(np.uint8), kind="stable")
        both = np.column_stack([keys, owners.view(np.uint64)])[order]
        ends = np.cumsum(np.bincount(shard.astype(np.int64), minlength=self._count)).tolist()
        begin = 0
        for file, end in zip(self._files, ends, strict=True):
            file.write(both[begin:end].data)
            begin = end

    def __iter__(self) -> Iterator[tuple[U64, I64]]:
        if self._count == 1:
            keys = np.concatenate([np.zeros(0, np.uint64), *(keys for keys, _ in self._parts)])
            owners = np.concatenate([np.zeros(0, np.int64), *(owners for _, owners in self._parts)])
            self._parts.clear()
            yield keys, owners
        for file in self._files:
            with file:
                file.seek(0)
                both = np.fromfile(file, np.uint64).reshape(-1, 2)
            yield both[:, 0].copy(), both[:, 1].view(np.int64)
