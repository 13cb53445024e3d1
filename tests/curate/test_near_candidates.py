"""Near duplicates among candidates are found in sample order, also where they do not fit into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from turnsmith.curate.candidates import Candidate, write_candidates
from turnsmith.curate.near_candidates import drop_candidates, find_near_candidates
from turnsmith.curate.near_duplicates import Near
from turnsmith.engines.duckdb import connect, file_list

if TYPE_CHECKING:
    from pathlib import Path

COUNT, WORDS, FAMILIES = 1200, 600, 400
RECORD = b'{"conversationId":"c","turnsArray":[]}'


def candidate(number: int) -> Candidate:
    """Give the number-th candidate in sample order; every 400th has the same request but for its last word."""
    words = [f"w{number % FAMILIES}x{place}" for place in range(WORDS)]
    request = " ".join([*words, f"own{number}"])
    split = ("train", "val")[number % 2]
    return Candidate(split, "short", number, f"c-{number * 7 % COUNT:04}", RECORD, "ada", request)


def test_sets_beyond_memory_go_to_disk(tmp_path: Path) -> None:
    """With little memory the first of each family in sample order stays, and nothing is left on disk."""
    candidates = [candidate(number) for number in range(COUNT)]
    files = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    write_candidates(files[0], candidates[::2])
    write_candidates(files[1], candidates[1::2])
    target = tmp_path / "work" / "twins.parquet"
    target.parent.mkdir()
    with connect(500_000_000, tmp_path / "spill") as cursor:
        query = f"SELECT * FROM read_parquet({file_list(files)})"
        near = Near(0.8, memory=64 << 20)
        counts = find_near_candidates(cursor, query, near, "first_user", target, lambda _: None)
    assert counts == {"candidates": COUNT, "compared": COUNT}
    found = pq.read_table(target).to_pylist()
    assert [(row["conversation_id"], row["near_id"]) for row in found] == [
        (candidates[n].conversation_id, candidates[n % FAMILIES].conversation_id)
        for n in range(FAMILIES, COUNT)
    ]
    assert list(target.parent.iterdir()) == [target]


def test_what_a_filter_took_is_not_counted(tmp_path: Path) -> None:
    """Rows that a filter took stay in the file and out of the counts."""
    taken = Candidate("dropped", "turn_gap", 1, "gap", RECORD)
    source, target, twins = tmp_path / "in.parquet", tmp_path / "out.parquet", tmp_path / "twins.parquet"
    write_candidates(source, [candidate(0), taken])
    with connect(500_000_000, tmp_path / "spill") as cursor:
        cursor.execute(f"COPY (SELECT 'none' AS conversation_id) TO '{twins}'")
        left = drop_candidates(cursor, source, twins, target, ("dropped", "near_duplicate"))
    assert dict(left.candidates) == {"train/short": 1}
    assert pq.read_table(target).num_rows == 2
