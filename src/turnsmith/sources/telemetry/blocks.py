"""Read one shard as Arrow tables of bounded size, each row with its place in the file."""

import codecs
import csv
import gzip
import io
import json
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from turnsmith.core.errors import InputError
from turnsmith.core.zstd import ZstdFile
from turnsmith.sources.telemetry import schema
from turnsmith.sources.telemetry.events import INT64_MAX
from turnsmith.sources.telemetry.inputs import BLOCK_BYTES, Shard, missing_columns

SLACK = 1 << 16
NEWLINE = 10
SEARCHED_AT_ONCE = 1 << 18
_threads = threading.local()
CSV_FIELD_LIMIT = 1 << 30
PARQUET_ROWS = 65_536  # at most in a block


@dataclass(slots=True)
class Block:
    """Hold rows of a shard: `table` has `row` (0-based in the block) and `line`, or the four columns as text.

    `TimeGenerated` may also be nanoseconds since 1970 (int64). `lines` has the line of each row in the
    file, 0-based, where rows are not lines.

    `first` is the number of the block's first row in its shard, 0-based; a bad line of invalid UTF-8 is
    an empty text in the table and its row stands in `bad_utf8`.
    """

    table: pa.Table
    first: int
    bad_utf8: Collection[int]
    lines: list[int] | None = None

    def place(self, row: int) -> int:
        """Return the line of a row in its shard, 0-based; the number of the row where there are no lines."""
        return self.lines[row] if self.lines is not None else self.first + row


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
            yield Block(_numbered({"line": pa.array([], pa.large_string())}), 0, set())
    except (OSError, EOFError, zstandard.ZstdError, pa.ArrowException, csv.Error) as error:
        raise InputError(f"{shard.path}: can't be read: {error}") from error


def _open(shard: Shard) -> IO[bytes]:
    if shard.compression == ".gz":
        return cast("IO[bytes]", gzip.open(shard.path, "rb"))
    if shard.compression == ".zst":
        return io.BufferedReader(ZstdFile(Path(shard.path)), 1 << 20)
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
    if len(getattr(_threads, "buffer", b"")) < room + SLACK:
        _threads.buffer = bytearray(room + SLACK)
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
    offsets = _line_offsets(np.frombuffer(data, np.uint8))
    lines = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
    lines, bad = _valid_utf8(lines)
    return Block(_numbered({"line": lines}), first, bad)


def _line_offsets(data: np.ndarray) -> np.ndarray:
    """Return where lines begin, and where the last one ends; searched in pieces that fit into the cache."""
    pieces = range(0, len(data), SEARCHED_AT_ONCE)
    ends = [np.flatnonzero(data[start : start + SEARCHED_AT_ONCE] == NEWLINE) + start + 1 for start in pieces]
    return np.concatenate([np.zeros(1, np.int64), *ends])


def _valid_utf8(column: pa.Array) -> tuple[pa.Array, set[int]]:
    """Return a text column with empty texts in place of invalid UTF-8, and the rows where that was."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        texts: list[str | None] = []
        bad: set[int] = set()
        for row, value in enumerate(column.cast(pa.large_binary()).to_pylist()):
            try:
                texts.append(None if value is None else value.decode())
            except UnicodeDecodeError:
                bad.add(row)
                texts.append("")
        return pa.array(texts, pa.large_string()), bad
    return column, set()


def _numbered(columns: dict[str, pa.Array]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({"row": pa.array(np.arange(rows, dtype=np.int32)), **columns})


def _parquet_blocks(shard: Shard) -> Iterator[Block]:
    first = 0
    with pq.ParquetFile(shard.path) as file:
        groups = list(range(shard.start, shard.stop or 0))
        for batch in file.iter_batches(_rows_at_once(file, groups), groups, columns=list(schema.COLUMNS)):
            bad: set[int] = set()
            columns: dict[str, pa.Array] = {}
            for name in schema.COLUMNS:
                columns[name], bad_here = _as_text(batch.column(name))
                bad |= bad_here
            if bad:  # without a name no query takes the row
                good = pa.array([row not in bad for row in range(batch.num_rows)])
                columns["Name"] = pc.if_else(good, columns["Name"], pa.scalar(None, pa.large_string()))
            yield Block(_numbered(columns), first, bad)
            first += batch.num_rows


def _rows_at_once(file: pq.ParquetFile, groups: list[int]) -> int:
    """Return how many rows of these groups make about a block; each block has its price, however small."""
    parts = [file.metadata.row_group(group) for group in groups]
    volume: int = sum(part.total_byte_size for part in parts)
    rows: int = sum(part.num_rows for part in parts)
    return max(1, min(PARQUET_ROWS, rows * BLOCK_BYTES // max(volume, 1)))


def _as_text(column: pa.Array) -> tuple[pa.Array, set[int]]:
    """Return a column as text (times as nanoseconds) and the rows of invalid UTF-8."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _nanoseconds(column), set()
    if pa.types.is_dictionary(kind) or pa.types.is_string_view(kind):
        column = column.cast(pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _valid_utf8(column.cast(pa.large_string()))
    return pa.array([_json_of(value, kind) for value in column.to_pylist()], pa.large_string()), set()


def _nanoseconds(times: pa.Array) -> pa.Array:
    try:
        return times.cast(pa.timestamp("ns", times.type.tz)).cast(pa.int64())
    except pa.ArrowInvalid:  # beyond the years 1677 to 2262: outside any window, so the edge will do
        edge = INT64_MAX // 1_000
        micros = times.cast(pa.timestamp("us", times.type.tz)).cast(pa.int64())
        return pc.multiply(pc.min_element_wise(pc.max_element_wise(micros, -edge), edge), 1_000)


def _json_of(value: Any, kind: pa.DataType) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if pa.types.is_map(kind):  # comes as pairs
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
        lines: list[int] = []
        first, size = 0, 0
        for row in reader:
            rows.append(row)
            inside = sum(value.count("\n") for value in row.values() if isinstance(value, str))
            lines.append(reader.line_num - inside - 1)
            size += sum(len(row.get(name) or "") for name in schema.COLUMNS)
            if size >= BLOCK_BYTES:
                yield _csv_block(rows, first, lines)
                first, size, rows, lines = first + len(rows), 0, [], []
        if rows:
            yield _csv_block(rows, first, lines)


def _csv_block(rows: list[dict[str, Any]], first: int, lines: list[int]) -> Block:
    bad = set()
    for number, row in enumerate(rows):
        joined = "".join(row.get(name) or "" for name in schema.COLUMNS)
        if not joined.isascii() and any("\udc80" <= character <= "\udcff" for character in joined):
            bad.add(number)
            row.update(dict.fromkeys(schema.COLUMNS, ""))
    columns = {name: pa.array([row.get(name) for row in rows], pa.large_string()) for name in schema.COLUMNS}
    return Block(_numbered(columns), first, bad, lines)
