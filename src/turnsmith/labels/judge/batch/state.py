"""What is known of batches, in the judge's own SQLite file, so that both always tell the same story.

A batch is first prepared (its file is written, its requests are noted), then uploaded, then created at the
server, at last collected. A kill between two of these steps loses nothing: the next `submit` goes on from there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from turnsmith.core.errors import UsageError
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.request import Request

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        digest TEXT NOT NULL,           -- SHA-256 of the file of requests
        requests INTEGER NOT NULL,
        worst TEXT NOT NULL,            -- the most that it can cost, US dollars as a decimal
        file TEXT,                      -- the server's id of the uploaded file
        remote TEXT,                    -- the server's id of the batch
        status TEXT NOT NULL,           -- prepared, or what the server said last
        collected INTEGER NOT NULL DEFAULT 0
    )""",
    """
    CREATE TABLE IF NOT EXISTS batch_requests (
        key BLOB NOT NULL,
        batch INTEGER NOT NULL REFERENCES batches (id),
        kind TEXT NOT NULL, vote INTEGER NOT NULL, flipped INTEGER NOT NULL, neutralized INTEGER NOT NULL,
        PRIMARY KEY (key, batch)
    ) WITHOUT ROWID""",
)
PREPARED = "prepared"


@dataclass(frozen=True, slots=True)
class Batch:
    """Hold one batch; `file` and `remote` are the server's ids, None before it has given them."""

    id: int
    digest: str
    requests: int
    file: str | None
    remote: str | None
    status: str

    @property
    def name(self) -> str:
        """Return what tells this batch from all others; the server keeps it in the batch's metadata.

        The same requests may be in a later batch, too, where this one left them without an answer.
        """
        return f"{self.digest[:32]}-{self.id}"


class Batches:
    """Keep the batches of a job beside its attempts; changes are safe once `Cache.commit` returns."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        for table in _TABLES:
            cache.query(table)

    def open(self) -> list[Batch]:
        """Return the batches that are not collected, oldest first."""
        rows = self._cache.query(
            "SELECT id, digest, requests, file, remote, status FROM batches WHERE NOT collected ORDER BY id"
        )
        return [Batch(*row) for row in rows]

    def reserved(self) -> Decimal:
        """Return the most that the open batches can cost, US dollars."""
        rows = self._cache.query("SELECT worst FROM batches WHERE NOT collected")
        return sum((Decimal(worst) for (worst,) in rows), Decimal(0))

    def prepare(self, digest: str, requests: Sequence[Request], worst: Decimal) -> Batch:
        """Note a file of requests that is about to be uploaded."""
        self._cache.query("BEGIN")
        self._cache.query(
            "INSERT INTO batches (digest, requests, worst, status) VALUES (?, ?, ?, ?)",
            (digest, len(requests), f"{worst:f}", PREPARED),
        )
        ((batch,),) = self._cache.query("SELECT last_insert_rowid()")
        for each in requests:
            self._cache.query(
                "INSERT INTO batch_requests VALUES (?, ?, ?, ?, ?, ?)",
                (each.key, batch, each.kind, each.vote, each.flipped, each.neutralized),
            )
        self._cache.commit()
        return Batch(batch, digest, len(requests), None, None, PREPARED)

    def note(self, batch: Batch, *, status: str, file: str | None = None, remote: str | None = None) -> None:
        """Keep what the server said of a batch."""
        self._cache.query(
            "UPDATE batches SET status = ?, file = coalesce(?, file), remote = coalesce(?, remote) WHERE id = ?",
            (status, file, remote, batch.id),
        )

    def forget(self, batch: Batch) -> None:
        """Drop a batch that never reached the server, so that its requests are submitted anew."""
        self._cache.query("DELETE FROM batch_requests WHERE batch = ?", (batch.id,))
        self._cache.query("DELETE FROM batches WHERE id = ?", (batch.id,))

    def close(self, batch: Batch, status: str) -> None:
        """Mark a batch as collected; requests that it left without an answer may be submitted again."""
        self._cache.query("UPDATE batches SET status = ?, collected = 1 WHERE id = ?", (status, batch.id))
        self._cache.query("DELETE FROM batch_requests WHERE batch = ?", (batch.id,))

    def under_way(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those keys that are in a batch that is not collected; at most some 1,000 keys."""
        rows = self._cache.query(
            f"SELECT key FROM batch_requests WHERE key IN ({','.join('?' * len(keys))})", keys
        )
        return {key for (key,) in rows}

    def refuse_open(self) -> None:
        """Raise UsageError while a batch is open: its requests, asked one by one, would be paid for twice."""
        waiting = self.open()
        if not waiting:
            return
        count = "a batch" if len(waiting) == 1 else f"{len(waiting):,} batches"
        step = "submit" if any(batch.remote is None for batch in waiting) else "collect"
        raise UsageError(
            f"{self._cache.path}: the answers of {count} are still out and would be paid for twice; "
            f"run the same command with --batch {step} first"
        )

    def requests(self, batch: Batch, keys: Iterable[bytes]) -> dict[bytes, Request]:
        """Return the requests of a batch by key, without their bodies; at most some 1,000 keys."""
        wanted = list(keys)
        rows = self._cache.query(
            "SELECT key, kind, vote, flipped, neutralized FROM batch_requests "
            f"WHERE batch = ? AND key IN ({','.join('?' * len(wanted))})",
            [batch.id, *wanted],
        )
        return {
            key: Request(key, b"", bool(flipped), vote, neutralized, 0, kind)
            for key, kind, vote, flipped, neutralized in rows
        }
