"""Answers from event files, through duckdb-kql: each query on a cursor of its own, so that several run at once."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from time import monotonic, sleep
from typing import Any

import duckdb

from turnsmith.core.errors import DataError
from turnsmith.sources.telemetry.kql.catalog import Column
from turnsmith.sources.telemetry.kql.loading import COLUMN_TYPES, TABLE, Loaded, load_events
from turnsmith.sources.telemetry.kql.local import MISSING
from turnsmith.sources.telemetry.kql.parameters import Value
from turnsmith.sources.telemetry.kql.server import refusals
from turnsmith.sources.telemetry.kql.server.faults import Failure, low_memory, stopping, timed_out, too_large
from turnsmith.sources.telemetry.kql.server.options import Limits, Request, typed_parameters
from turnsmith.sources.telemetry.kql.server.wire import encoder

DATABASE = "NetDefaultDB"
_BATCH = 500
_TRANSLATIONS = 32
_AGAIN_SECONDS = 0.05


@dataclass(slots=True)
class Answer:
    """Hold a result: its rows as JSON texts, and why it is partial, None where it is whole."""

    columns: list[Column]
    rows: list[bytes]
    size: int = 0
    failure: Failure | None = None


class Engine:
    """Hold event files as the table `AppEvents`; close it to stop what still runs."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Load the files; raises InputError for one that can't be used, DataError without duckdb-kql."""
        self._kql = _import_kql()
        settings: dict[str, Any] = {
            "threads": 1,  # lists lose their order with more; cursors run side by side all the same
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
        }
        self._connection = duckdb.connect(config=settings)
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self.loaded: Loaded = load_events(self._connection, paths)
        self._connection.execute(
            f"ATTACH ':memory:' AS {DATABASE}; CREATE VIEW {DATABASE}.{TABLE} AS FROM memory.{TABLE};"
        )  # what `database("NetDefaultDB").AppEvents` means
        self._connection.execute("SET enable_external_access = false")  # a query reads no other file
        self._lock = threading.Lock()
        self._closing = False
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._translated = lru_cache(_TRANSLATIONS)(self._translate)

    def close(self) -> None:
        """Interrupt the queries, wait for them to end, and let go of the memory."""
        self._closing = True
        while self._interrupted():
            sleep(_AGAIN_SECONDS)
        self._connection.close()

    def _interrupted(self) -> int:
        """Interrupt what runs and return how much that was."""
        with self._lock:
            for cursor in self._running:
                cursor.interrupt()
            return len(self._running)

    def answer(self, request: Request) -> Answer:
        """Return the result of a query; raises RefusalError for one that is wrong or takes too long."""
        values = typed_parameters(request.text, request.parameters)
        started = monotonic()
        with self._lock, refusals.of(request.text):
            sql, bound = self._statement(request.text, values, request.query_now)
        with self._cursor() as cursor, _deadline(cursor, request.timeout, started), refusals.of(request.text):
            return _fetched(cursor, sql, bound, request.limits)

    def _statement(
        self, text: str, values: Mapping[str, Value], query_now: datetime | None
    ) -> tuple[str, dict[str, Any]]:
        """Return SQL and what is bound to its placeholders."""
        translated = self._translated(text, query_now)
        bound, unbound = self._kql.params.bind(list(translated.declarations), dict(values))
        if unbound:
            raise refusals.missing(unbound)
        used = {slot: value for slot, value in bound.items() if slot in translated.slots}
        return str(translated), {**translated.parameters, **used}

    def _translate(self, text: str, query_now: datetime | None) -> Any:
        """Translate a query; chunks of one question differ in parameters only, so this is worth keeping."""
        schema = {name: list(COLUMN_TYPES) for name in (TABLE, f"{DATABASE}.{TABLE}")}
        return self._kql.to_sql(text, schema=schema, allow_write=False, query_now=query_now)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            if self._closing:
                raise stopping()
            cursor = self._connection.cursor()
            self._running.add(cursor)
        try:
            yield cursor
        except Exception as error:
            if self._closing:
                raise stopping() from error
            raise
        finally:
            with self._lock:
                self._running.discard(cursor)
            cursor.close()


@contextmanager
def _deadline(cursor: duckdb.DuckDBPyConnection, seconds: float, started: float) -> Iterator[None]:
    """Interrupt what runs on the cursor when the time is up, again and again as it may just not run yet."""
    done, expired = threading.Event(), threading.Event()

    def watch() -> None:
        pause = max(0.0, seconds - (monotonic() - started))
        while not done.wait(pause):
            expired.set()
            cursor.interrupt()
            pause = _AGAIN_SECONDS

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if expired.is_set():
            raise timed_out(seconds) from error
        raise
    finally:
        done.set()
        watcher.join()
    if expired.is_set():
        raise timed_out(seconds)


def _fetched(cursor: duckdb.DuckDBPyConnection, sql: str, bound: dict[str, Any], limits: Limits) -> Answer:
    answer = Answer([], [])
    try:
        if bound:
            cursor.execute(sql, bound)
        else:
            cursor.execute(sql)
        _fill(answer, cursor, limits)
    except duckdb.OutOfMemoryException:
        answer.failure = low_memory()
    return answer


def _fill(answer: Answer, cursor: duckdb.DuckDBPyConnection, limits: Limits) -> None:
    """Take rows up to the limits."""
    types = [(column[0], str(column[1])) for column in cursor.description or []]
    answer.columns = [Column(name, _import_kql().types.kusto_type(kind)) for name, kind in types]
    encoders = [encoder(kind, column.type) for (_, kind), column in zip(types, answer.columns, strict=True)]
    while batch := cursor.fetchmany(_BATCH):
        for values in batch:
            if limits.rows is not None and len(answer.rows) >= limits.rows:
                answer.failure = too_large(f"{limits.rows} records")
                return
            cells = (encode(value) for encode, value in zip(encoders, values, strict=True))
            row = f"[{','.join(cells)}]".encode("utf-8", "replace")
            if limits.size is not None and answer.size + len(row) > limits.size:
                answer.failure = too_large(_size_text(limits.size))
                return
            answer.rows.append(row)
            answer.size += len(row)


def _size_text(size: int) -> str:
    return f"{size >> 20} MB" if size and size % (1 << 20) == 0 else f"{size} bytes"


def _import_kql() -> Any:
    try:
        import duckdb_kql
        import duckdb_kql.params
        import duckdb_kql.types
    except ImportError as error:
        raise DataError(MISSING) from error
    return duckdb_kql
