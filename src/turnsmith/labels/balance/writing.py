"""The files of a balanced set: OpenAI's chat format, plain JSON Lines, or Parquet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core.files import HashingWriter, checksum, sync
from turnsmith.curate.merge.mixing import Mixer
from turnsmith.labels.balance.options import Format
from turnsmith.labels.balance.rows import Row

PARQUET_ROWS = 4096
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_COLUMNS = pa.schema(
    [
        ("text", pa.large_string()), ("label", pa.int8()), ("soft_label", pa.float64()),
        ("conversationId", pa.string()), ("messageId", pa.string()),
    ]
)  # fmt: skip


def line_of(row: Row, shape: Format, system_prompt: str) -> bytes:
    """Return a row as the line of its file; Parquet gets the plain one and turns it into columns."""
    if shape == Format.openai:
        messages = [
            {"role": "system", "content": system_prompt},
            {"role": "user", "content": row.text},
            {"role": "assistant", "content": str(row.label)},
        ]
        return _encode({"messages": messages}) + b"\n"
    plain = {
        "text": row.text,
        "label": row.label,
        "soft_label": row.soft_label,
        "conversationId": row.conversation_id,
        "messageId": row.message_id,
    }
    return _encode(plain) + b"\n"


def file_name(name: str, split: str, zeros: int, ones: int, shape: Format) -> str:
    """Return `datav3_train_70r_30n_sft.jsonl` from the shares that the file has, in whole per cent."""
    reasoning = round(100 * zeros / (zeros + ones))
    end = {Format.openai: "_sft.jsonl", Format.plain: ".jsonl", Format.parquet: ".parquet"}[shape]
    return f"{name}_{split}_{reasoning}r_{100 - reasoning}n{end}"


def write_file(path: Path, mixer: Mixer, shape: Format) -> dict[str, str | int]:
    """Write the lines of a mixer as a file; return its SHA-256 and bytes."""
    if shape == Format.parquet:
        _write_parquet(path, mixer.lines())
        sync(path)
        return checksum(path)
    with path.open("wb") as file:
        writer = HashingWriter(file)
        for line in mixer.lines():
            writer.write(line)
    sync(path)
    return writer.checksum


def _write_parquet(path: Path, lines: Iterator[bytes]) -> None:
    with pq.ParquetWriter(path, _COLUMNS, compression="zstd") as writer:
        batch: list[dict[str, Any]] = []
        for line in lines:
            batch.append(_decode(line))
            if len(batch) == PARQUET_ROWS:
                writer.write_table(pa.Table.from_pylist(batch, _COLUMNS))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, _COLUMNS))
