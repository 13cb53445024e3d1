"""Near duplicates among candidates: in sample order the first of each stays, the others are named and taken out.

Sample order depends on neither files nor chunks, and nothing that a larger target adds changes what stays.
"""

import shutil
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core.files import writing
from turnsmith.core.records import Conversation
from turnsmith.curate import validate
from turnsmith.curate.candidates import Candidate, read_candidates, write_candidates
from turnsmith.curate.leakage.requests import is_short
from turnsmith.curate.near_duplicates import Field, Near, find_pairs, keep_first
from turnsmith.curate.near_duplicates.fields import text_of_field
from turnsmith.engines.duckdb import one, quoted, write_parquet

BATCH_ROWS = 1024
OnProgress = Callable[[int], object]
_decoder = msgspec.json.Decoder(Conversation)


@dataclass(slots=True)
class Left:
    """Count what is left of a file of candidates by `split/bucket`, and the warnings of what went."""

    candidates: Counter[str] = field(default_factory=Counter)
    gone_warnings: Counter[str] = field(default_factory=Counter)


def find_near_candidates(
    cursor: duckdb.DuckDBPyConnection,
    candidates: str,
    near: Near,
    compared: Field,
    target: Path,
    on_progress: OnProgress,
) -> dict[str, int]:
    """Write the near duplicates among candidates to the Parquet file `target`; return counts.

    `candidates` is SQL for rows of candidate files, `compared` the text of a conversation that is compared. `target`
    has `conversation_id`, `split` and `user_name` of each conversation to drop, the id of the one that stays
    (`near_id`) and their `similarity`, in sample order. The counts are of all `candidates`, and those `compared`:
    as for split units, a text of fewer words than a shingle says too little. What doesn't fit into memory lies
    beside `target` meanwhile. `on_progress` takes the number of texts read, and then of those compared.
    """
    rows, work = target.with_suffix(".rows.parquet"), target.with_suffix(".near")
    text = "request" if compared == "first_user" else "record"
    query = (
        f"SELECT conversation_id, split, user_name, {text} AS text FROM ({candidates}) "
        "ORDER BY order_hash, conversation_id"
    )
    write_parquet(cursor, query, rows, BATCH_ROWS)
    shutil.rmtree(work, ignore_errors=True)  # what a killed run left
    work.mkdir()
    places = array("q")
    pairs = find_pairs(_texts(rows, compared, near.ngram, places), near, work, on_progress, which="kept")
    shutil.rmtree(work, ignore_errors=True)
    kept = keep_first(len(places), pairs)
    at = np.array(places, np.int64)
    gone = np.flatnonzero(~kept.kept)
    found = target.with_suffix(".found.parquet")
    columns = {"place": at[gone], "near": at[kept.neighbour[gone]], "similarity": kept.similarity[gone]}
    pq.write_table(pa.table(columns), found, compression="none")
    _write_named(cursor, rows, found, target)
    total = one(cursor, f"SELECT count(*) FROM {quoted(rows)}")[0]
    rows.unlink()
    found.unlink()
    return {"candidates": int(total), "compared": len(places)}


def _texts(rows: Path, compared: Field, ngram: int, places: "array[int]") -> Iterator[str]:
    """Yield the texts that say enough to be recognized, and append their places to `places`."""
    place = 0
    with pq.ParquetFile(rows) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["text"]):
            for value in batch.column(0).to_pylist():
                text = (
                    value if compared == "first_user" else text_of_field(msgspec.json.decode(value), compared)
                )
                if text and not is_short(text, ngram):
                    places.append(place)
                    yield text
                place += 1


def _write_named(cursor: duckdb.DuckDBPyConnection, rows: Path, found: Path, target: Path) -> None:
    source = f"read_parquet({quoted(rows)}, file_row_number = true)"
    query = (
        "SELECT r.conversation_id, r.split, r.user_name, k.conversation_id AS near_id, f.similarity "
        f"FROM {quoted(found)} f JOIN {source} r ON r.file_row_number = f.place "
        f"JOIN {source} k ON k.file_row_number = f.near ORDER BY f.place"
    )
    with writing(target, durable=False) as part:
        write_parquet(cursor, query, part)


def drop_candidates(
    cursor: duckdb.DuckDBPyConnection,
    source: Path,
    twins: Path,
    target: Path,
    keep_as: tuple[str, str] | None,
) -> Left:
    """Write a file of candidates without those that `twins` names; return what is left.

    With `keep_as` (split and bucket) those that go are kept in the file under that name. Rows that a filter took
    stay as they are and are not counted: they have the split of `keep_as`, which is given whenever there are any.
    """
    names = cursor.execute(
        f"SELECT conversation_id FROM {quoted(twins)} "
        f"WHERE conversation_id IN (SELECT conversation_id FROM {quoted(source)})"
    ).fetchall()
    going = {name for (name,) in names}
    left = Left()

    def staying() -> Iterator[Candidate]:
        for candidate in read_candidates(source):
            if keep_as is not None and candidate.split == keep_as[0]:
                yield candidate
            elif candidate.conversation_id not in going:
                left.candidates[f"{candidate.split}/{candidate.bucket}"] += 1
                yield candidate
            else:
                left.gone_warnings.update(validate.warnings(_decoder.decode(candidate.record)))
                if keep_as is not None:
                    yield replace(candidate, split=keep_as[0], bucket=keep_as[1])

    write_candidates(target, staying())
    return left
