"""Candidate files: the valid conversations of one chunk, ready to be sampled and written.

One Parquet file per chunk with `split`, `bucket`, `order_hash`, `conversation_id` and the finished
`record` as JSON text, sorted in that order, each (split, bucket) group in row groups of its own: whoever
reads a group in sample order skips the rest. `user_name` and `request`, the first user message, stand beside
the record because split units are made of them; `unit` is there once they are made.
"""

from collections.abc import Iterable, Iterator
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
        ("user_name", pa.string()),
        ("request", pa.large_string()),
        ("unit", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold one finished record with its place: group first, then sample order.

    `unit` is the portable hash of its split unit, None where each conversation is its own.
    """

    split: str
    bucket: str
    order_hash: int
    conversation_id: str
    record: bytes
    user_name: str = ""
    request: str = ""
    unit: int | None = None


def write_candidates(path: Path, candidates: Iterable[Candidate]) -> None:
    """Write one chunk's candidates, in any order, whole or not at all."""
    # Each record is written and read but once, so it is not worth packing.
    write_in_order(path, sorted(candidates, key=_place), "none")


def write_in_order(path: Path, candidates: Iterable[Candidate], compression: str = "zstd") -> None:
    """Write candidates that come in the order of a candidate file; a few megabytes of them are in memory."""
    options = {"compression": compression, "use_dictionary": False}
    with writing(path, durable=False) as part, pq.ParquetWriter(part, SCHEMA, **options) as writer:
        for _, group in groupby(candidates, key=lambda c: (c.split, c.bucket)):
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


def read_candidates(path: Path) -> Iterator[Candidate]:
    """Yield the candidates of a file in their order, one row group in memory at a time."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            for row in file.read_row_group(number).to_pylist():
                yield Candidate(**{**row, "record": row["record"].encode()})


def _place(candidate: Candidate) -> tuple[str, str, int, str]:
    return candidate.split, candidate.bucket, candidate.order_hash, candidate.conversation_id


def _table(rows: list[Candidate]) -> pa.Table:
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names if name != "record"}
    arrays = {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}
    arrays["record"] = pa.array([row.record for row in rows], pa.large_binary()).cast(pa.large_string())
    return pa.table([arrays[name] for name in SCHEMA.names], SCHEMA)
