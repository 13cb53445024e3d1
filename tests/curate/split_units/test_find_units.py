"""Units of random candidates are the connected groups that brute force finds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnsmith.core.hashing import portable_hash
from turnsmith.curate.near_duplicates import shingles
from turnsmith.curate.split import split_of
from turnsmith.curate.split_units import SplitBy, find_units
from turnsmith.engines.duckdb import connect, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

SHARES = {"train": 60, "val": 20, "test": 20}
BASES = [f"please {verb} the {thing} of the shop so that it works again" for verb in ("fix", "test")
         for thing in ("checkout", "stock", "mail")]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(BASES),
    st.tuples(st.sampled_from(BASES), st.sampled_from(["now", "today please", "ok"])).map(" ".join),
    st.sampled_from(["hello", "fix it please now", "fix it", "?!", "", "x" * 250, f"{'y' * 250} z"]),
)
CANDIDATES = st.lists(
    st.tuples(st.sampled_from(["", "ada", "bo", "cy", "ADA"]), TEXTS), min_size=1, max_size=25
)
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Row = tuple[str, str, str]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database that may use little memory."""
    with connect(200_000_000, tmp_path / "spill") as connection:
        yield connection


def units_of(
    connection: duckdb.DuckDBPyConnection, folder: Path, rows: list[Row], by: SplitBy
) -> dict[str, tuple[int, str]]:
    """Find the units of (conversation id, user name, request) rows by the code under test."""
    columns = dict(
        zip(("conversation_id", "user_name", "request"), map(list, zip(*rows, strict=True)), strict=True)
    )
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    source = f"SELECT * FROM {quoted(folder / 'rows.parquet')}"
    find_units(connection, source, by, SHARES, folder / "units.parquet", 100 << 20, lambda _: None)
    found = pq.read_table(folder / "units.parquet").to_pylist()
    assert sorted(path.name for path in folder.glob("units*")) == ["units.parquet"]
    return {row["conversation_id"]: (row["unit"], row["split"]) for row in found}


def alike(one: Row, other: Row, by: SplitBy) -> bool:
    """Tell whether two candidates belong together, straight from the rule."""
    if by.by_user and one[1] and one[1] == other[1]:
        return True
    if not by.by_cluster:
        return False
    if any(len(text) < 200 and len(text.split()) < 5 for text in (one[2], other[2])):
        return False
    left, right = set(shingles(one[2], 5).tolist()), set(shingles(other[2], 5).tolist())
    return len(left & right) >= 0.8 * len(left | right)


def by_brute_force(rows: list[Row], by: SplitBy) -> dict[str, str]:
    """Return the smallest conversation id of each one's group."""
    groups = {row[0]: {row[0]} for row in rows}
    for one in rows:
        for other in rows:
            if groups[one[0]] is not groups[other[0]] and alike(one, other, by):
                whole = groups[one[0]] | groups[other[0]]
                groups |= dict.fromkeys(whole, whole)
    return {conversation: min(group) for conversation, group in groups.items()}


@pytest.mark.parametrize("by", [SplitBy.user, SplitBy.cluster, SplitBy.user_cluster])
@QUICK
@given(candidates=CANDIDATES, seed=st.integers(0, 1000))
def test_units_are_the_connected_groups(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    by: SplitBy,
    candidates: list[tuple[str, str]],
    seed: int,
) -> None:
    """A unit is the hash of the smallest id of all that is connected, and decides about the split, in any order."""
    rows = [(f"c{number * 7919 % 101:03}", *each) for number, each in enumerate(candidates)]
    random.Random(seed).shuffle(rows)
    expected = by_brute_force(rows, by)
    found = units_of(connection, tmp_path, rows, by)
    assert found == {
        conversation: (portable_hash(smallest), split_of(smallest, SHARES))
        for conversation, smallest in expected.items()
    }


def test_empty_names_connect_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Candidates without a user name each stay a unit of their own."""
    rows = [(f"c{number}", "", f"request {number}") for number in range(9)]
    found = units_of(connection, tmp_path, rows, SplitBy.user)
    assert {name: unit for name, (unit, _) in found.items()} == {
        row[0]: portable_hash(row[0]) for row in rows
    }


def test_short_requests_connect_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Candidates that all begin with the same two words each stay a unit of their own."""
    rows = [(f"c{number}", f"user {number}", "fix it") for number in range(9)]
    found = units_of(connection, tmp_path, rows, SplitBy.user_cluster)
    assert len({unit for unit, _ in found.values()}) == 9


def test_a_long_chain_is_one_unit(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Ten thousand users and requests that connect one with the next all end in one unit."""
    rows = [
        (
            f"c{number:05}",
            f"user {(number + 1) // 2}",
            f"request {number // 2} about the shop and its old stock",
        )
        for number in range(10_000)
    ]
    found = units_of(connection, tmp_path, rows, SplitBy.user_cluster)
    assert {unit for unit, _ in found.values()} == {portable_hash("c00000")}
