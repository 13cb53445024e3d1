"""Queries on event files: through duckdb-kql, with what its faults ask for.

Worked around of duckdb-kql 1.1.2: lists lose their order with more than one thread, so there is one; nested
values come back as JSON text, so they are parsed; the second argument of `make_list` is not looked at, which
our queries allow for by taking the first element.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from turnsmith.core.errors import DataError, UsageError
from turnsmith.sources.telemetry.kql.catalog import Column
from turnsmith.sources.telemetry.kql.loading import Loaded, load_events
from turnsmith.sources.telemetry.kql.parameters import Value
from turnsmith.sources.telemetry.kql.result import Result

MISSING = "queries on files need the package duckdb-kql: pip install 'turnsmith[kusto]'"


class LocalEvents:
    """Hold event files as the table `AppEvents` and answer queries about them.

    One query at a time; close it, or use it in a `with` statement.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Load the files; raises InputError for one that can't be used, DataError without duckdb-kql."""
        _import_kql()
        self._connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
        self._connection.execute("SET TimeZone = 'UTC'")
        self.loaded: Loaded = load_events(self._connection, paths)

    def __enter__(self) -> "LocalEvents":
        """Return the loaded events."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the memory."""
        self._connection.close()

    def run(
        self,
        text: str,
        parameters: Mapping[str, Value] | None = None,
        query_now: datetime | None = None,
        name: str = "query",
    ) -> Result:
        """Return the result of a query; `query_now` is what `now()` says in it.

        Raises UsageError for a query or parameter that is wrong or beyond duckdb-kql, DataError where it fails.
        """
        kql = _import_kql()
        try:
            cursor = kql.execute(
                self._connection, text, dict(parameters or {}), allow_write=False, query_now=query_now
            )
            columns = [(column[0], str(column[1])) for column in cursor.description or []]
            rows = cursor.fetchall()
        except kql.KqlUnsupportedError as error:
            raise UsageError(f"{name}: beyond what runs on files (duckdb-kql): {error}") from error
        except kql.KqlError as error:
            raise UsageError(f"{name}: {error}") from error
        except duckdb.Error as error:
            raise DataError(f"{name}: failed on files: {str(error).splitlines()[0]}") from error
        kinds = [kind for _, kind in columns]
        return Result(
            [Column(column, kql.types.kusto_type(kind)) for column, kind in columns],
            [tuple(_value(v, kind) for v, kind in zip(row, kinds, strict=True)) for row in rows],
        )


def _import_kql() -> Any:
    try:
        import duckdb_kql
        import duckdb_kql.types
    except ImportError as error:
        raise DataError(MISSING) from error
    return duckdb_kql


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "JSON":
        return json.loads(value)
    if kind == "JSON[]":
        return [None if item is None else json.loads(item) for item in value]
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
