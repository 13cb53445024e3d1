"""Candidate files: the valid conversations of one chunk, ready to be sampled and written.

One Parquet file per chunk with `split`, `bucket`, `order_hash`, `conversation_id` and the finished
`record` as JSON text, sorted in that order, each (split, bucket) group in row groups of its own: whoever
reads a group in sample order skips the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core.files import writing

ROW_GROUP_BYTES = 4 << 20
SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("bucket", pa.string()),
        ("order_hash", pa.int64()),
        ("conversation_id", pa.string()),
        ("record", pa.large_string()),
    ]
)


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """Hold one finished record with its place: group first, then sample order."""

    split: str
    bucket: str
    order_hash: int
    conversation_id: str
    record: bytes


def write_candidates(path: Path, candidates: Iterable[Candidate]) -> None:
    """Write one chunk's candidates, whole or not at all."""
    plain = {"compression": "none", "use_dictionary": False}  # each record is written and read but once
    with writing(path, durable=False) as part, pq.ParquetWriter(part, SCHEMA, **plain) as writer:
        for _, group in groupby(sorted(candidates), key=lambda c: (c.split, c.bucket)):
            rows: list[Candidate] = []
            size = 0
            for candidate in group:
                rows.append(candidate)
                size += len(candidate.record)
                if size >= ROW_GROUP_BYTES:
                    writer.write_table(_table(rows))
                    rows, size = [], 0
            if rows:
                writer.write_table(_table(rows))


def _table(rows: list[Candidate]) -> pa.Table:
    columns = [
        [row.split for row in rows],
        [row.bucket for row in rows],
        [row.order_hash for row in rows],
        [row.conversation_id for row in rows],
    ]
    places = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=False)]
    records = pa.array([row.record for row in rows], pa.large_binary()).cast(pa.large_string())
    return pa.table([*places, records], SCHEMA)
