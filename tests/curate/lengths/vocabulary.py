"""A vocabulary small enough to count by hand, and the real one where it lies."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
QWEN_RANKS = SHARED / "tokenizers" / "qwen.tiktoken"
SESSIONS = SHARED / "claude_code" / "sessions"
needs_shared = pytest.mark.skipif(not QWEN_RANKS.is_file(), reason="shared/data is not beside this checkout")

# Each is made of two before it, so that merging by rank can reach it.
MERGES = [
    b"he",
    b"ll",
    b"llo",
    b"hello",
    b" w",
    b"or",
    b" wor",
    b"ld",
    b" world",
    b"us",
    b"er",
    b"user",
    b"\n\n",
]


def small_ranks() -> dict[bytes, int]:
    """Return all bytes and a few merges."""
    tokens = [bytes([byte]) for byte in range(256)] + MERGES
    return {token: rank for rank, token in enumerate(tokens)}


def write_ranks(path: Path) -> Path:
    """Write the small vocabulary as a tiktoken file."""
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in small_ranks().items()]
    path.write_text("".join(lines), encoding="ascii")
    return path


def texts_of(value: Any) -> Iterator[str]:
    """Yield all strings inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value if isinstance(value, list) else value.values():
            yield from texts_of(item)


def real_texts() -> list[str]:
    """Return what people, models and tools wrote in the real sessions."""
    texts: list[str] = []
    for path in sorted(SESSIONS.rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                texts += texts_of(json.loads(line).get("message"))
            except ValueError:
                continue  # some of the real files begin with a cut line
    return texts
