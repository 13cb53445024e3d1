"""Move candidates to the split of their unit: a chunk's file is written again with the new splits."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq

from turnsmith.core.records import Conversation
from turnsmith.curate.candidates import Candidate, write_candidates
from turnsmith.engines.duckdb import quoted

_decoder = msgspec.json.Decoder(Conversation)
Unit = tuple[int, str]


def move_candidates(
    cursor: duckdb.DuckDBPyConnection, source: Path, units: Path, target: Path
) -> Counter[str]:
    """Write one chunk's candidates to `target`, each in the split of its unit; count them by `split/bucket`.

    Rows that `units` does not name (what a filter took) stay as they are and are not counted.
    """
    by_id = _units_of(cursor, source, units)
    counts: Counter[str] = Counter()
    write_candidates(target, _moved(source, by_id, counts))
    return counts


def _units_of(cursor: duckdb.DuckDBPyConnection, source: Path, units: Path) -> Mapping[str, Unit]:
    rows = cursor.execute(
        f"SELECT conversation_id, unit, split FROM {quoted(units)} "
        f"WHERE conversation_id IN (SELECT conversation_id FROM {quoted(source)})"
    ).fetchall()
    return {conversation: (unit, split) for conversation, unit, split in rows}


def _moved(source: Path, by_id: Mapping[str, Unit], counts: Counter[str]) -> Iterator[Candidate]:
    for row in rows_of(source):
        unit, split = by_id.get(row["conversation_id"], (None, row["split"]))
        encoded = row["record"].encode()
        if unit is not None:
            record = _decoder.decode(encoded)
            record.split = split
            encoded = msgspec.json.encode(record)
            counts[f"{split}/{row['bucket']}"] += 1
        yield Candidate(
            split, row["bucket"], row["order_hash"], row["conversation_id"], encoded, row["user_name"], unit=unit
        )  # fmt: skip


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a candidate file, one row group in memory at a time."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield from file.read_row_group(number).to_pylist()
