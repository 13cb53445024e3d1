"""Which candidates belong together: the same user, requests that are nearly the same, or both.

Connection is transitive here, since it moves conversations and drops none. The unit of a group is the
portable hash of its smallest conversation id, so it depends on neither row order nor chunks.
"""

import shutil
from array import array
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core.files import writing
from turnsmith.curate.leakage.requests import is_short
from turnsmith.curate.split import bounds
from turnsmith.engines.duckdb import quoted, write_parquet

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Edges = tuple[Indices, Indices]
OnProgress = Callable[[int], object]

BATCH_ROWS = 4096
THRESHOLD = 0.8
NGRAM = 5


class SplitBy(StrEnum):
    """Name what is kept in one split: a conversation, all of a user, near-duplicate requests, or both."""

    conversation = "conversation"
    user = "user"
    cluster = "cluster"
    user_cluster = "user+cluster"

    @property
    def by_user(self) -> bool:
        """Tell whether the conversations of a user stay together."""
        return self in (SplitBy.user, SplitBy.user_cluster)

    @property
    def by_cluster(self) -> bool:
        """Tell whether conversations with near-duplicate first requests stay together."""
        return self in (SplitBy.cluster, SplitBy.user_cluster)


def find_units(
    cursor: duckdb.DuckDBPyConnection,
    candidates: str,
    by: SplitBy,
    shares: Mapping[str, int],
    target: Path,
    memory: int,
    on_progress: OnProgress,
) -> None:
    """Write `conversation_id`, `unit` and `split` of each candidate to the Parquet file `target`.

    `candidates` is SQL for rows with `conversation_id`, `user_name` and `request`; `shares` are per cent. What
    doesn't fit into `memory` bytes lies beside `target` meanwhile; of each candidate only a few numbers stay in memory.
    `on_progress` takes the number of requests read, and then of those compared, where requests are compared.
    """
    rows = target.with_suffix(".rows.parquet")
    query = f"SELECT conversation_id, user_name, request FROM ({candidates}) ORDER BY conversation_id"
    write_parquet(cursor, query, rows, BATCH_ROWS)
    edges = []
    if by.by_user:
        edges.append(_same_user(cursor, rows))
    if by.by_cluster:
        edges.append(_near_duplicates(rows, target.with_suffix(".near"), memory, on_progress))
    labels = target.with_suffix(".labels.parquet")
    _write_labels(_connected(pq.read_metadata(rows).num_rows, edges), labels)
    _write_units(cursor, rows, labels, shares, target)
    rows.unlink()
    labels.unlink()


def _connected(count: int, edges: list[Edges]) -> Indices:
    """Return for each of `count` places the smallest place that it is connected with, itself if none."""
    from turnsmith.curate.near_duplicates import Pairs, clusters

    left, right = (np.concatenate([edge[side] for edge in edges]) for side in (0, 1))
    return clusters(count, Pairs(left, right, np.ones(len(left), np.float32)))


def _same_user(cursor: duckdb.DuckDBPyConnection, rows: Path) -> Edges:
    """Return an edge from each candidate to the first one of its user; an empty name connects nothing."""
    source = f"read_parquet({quoted(rows)}, file_row_number = true)"
    named = f"SELECT user_name, file_row_number AS place FROM {source} WHERE user_name <> ''"
    found = cursor.execute(
        f"SELECT first, place FROM ({named}) JOIN (SELECT user_name, min(place) AS first FROM ({named}) GROUP BY 1) "
        "USING (user_name) WHERE first < place"
    ).fetchnumpy()
    return np.asarray(found["first"], np.int64), np.asarray(found["place"], np.int64)


def _near_duplicates(rows: Path, work: Path, memory: int, on_progress: OnProgress) -> Edges:
    """Return pairs that link all candidates whose first requests are near duplicates."""
    from turnsmith.curate.near_duplicates import Near, find_pairs

    shutil.rmtree(work, ignore_errors=True)  # what a killed run left
    work.mkdir()
    near = Near(threshold=THRESHOLD, ngram=NGRAM, memory=memory)
    compared = array("q")
    pairs = find_pairs(_long_requests(rows, compared), near, work, on_progress, which="linked")
    shutil.rmtree(work, ignore_errors=True)
    places = np.array(compared, np.int64)
    return places[pairs.left], places[pairs.right]


def _long_requests(rows: Path, places: "array[int]") -> Iterator[str]:
    """Yield the requests that say enough to be recognized, and append their places to `places`.

    Thousands of people begin with "hello" or "fix it": that would connect everyone with everyone.
    """
    place = 0
    with pq.ParquetFile(rows) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["request"]):
            for request in batch.column(0).to_pylist():
                if not is_short(request, NGRAM):
                    places.append(place)
                    yield request
                place += 1


def _write_labels(roots: Indices, path: Path) -> None:
    table = pa.table({"place": np.arange(len(roots)), "root": roots})
    pq.write_table(table, path, compression="none")


def _write_units(
    cursor: duckdb.DuckDBPyConnection, rows: Path, labels: Path, shares: Mapping[str, int], target: Path
) -> None:
    cases = " ".join(
        f"WHEN unit % 100 < {high} THEN {quoted(name)}" for name, (_, high) in bounds(shares).items()
    )
    source = f"read_parquet({quoted(rows)}, file_row_number = true)"
    units = (
        f"SELECT file_row_number AS root, portable_hash(conversation_id) AS unit FROM {source} "
        f"WHERE file_row_number IN (SELECT root FROM {quoted(labels)})"
    )
    query = (
        f"SELECT r.conversation_id, u.unit, CASE {cases} END AS split FROM {source} r "
        f"JOIN {quoted(labels)} l ON r.file_row_number = l.place JOIN ({units}) u ON u.root = l.root "
        "ORDER BY r.conversation_id"
    )
    with writing(target, durable=False) as part:
        write_parquet(cursor, query, part, BATCH_ROWS)
