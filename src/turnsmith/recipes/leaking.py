"""Leakage of a set in the making: its first requests are read out of the candidates, where they stand apart."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.curate.leakage import Asked, measure_leakage
from turnsmith.curate.leakage.measuring import OnProgress
from turnsmith.curate.sample import Group, sampled_records

ROWS = 1024


def leakage_of(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    groups: Iterable[Group],
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Return metadata's `leakage`: what of each split's sample has a twin in an earlier one, by first requests."""
    by_split: dict[str, list[Group]] = {}
    for group in groups:
        by_split.setdefault(group.split, []).append(group)
    splits = {name: partial(_asked, connection, files, each) for name, each in by_split.items()}
    return measure_leakage(splits, on_progress=on_progress).as_json()


def _asked(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], groups: list[Group]
) -> Iterator[Asked]:
    with connection.cursor() as cursor:
        for group in groups:
            sampled_records(cursor, list(files), group, "conversation_id, user_name, request")
            while rows := cursor.fetchmany(ROWS):
                for conversation_id, user_name, request in rows:
                    yield Asked(conversation_id, user_name, [request])
