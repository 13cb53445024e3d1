"""Write the data files of a set: one JSON array, JSON Lines or Parquet per group, streamed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core.files import HashingWriter, checksum, writing
from turnsmith.core.records import Conversation
from turnsmith.curate import validate

PARQUET_ROWS = 256
_decoder = msgspec.json.Decoder(Conversation)

_ESTIMATES = pa.struct([(name, pa.int64()) for name in ("system", "user", "assistant", "tool", "total")])
_CALL = pa.struct(
    [
        ("callIndex", pa.int64()), ("model", pa.string()), ("promptTokens", pa.int64()),
        ("completionTokens", pa.int64()), ("totalTokens", pa.int64()), ("promptTokenDelta", pa.int64()),
        ("estimates", _ESTIMATES), ("hasTrajectory", pa.bool_()),
    ]
)  # fmt: skip
_TURN = pa.struct(
    [
        ("turnIndex", pa.int64()), ("messageId", pa.string()), ("userMessage", pa.string()),
        ("modelMessage", pa.string()), ("llmCalls", pa.list_(_CALL)),
        ("toolCounts", pa.map_(pa.string(), pa.int64())), ("availableTools", pa.list_(pa.string())),
        ("availableToolCount", pa.int64()), ("numRequests", pa.int64()), ("turnDurationMs", pa.int64()),
        ("turnEndReason", pa.string()), ("responseType", pa.string()), ("model", pa.string()),
    ]
)  # fmt: skip
_CONVERSATION = [
    ("conversationId", pa.string()), ("userName", pa.string()), ("split", pa.string()), ("bucket", pa.string()),
    ("turnCount", pa.int64()), ("capturedTurnCount", pa.int64()), ("minTurnIndex", pa.int64()),
    ("maxTurnIndex", pa.int64()), ("isComplete", pa.bool_()), ("maxPromptTokens", pa.int64()),
    ("totalCompletionTokens", pa.int64()), ("llmCallCount", pa.int64()), ("turnsArray", pa.list_(_TURN)),
]  # fmt: skip


def write_group(path: Path, records: Iterable[str], with_split: bool) -> dict[str, Any]:
    """Write records (JSON texts) to `path` in the format its suffix names; return checksum and counts.

    The result holds `sha256`, `bytes`, `records` and `warnings` (counts by name).
    """
    counts: Counter[str] = Counter()
    records = _counted(records, counts)
    with writing(path) as part:
        if path.suffix == ".parquet":
            _write_parquet(part, records, with_split)
            sums = checksum(part)
        else:
            sums = _write_text(part, records, as_array=path.suffix == ".json")
    return {**sums, "records": counts.pop("records", 0), "warnings": dict(counts)}


def _counted(records: Iterable[str], counts: Counter[str]) -> Iterator[str]:
    for record in records:
        counts["records"] += 1
        counts.update(validate.warnings(_decoder.decode(record)))
        yield record


def _write_text(path: Path, records: Iterable[str], *, as_array: bool) -> dict[str, str | int]:
    with path.open("wb") as file:
        writer = HashingWriter(file)
        separator = b""
        if as_array:
            writer.write(b"[\n")
        for record in records:
            writer.write(separator + record.encode())
            separator = b",\n" if as_array else b"\n"
        if separator:
            writer.write(b"\n")
        if as_array:
            writer.write(b"]\n")
    return writer.checksum


def _write_parquet(path: Path, records: Iterable[str], with_split: bool) -> None:
    schema = pa.schema([field for field in _CONVERSATION if with_split or field[0] != "split"])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        batch: list[dict[str, Any]] = []
        for record in records:
            row = msgspec.json.decode(record)
            for turn in row["turnsArray"]:
                turn["toolCounts"] = list(turn["toolCounts"].items())
            batch.append(row)
            if len(batch) == PARQUET_ROWS:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        if batch:
            writer.write_table(pa.Table.from_pylist(batch, schema))
