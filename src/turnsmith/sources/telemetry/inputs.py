"""Input files: which there are, and how each is cut into shards and blocks of rows.

A shard is the unit of work and of resuming: a byte range of a plain JSON Lines file, a run of Parquet row
groups, or a whole compressed or CSV file. A block is a bounded Arrow table of one shard, with either one
column `line` (JSON Lines) or the four columns of `AppEvents` as text.
"""

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from turnsmith.core.errors import InputError
from turnsmith.sources.telemetry import schema

BLOCK_BYTES = 32 << 20
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".parquet": "parquet", ".csv": "csv"}
COMPRESSIONS = (".gz", ".zst")
COMPRESSED_TO = 20  # times smaller, telemetry in JSON; more chunks than needed do no harm


@dataclass(frozen=True, slots=True)
class Shard:
    """Name a part of one input file; `start` and `stop` are bytes (jsonl) or row groups (parquet).

    `weight` is the size in bytes on disk, for progress; `volume` about that of the rows as text, for memory;
    `stop` is None for a whole file.
    """

    number: int
    path: str
    format: str
    compression: str | None
    start: int
    stop: int | None
    weight: int
    volume: int


def find_files(patterns: Iterable[str]) -> list[Path]:
    """Return the event files that files, folders and globs name, sorted, each once.

    Raises InputError where one names nothing, or a file whose format its name does not tell.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        for path in _expand(pattern):
            found.setdefault(_resolved(path), None)
    return sorted(found)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path}: can't be read: the link leads nowhere") from error


def _expand(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_dir():
        files = [p for p in _files_below(path) if _format_of(p) is not None]
        if not files:
            raise InputError(f"{pattern}: the folder holds no event files ({_known_suffixes()})")
        return files
    files = [path]
    if not path.exists() and not path.is_symlink():
        files = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - absolute, too
    if not files:
        raise InputError(f"{pattern}: no such file, folder or match of this glob")
    for file in files:
        if not file.is_dir() and _format_of(file) is None:
            raise InputError(f"{file}: unknown kind of file; event files end in {_known_suffixes()}")
    return [q for p in files for q in (_expand(str(p)) if p.is_dir() else [p])]


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder tree without hidden folders and finished data sets."""
    for path in sorted(folder.iterdir()):
        if path.is_file() or not path.exists():  # a link that leads nowhere is named, not passed over
            yield path
        elif path.is_dir() and not path.name.startswith(".") and not (path / "metadata.json").exists():
            yield from _files_below(path)


def _known_suffixes() -> str:
    return ", ".join(FORMATS) + " (JSON Lines and CSV also with .gz or .zst)"


def _format_of(path: Path) -> tuple[str, str | None] | None:
    compression = path.suffix if path.suffix in COMPRESSIONS else None
    suffix = Path(path.stem).suffix if compression else path.suffix
    name = FORMATS.get(suffix)
    if name is None or (name == "parquet" and compression):
        return None
    return name, compression


def plan_shards(files: Iterable[Path], shard_bytes: int = BLOCK_BYTES) -> list[Shard]:
    """Return all shards of the files in a stable order; raises InputError for a file that can't be used."""
    shards: list[Shard] = []
    for path in files:
        for kind, compression, start, stop, weight, volume in _cut(path, shard_bytes):
            shards.append(Shard(len(shards), str(path), kind, compression, start, stop, weight, volume))
    return shards


Cut = tuple[str, str | None, int, int | None, int, int]


def _cut(path: Path, shard_bytes: int) -> Iterator[Cut]:
    named = _format_of(path)
    if named is None:
        raise InputError(f"{path}: unknown kind of file; event files end in {_known_suffixes()}")
    kind, compression = named
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from error
    if kind == "parquet":
        yield from _cut_parquet(path, size, shard_bytes)
    elif kind == "csv" or compression:
        yield kind, compression, 0, None, size, size * (COMPRESSED_TO if compression else 1)
    elif head.startswith(b"["):
        raise InputError(
            f"{path}: holds one JSON array, not JSON Lines; turn it into lines with: "
            f"jq -c '.[]' {path.name} > {path.stem}.jsonl"
        )
    else:
        for start in range(0, max(size, 1), shard_bytes):
            length = min(shard_bytes, size - start)
            yield kind, None, start, start + length, length, length


def _cut_parquet(path: Path, size: int, shard_bytes: int) -> Iterator[Cut]:
    try:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata
            missing = [name for name in schema.COLUMNS if name not in file.schema_arrow.names]
            columns = ", ".join(file.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file: {error}") from error
    if missing:
        raise missing_columns(path, missing, columns)
    if not metadata.num_row_groups:
        yield "parquet", None, 0, 0, size, 0
    start, volume = 0, 0
    for group in range(metadata.num_row_groups):
        volume += metadata.row_group(group).total_byte_size
        if volume >= shard_bytes or group == metadata.num_row_groups - 1:
            share = size * (group + 1 - start) // metadata.num_row_groups
            yield "parquet", None, start, group + 1, share, volume
            start, volume = group + 1, 0


def missing_columns(path: Path, missing: list[str], present: str) -> InputError:
    """Return the error for a table without the columns of `AppEvents`."""
    return InputError(
        f"{path}: has no column {', '.join(missing)} (it has: {present}). "
        "Export TimeGenerated, Name, Properties and Measurements under these names."
    )
