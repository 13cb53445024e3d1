"""Files of synthetic events: JSON Lines (plain, gzip, Zstandard), Parquet and CSV."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from turnsmith.core.errors import UsageError
from turnsmith.core.files import writing
from turnsmith.sources.telemetry.synth.events import Event
from turnsmith.sources.telemetry.synth.rates import DEFAULT_RATES, Rates
from turnsmith.sources.telemetry.synth.stream import DEFAULT_AS_OF, DEFAULT_DAYS, blocks, line, timestamp

ROW_GROUP = 100_000
SCHEMA = pa.schema(
    [
        ("TimeGenerated", pa.timestamp("us", tz="UTC")),
        ("Name", pa.string()),
        ("Properties", pa.string()),
        ("Measurements", pa.string()),
    ]
)

Sink = Callable[[list[Event]], None]
Format = Callable[[IO[bytes]], AbstractContextManager[Sink]]


def write_events(
    path: Path,
    conversations: int,
    seed: int = 0,
    as_of: datetime = DEFAULT_AS_OF,
    days: float = DEFAULT_DAYS,
    on_progress: Callable[[int], None] | None = None,
    rates: Rates = DEFAULT_RATES,
) -> int:
    """Write synthetic events to `path`, in the format its suffix names, and return how many.

    The file appears under its name only when it is whole. `on_progress` gets the number of conversations done
    since its last call. Raise `UsageError` for an unknown suffix or a bad count or window.
    """
    opened = _format_of(path)
    chunks = blocks(conversations, seed, as_of, days, rates)
    events_written = 0
    with _replacing(path) as file, opened(file) as write:
        for done, events in chunks:
            write(events)
            events_written += len(events)
            if on_progress is not None:
                on_progress(done)
    return events_written


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place on success and goes away on failure."""
    with writing(path) as part, part.open("wb") as file:
        yield file


def _lines_to(put: Callable[[bytes], object]) -> Sink:
    def write(events: list[Event]) -> None:
        for event in events:
            put(line(event))

    return write


@contextmanager
def _jsonl(file: IO[bytes]) -> Iterator[Sink]:
    yield _lines_to(file.write)


@contextmanager
def _gzip(file: IO[bytes]) -> Iterator[Sink]:
    # Neither a name nor a time in the header, so that the same events give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=file, mtime=0) as packed:
        yield _lines_to(packed.write)


@contextmanager
def _zstandard(file: IO[bytes]) -> Iterator[Sink]:
    with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as packed:
        yield _lines_to(packed.write)


@contextmanager
def _csv(file: IO[bytes]) -> Iterator[Sink]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(SCHEMA.names)

    def write(events: list[Event]) -> None:
        rows.writerows(
            (
                timestamp(event.generated_at),
                event.name,
                event.properties.decode(),
                event.measurements.decode(),
            )
            for event in events
        )

    yield write
    text.detach()


@contextmanager
def _parquet(file: IO[bytes]) -> Iterator[Sink]:
    waiting: list[pa.RecordBatch] = []

    def flush() -> None:
        if waiting:
            table = pa.Table.from_batches(waiting)
            writer.write_table(table, row_group_size=table.num_rows)
            waiting.clear()

    def write(events: list[Event]) -> None:
        waiting.append(_batch(events))
        if sum(batch.num_rows for batch in waiting) >= ROW_GROUP:
            flush()

    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        yield write
        flush()


def _batch(events: list[Event]) -> pa.RecordBatch:
    columns = [
        pa.array([event.generated_at for event in events], SCHEMA.field("TimeGenerated").type),
        pa.array([event.name for event in events], pa.string()),
        pa.array([event.properties for event in events], pa.string()),
        pa.array([event.measurements for event in events], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


FORMATS: dict[str, Format] = {
    ".jsonl": _jsonl,
    ".jsonl.gz": _gzip,
    ".jsonl.zst": _zstandard,
    ".parquet": _parquet,
    ".csv": _csv,
}


def _format_of(path: Path) -> Format:
    for suffix, opened in FORMATS.items():
        if path.name.endswith(suffix):
            return opened
    raise UsageError(f"{path}: unknown file type; use one of {', '.join(FORMATS)}")
