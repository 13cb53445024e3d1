"""Read one shard as Arrow tables of bounded size, each row with its place in the file."""

import codecs
import csv
import gzip
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from turnsmith.core.errors import InputError
from turnsmith.sources.telemetry import schema
from turnsmith.sources.telemetry.inputs import BLOCK_BYTES, Shard, missing_columns

SLACK = 1 << 16
NEWLINE = 10
_threads = threading.local()
CSV_FIELD_LIMIT = 1 << 30
PARQUET_ROWS = 32_768


@dataclass(slots=True)
class Block:
    """Hold rows of a shard: `table` has `row` (0-based in the block) and `line`, or the four columns as text.

    `TimeGenerated` may also be nanoseconds since 1970 (int64).

    `first` is the number of the block's first row in its shard, 0-based; a bad line of invalid UTF-8 is
    an empty text in the table and its bytes stand in `bad_utf8` by row.
    """

    table: pa.Table
    first: int
    bad_utf8: dict[int, bytes]


def read_blocks(shard: Shard) -> Iterator[Block]:
    """Yield the shard's rows in order, at least one block.

    Raises InputError for a file that breaks off or can't be decoded.
    """
    reader: Callable[[Shard], Iterator[Block]] = {
        "jsonl": _jsonl_blocks, "parquet": _parquet_blocks, "csv": _csv_blocks,
    }[shard.format]  # fmt: skip
    blocks = 0
    try:
        for block in reader(shard):
            blocks += 1
            yield block
        if not blocks:
            yield Block(_numbered({"line": pa.array([], pa.large_string())}), 0, {})
    except (OSError, EOFError, zstandard.ZstdError, pa.ArrowException, csv.Error) as error:
        raise InputError(f"{shard.path}: can't be read: {error}") from error


def _open(shard: Shard) -> IO[bytes]:
    if shard.compression == ".gz":
        return cast("IO[bytes]", gzip.open(shard.path, "rb"))
    if shard.compression == ".zst":
        raw = Path(shard.path).open("rb")  # noqa: SIM115 - closed with the reader
        reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=True)
        return io.BufferedReader(reader, 1 << 20)
    return Path(shard.path).open("rb")


def _jsonl_blocks(shard: Shard) -> Iterator[Block]:
    first = 0
    with _open(shard) as file:
        if shard.start:
            file.seek(shard.start - 1)
            file.readline()  # the line that the shard before this one owns
        while shard.stop is None or file.tell() < shard.stop:
            room = BLOCK_BYTES if shard.stop is None else min(BLOCK_BYTES, shard.stop - file.tell())
            data = _read_lines(file, room)
            if not len(data):
                return
            if shard.start == 0 and first == 0 and bytes(data[:3]) == codecs.BOM_UTF8:
                data[:3] = b"   "
            block = _lines_block(data, first)
            first += block.table.num_rows
            yield block


def _read_lines(file: IO[bytes], room: int) -> memoryview:
    """Return about `room` bytes of whole lines, the last one with its newline, in this thread's buffer.

    The buffer is used again for the next block: a fresh one each time would cost more than the parsing of it.
    """
    if not hasattr(_threads, "buffer"):
        _threads.buffer = bytearray(BLOCK_BYTES + SLACK)
    buffer: bytearray = _threads.buffer
    size = 0
    while size < room and (read := file.readinto(memoryview(buffer)[size:room])):  # type: ignore[attr-defined]
        size += read
    if not size or buffer[size - 1] == NEWLINE:
        return memoryview(buffer)[:size]
    rest = file.readline().removesuffix(b"\n") + b"\n"
    if size + len(rest) > len(buffer):  # a line longer than the slack gets a buffer of its own
        return memoryview(bytearray(memoryview(buffer)[:size]) + rest)
    buffer[size : size + len(rest)] = rest
    return memoryview(buffer)[: size + len(rest)]


def _lines_block(data: memoryview, first: int) -> Block:
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE)
    offsets = np.zeros(len(ends) + 1, np.int64)
    offsets[1:] = ends + 1
    lines = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    bad: dict[int, bytes] = {}
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        lines, bad = _lines_one_by_one(bytes(data))
    return Block(_numbered({"line": lines}), first, bad)


def _lines_one_by_one(data: bytes) -> tuple[pa.Array, dict[int, bytes]]:
    texts: list[str] = []
    bad: dict[int, bytes] = {}
    for row, line in enumerate(data.split(b"\n")[:-1]):
        try:
            texts.append(line.decode())
        except UnicodeDecodeError:
            bad[row] = line
            texts.append("")
    return pa.array(texts, pa.large_string()), bad


def _numbered(columns: dict[str, pa.Array]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({"row": pa.array(np.arange(rows, dtype=np.int32)), **columns})


def _parquet_blocks(shard: Shard) -> Iterator[Block]:
    first = 0
    with pq.ParquetFile(shard.path) as file:
        groups = list(range(shard.start, shard.stop or 0))
        for batch in file.iter_batches(PARQUET_ROWS, groups, columns=list(schema.COLUMNS)):
            columns = {name: _as_text(batch.column(name)) for name in schema.COLUMNS}
            yield Block(_numbered(columns), first, {})
            first += batch.num_rows


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.large_string())
    if pa.types.is_dictionary(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string()).cast(pa.large_string())
    return pa.array([_json_of(value) for value in column.to_pylist()], pa.large_string())


def _json_of(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):  # a map column comes as pairs
        value = dict(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _csv_blocks(shard: Shard) -> Iterator[Block]:
    csv.field_size_limit(min(CSV_FIELD_LIMIT, sys.maxsize))
    with _open(shard) as raw, io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="") as text:
        reader = csv.DictReader(text, restkey="…")
        missing = [name for name in schema.COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            present = ", ".join(name[:60] for name in (reader.fieldnames or [])[:20]) or "nothing"
            raise missing_columns(Path(shard.path), missing, present)
        rows: list[dict[str, Any]] = []
        first, size = 0, 0
        for row in reader:
            rows.append(row)
            size += sum(len(row.get(name) or "") for name in schema.COLUMNS)
            if size >= BLOCK_BYTES:
                yield _csv_block(rows, first)
                first, size, rows = first + len(rows), 0, []
        if rows:
            yield _csv_block(rows, first)


def _csv_block(rows: list[dict[str, Any]], first: int) -> Block:
    bad: dict[int, bytes] = {}
    for number, row in enumerate(rows):
        joined = "".join(row.get(name) or "" for name in schema.COLUMNS)
        if not joined.isascii() and any("\udc80" <= character <= "\udcff" for character in joined):
            bad[number] = joined.encode("utf-8", "surrogateescape")
            row.update(dict.fromkeys(schema.COLUMNS, ""))
    columns = {name: pa.array([row.get(name) for row in rows], pa.large_string()) for name in schema.COLUMNS}
    return Block(_numbered(columns), first, bad)
