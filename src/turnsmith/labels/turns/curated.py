"""Curated conversations (contract §4) as a stream: JSON arrays, JSON Lines, Parquet; only what turns need of them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core import chat
from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.json_items import read_items
from turnsmith.core.lines import open_input, read_lines
from turnsmith.curate.account import Account

PARQUET_ROWS = 64
METADATA = "metadata.json"
_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_ARRAYS = (".json", ".json.gz", ".json.zst")
_SUFFIXES = (*_ARRAYS, *_LINES, ".parquet")
_SPLITS = ("train", "val", "test")
_OTHER_FILES = re.compile(
    r"metadata\.json|labels\.json|split_units\.jsonl|invalid_records_.*|.*\.report\.json"
)

OnRead = Callable[[int], object]


class Call(msgspec.Struct, rename="camel"):
    """Hold what is needed of one LLM call; tokens."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class CuratedTurn(msgspec.Struct, rename="camel"):
    """Hold what is needed of one turn."""

    message_id: str
    turn_index: int | None = None
    user_message: str | None = None
    model_message: str | None = None
    llm_calls: list[Call] | None = None
    tool_counts: dict[str, int] | None = None
    available_tool_count: int | None = None
    num_requests: int | None = None
    turn_duration_ms: float | None = None
    turn_end_reason: str | None = None
    response_type: str | None = None
    model: str | None = None


class Curated(msgspec.Struct, rename="camel"):
    """Hold what is needed of one curated conversation."""

    conversation_id: str
    turns_array: list[CuratedTurn]
    split: str | None = None
    bucket: str | None = None
    turn_count: int | None = None


_decoder = msgspec.json.Decoder(Curated)


def data_files(source: Path) -> list[Path]:
    """Return the data files of a curated set (a folder or one file): train, val, test, then what else there is.

    Raises UsageError where there is none.
    """
    if source.is_file():
        if source.name.endswith(_SUFFIXES):
            return [source]
        raise UsageError(
            f"{source}: is none of {', '.join(_SUFFIXES)}; give a curated set's folder or data file"
        )
    if not source.is_dir():
        raise UsageError(f"{source}: no such file or folder; give the folder that turnsmith export made")
    source = _one_set(source)
    found = [path for path in source.rglob("*") if path.is_file() and _is_data(path.relative_to(source))]
    if not found:
        raise UsageError(
            f"{source}: holds no data files ({', '.join(_SUFFIXES)}); give a curated set's own folder"
        )
    order = {split: rank for rank, split in enumerate(_SPLITS)}
    return sorted(found, key=lambda path: (order.get(path.parent.name, len(order)), path.parts))


def _one_set(folder: Path) -> Path:
    """Return the only set of a folder that holds sets; the folder itself where it holds none."""
    if (folder / METADATA).is_file():
        return folder
    sets = [path.parent for path in sorted(folder.glob(f"*/{METADATA}"))]
    if len(sets) > 1:
        raise UsageError(f"{folder}: holds {len(sets)} sets; name one, such as {sets[0]}")
    return sets[0] if sets else folder


def _is_data(path: Path) -> bool:
    hidden = any(part.startswith((".", "LABELED_")) for part in path.parts)
    return path.name.endswith(_SUFFIXES) and not hidden and not _OTHER_FILES.fullmatch(path.name)


def dataset_id(source: Path) -> str:
    """Return the id of the set: the name of the folder that holds `metadata.json`, else that of the path."""
    path = (_one_set(source) if source.is_dir() else source).resolve()
    for folder in (path, *path.parents[:2]):
        if (folder / METADATA).is_file():
            return folder.name
    name = path.name
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        name = name.removesuffix(suffix)
    return re.sub(r"[^\w.-]", "_", name).lstrip(".") or "set"


def read_curated(path: Path, account: Account, on_read: OnRead) -> Iterator[tuple[str, Curated]]:
    """Yield (place, conversation) of a data file; what is none goes to `account` as bad.

    `on_read` is told bytes as they are read. Raises InputError for a file that can't be read.
    """
    rows = _parquet_rows(path, on_read) if path.suffix == ".parquet" else _texts(path, on_read)
    for place, value in rows:
        try:
            yield place, _decoded(value) if isinstance(value, bytes) else msgspec.convert(value, Curated)
        except msgspec.ValidationError as error:
            account.spoil(place, f"no curated conversation: {error}")
        except (ValueError, RecursionError):
            account.spoil(place, "no valid JSON")


def _decoded(data: bytes) -> Curated:
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # slower, but takes halves of surrogate pairs
        return msgspec.convert(chat.decode(data), Curated)


def _texts(path: Path, on_read: OnRead) -> Iterator[tuple[str, bytes]]:
    if path.name.endswith(_LINES):
        for number, line in read_lines(str(path)):
            on_read(len(line) + 1)
            yield f"{path}:{number}", line
        return
    with open_input(str(path)) as file:
        for index, item in read_items(str(path), file):
            on_read(len(item) + 2)
            yield f"{path}: record {index + 1}", item


def _parquet_rows(path: Path, on_read: OnRead) -> Iterator[tuple[str, dict[str, Any]]]:
    size = path.stat().st_size
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in Curated.__struct_encode_fields__ if name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=PARQUET_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}: record {number}", _with_dicts(row)
                on_read(size * batch.num_rows // max(file.metadata.num_rows, 1))
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: can't be read as Parquet: {str(error).splitlines()[0]}") from error


def _with_dicts(row: dict[str, Any]) -> dict[str, Any]:
    """Turn Arrow's lists of pairs into objects."""
    for turn in row.get("turnsArray") or ():
        if isinstance(turn, dict) and isinstance(turn.get("toolCounts"), list):
            turn["toolCounts"] = dict(turn["toolCounts"])
    return row


def size_of(source: str) -> int:
    """Return about how many bytes are read of a set, for a progress bar; 0 for a wrong path."""
    try:
        return sum(path.stat().st_size for path in data_files(Path(source)))
    except (UsageError, OSError):
        return 0
