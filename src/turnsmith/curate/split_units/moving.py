"""Move candidates to the split of their unit: a chunk's file is written again with the new splits."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import msgspec

from turnsmith.core.records import Conversation
from turnsmith.curate.candidates import Candidate, read_candidates, write_candidates
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
    for candidate in read_candidates(source):
        if candidate.conversation_id not in by_id:
            yield candidate
            continue
        unit, split = by_id[candidate.conversation_id]
        record = _decoder.decode(candidate.record)
        record.split = split
        counts[f"{split}/{candidate.bucket}"] += 1
        yield replace(candidate, split=split, record=msgspec.json.encode(record), unit=unit)
