"""Stratified sampling by hash order (contract §3): the first `target` of each (split, bucket) group."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from turnsmith.engines.duckdb import file_list, quoted


@dataclass(frozen=True, slots=True)
class Group:
    """Name a group: its split (`all` without splits), its bucket in full, and how many are wanted."""

    split: str
    bucket: str
    target: int

    @property
    def key(self) -> str:
        """Return `split/bucket`."""
        return f"{self.split}/{self.bucket}"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Say that a group has fewer candidates than wanted; `window_factor` is None where it has none at all."""

    group: str
    wanted: int
    available: int

    @property
    def window_factor(self) -> float | None:
        """Return by how much the window would have to grow at the same rate, rounded up to 0.01."""
        return -(-self.wanted * 100 // self.available) / 100 if self.available else None


def shortfalls(groups: Mapping[str, Group], available: Mapping[str, int]) -> list[Shortfall]:
    """Return the groups below their target; `groups` is keyed by short name (`train.short`)."""
    return [
        Shortfall(name, group.target, available.get(group.key, 0))
        for name, group in groups.items()
        if available.get(group.key, 0) < group.target
    ]


def sampled_records(
    cursor: duckdb.DuckDBPyConnection, files: list[Path], group: Group, columns: str = "record"
) -> None:
    """Run the query for a group's sampled records, as JSON text in sample order; fetch from `cursor`.

    `columns` names other columns of the candidates to fetch instead.

    Two queries, so that only the wanted records are read: the last place that is still wanted, then all
    up to it.
    """
    source = f"read_parquet({file_list(files)})"
    place = f"split = {quoted(group.split)} AND bucket = {quoted(group.bucket)}"
    last = cursor.execute(
        f"SELECT order_hash, conversation_id FROM {source} WHERE {place} "
        f"ORDER BY order_hash, conversation_id LIMIT {group.target}"
    ).fetchall()[-1:]
    order_hash, conversation_id = last[0] if last else (-1, "")
    cursor.execute(
        f"SELECT {columns} FROM {source} WHERE {place} AND order_hash <= $hash "
        "AND (order_hash, conversation_id) <= ($hash, $id) ORDER BY order_hash, conversation_id",
        {"hash": order_hash, "id": conversation_id},
    )


def fetched_texts(cursor: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield the texts of a query's only column, a few in memory at a time."""
    while rows := cursor.fetchmany(64):
        for (text,) in rows:
            yield text
