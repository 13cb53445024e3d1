"""The judge's memory: a SQLite file with one row for each HTTP attempt, so that no answer is paid for twice.

Rows are only ever added. A request's answer is the first row with its key that is final; the index `answers` holds all
that a label needs, so that a run from the cache reads no replies. Write-ahead logging makes an answer safe from a kill
once `commit` returns.
"""

import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from turnsmith.core.errors import InputError
from turnsmith.labels.judge.answer import FINAL, Answer, Usage
from turnsmith.labels.judge.request import Request

FILE = "judge.sqlite"
_FORMAT = 1
_PACK_FROM = 256  # bytes; a smaller reply does not get smaller

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,          -- hash of model, messages, parameters, prompt version and vote
    kind TEXT NOT NULL,         -- vote, canary, rationale or probe
    vote INTEGER NOT NULL,
    flipped INTEGER NOT NULL,   -- 1: the digit 0 stood for the label 1
    state TEXT NOT NULL,
    final INTEGER NOT NULL,     -- 1: the request is not sent again
    digit INTEGER, zero REAL, one REAL, outside REAL,
    status INTEGER,             -- of HTTP; null: no response
    failure TEXT,               -- timeout, connection, or the server's error code
    started REAL NOT NULL,      -- seconds since 1970
    latency_ms REAL,
    prompt_tokens INTEGER, cached_tokens INTEGER, completion_tokens INTEGER,
    cost TEXT,                  -- US dollars as a decimal; null: no price known
    served_model TEXT,
    neutralized INTEGER NOT NULL,
    packed INTEGER NOT NULL,    -- 1: body is compressed with zstd
    body BLOB
);
CREATE INDEX IF NOT EXISTS answers ON attempts (key, id, state, digit, zero, one, outside, final) WHERE final = 1;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
_ADD = """
INSERT INTO attempts (key, kind, vote, flipped, state, final, digit, zero, one, outside, status, failure, started,
    latency_ms, prompt_tokens, cached_tokens, completion_tokens, cost, served_model, neutralized, packed, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Hold one HTTP attempt: what was asked, what came of it, and what it cost (US dollars as a decimal text).

    `body` is the reply as it came; `status` is None where none came, `failure` then says why.
    """

    request: Request
    answer: Answer
    status: int | None
    latency_ms: float | None
    body: bytes = b""
    failure: str | None = None
    cost: str | None = None
    started: float = 0.0


class Cache:
    """Keep the attempts of a job in one SQLite file; one writer at a time.

    `secret` is random, made with the file: it fences the data in the requests (see `request.RequestBuilder`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._pack = zstandard.ZstdCompressor(level=3)
        self._unpack = zstandard.ZstdDecompressor()
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            # A kill can't harm what is committed; a power cut may take the last moments, never the file.
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -65536"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_SCHEMA)
            kept = self.fact("format")
            if kept not in (None, _FORMAT):
                raise InputError(
                    f"{path}: was written by another version of turnsmith (format {kept}); give another --out"
                )
            if kept is None:
                self.set_fact("format", _FORMAT)
                self.set_fact("secret", secrets.token_hex(16))
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{path}: can't be used as a cache of answers: {error}; move it away, or give another --out"
            ) from error
        self.secret = bytes.fromhex(self.fact("secret"))

    def close(self) -> None:
        """Commit, and fold the log into the file."""
        self.commit()
        self._database.close()

    def fact(self, name: str) -> Any:
        """Return something that was kept about the job, None where it was not."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Keep something about the job, as JSON."""
        self._database.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, msgspec.json.encode(value))
        )

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Add attempts; they are safe once `commit` returns."""
        if not self._database.in_transaction:
            self._database.execute("BEGIN")
        self._database.executemany(_ADD, map(self._row, attempts))

    def commit(self) -> None:
        """Make all that was added safe from a kill."""
        if self._database.in_transaction:
            self._database.execute("COMMIT")

    def _row(self, attempt: Attempt) -> tuple[Any, ...]:
        request, answer = attempt.request, attempt.answer
        usage = answer.usage or Usage()
        packed = len(attempt.body) >= _PACK_FROM
        return (
            request.key, request.kind, request.vote, request.flipped, answer.state, answer.state in FINAL,
            answer.digit, answer.zero, answer.one, answer.outside, attempt.status, attempt.failure,
            attempt.started or time.time(), attempt.latency_ms, usage.prompt_tokens, usage.cached,
            usage.completion_tokens, attempt.cost, answer.model, request.neutralized, packed,
            self._pack.compress(attempt.body) if packed else attempt.body,
        )  # fmt: skip

    def answers(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        """Return the final answers of those keys that have one, without text and usage; at most some 1,000 keys."""
        places = ",".join("?" * len(keys))
        rows = self._database.execute(
            "SELECT key, state, digit, zero, one, outside FROM attempts INDEXED BY answers "
            f"WHERE final = 1 AND key IN ({places}) ORDER BY key, id",
            keys,
        )
        found: dict[bytes, Answer] = {}
        for key, *values in rows:
            found.setdefault(key, Answer(*values))
        return found

    def body(self, key: bytes) -> bytes | None:
        """Return the reply that holds the final answer of a key."""
        row = self._database.execute(
            "SELECT packed, body FROM attempts WHERE final = 1 AND key = ? ORDER BY id LIMIT 1", (key,)
        ).fetchone()
        if row is None:
            return None
        return self.unpacked(row[1], row[0])

    def unpacked(self, body: bytes, packed: int) -> bytes:
        """Return a reply as it came."""
        return self._unpack.decompress(body) if packed else body

    def query(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a question about the attempts, for reports."""
        return self._database.execute(text, values).fetchall()
