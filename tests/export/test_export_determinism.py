"""The same events give the same bytes, however they are ordered, chunked, spread and stored."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import random
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from turnsmith.sources.telemetry import blocks, inputs

from .running import data_files, exported, metadata
from .telemetry import COLUMNS, conversation, ids, lines, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Lines = list[bytes]


def shuffled(corpus: Sequence[bytes], seed: int = 1) -> Lines:
    """Give the lines in another order."""
    return random.Random(seed).sample(corpus, len(corpus))


def rows_of(corpus: Sequence[bytes]) -> list[dict[str, Any]]:
    """Parse the lines."""
    return [json.loads(line) for line in corpus]


def as_table(corpus: Sequence[bytes]) -> pa.Table:
    """Give the events as four columns of text."""
    rows = rows_of(corpus)
    texts = {name: [_text(row[name]) for row in rows] for name in COLUMNS}
    return pa.table({name: pa.array(column, pa.string()) for name, column in texts.items()})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def times(corpus: Sequence[bytes]) -> list[datetime]:
    """Give the events' times."""
    return [datetime.fromisoformat(row["TimeGenerated"]) for row in rows_of(corpus)]


def parquet(path: Path, table: pa.Table, rows: int | None = None) -> list[Path]:
    """Write a table as Parquet."""
    pq.write_table(table, path, row_group_size=rows)
    return [path]


def parquet_with_times(corpus: Lines, folder: Path, kind: pa.DataType) -> list[Path]:
    """Write the events as Parquet, their times of a type."""
    naive = [time.replace(tzinfo=None) for time in times(corpus)]
    column = pa.array(naive, pa.timestamp("us")).cast(pa.timestamp(kind.unit))
    column = column.cast(kind) if kind.tz is None else column.cast(pa.int64()).cast(kind)
    return parquet(folder / "a.parquet", as_table(corpus).set_column(0, "TimeGenerated", column))


def parquet_bags(corpus: Lines, folder: Path, *, as_maps: bool, numbers: bool = False) -> list[Path]:
    """Write the events as Parquet with struct or map columns; their measurements as text or as numbers."""
    table = as_table(corpus)
    kinds = {"Properties": pa.string(), "Measurements": pa.float64() if numbers else pa.string()}
    for place, (name, kind) in enumerate(kinds.items(), 2):
        given = [
            {key: value for key, value in row[name].items() if value is not None} for row in rows_of(corpus)
        ]
        if kind == pa.string():
            given = [{key: _text(value) for key, value in bag.items()} for bag in given]
        pairs = pa.array([list(bag.items()) for bag in given], pa.map_(pa.string(), kind))
        table = table.set_column(place, name, pairs if as_maps else pa.array(given))
    return parquet(folder / "a.parquet", table)


def csv_bytes(corpus: Lines, columns: Sequence[str] = COLUMNS) -> bytes:
    """Give the events as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="extra")
    writer.writeheader()
    for row in rows_of(corpus):
        writer.writerow({name: _text(row[name]) for name in COLUMNS})
    return text.getvalue().encode()


def properties_as_text(corpus: Lines, every: int = 1) -> bytes:
    """Give JSON Lines with Properties and Measurements as strings, in every n-th row."""
    rows = rows_of(corpus)
    for row in rows[::every]:
        row.update({name: _text(row[name]) for name in ("Properties", "Measurements")})
    return lines(rows)


def one(path: Path, content: bytes) -> list[Path]:
    """Write one file."""
    return [write(path, content)]


def several(corpus: Lines, folder: Path) -> list[Path]:
    """Deal the lines to files of several kinds and names, some in a folder of folders."""
    hands = [corpus[n::4] for n in range(4)]
    write(folder / "in" / "z.jsonl", b"".join(hands[0]))
    write(folder / "in" / "deep" / "er" / "a.json.gz", gzip.compress(b"".join(hands[1])))
    write(folder / "in" / "deep" / "README.txt", b"not events")
    parquet(folder / "in" / "deep" / "m.parquet", as_table(hands[2]))
    return [folder / "in", write(folder / "b.csv", csv_bytes(hands[3]))]


def zstd_frames(corpus: Lines) -> bytes:
    """Compress the lines to three frames, cut anywhere."""
    whole = b"".join(corpus)
    cut = [0, len(whole) // 3, len(whole) // 2, len(whole)]
    compress = zstandard.ZstdCompressor().compress
    return b"".join(compress(whole[a:b]) for a, b in itertools.pairwise(cut))


def gzip_members(corpus: Lines) -> bytes:
    """Compress the lines to two gzip members, cut anywhere."""
    whole = b"".join(corpus)
    return gzip.compress(whole[: len(whole) // 2]) + gzip.compress(whole[len(whole) // 2 :])


STORED: dict[str, Callable[[Lines, Path], list[Path]]] = {
    "shuffled": lambda corpus, to: one(to / "a.jsonl", b"".join(shuffled(corpus))),
    "another shuffle": lambda corpus, to: one(to / "a.ndjson", b"".join(shuffled(corpus, 2))),
    "in several files and folders": lambda corpus, to: several(shuffled(corpus), to),
    "gzip": lambda corpus, to: one(to / "a.jsonl.gz", gzip.compress(b"".join(corpus))),
    "gzip of two members": lambda corpus, to: one(to / "a.jsonl.gz", gzip_members(corpus)),
    "zstd": lambda corpus, to: one(to / "a.jsonl.zst", zstandard.ZstdCompressor().compress(b"".join(corpus))),
    "zstd of three frames": lambda corpus, to: one(to / "a.jsonl.zst", zstd_frames(corpus)),
    "parquet": lambda corpus, to: parquet(to / "a.parquet", as_table(corpus)),
    "parquet in row groups": lambda corpus, to: parquet(to / "a.parquet", as_table(corpus), 500),
    "parquet, us": lambda corpus, to: parquet_with_times(corpus, to, pa.timestamp("us")),
    "parquet, us UTC": lambda corpus, to: parquet_with_times(corpus, to, pa.timestamp("us", "UTC")),
    "parquet, ns UTC": lambda corpus, to: parquet_with_times(corpus, to, pa.timestamp("ns", "UTC")),
    "parquet, ns elsewhere": lambda corpus, to: parquet_with_times(
        corpus, to, pa.timestamp("ns", "Asia/Tokyo")
    ),
    "parquet, dictionary": lambda corpus, to: parquet(
        to / "a.parquet", as_table(corpus).set_column(1, "Name", as_table(corpus)["Name"].dictionary_encode())
    ),
    "parquet, large strings and more columns": lambda corpus, to: parquet(
        to / "a.parquet",
        as_table(corpus)
        .cast(pa.schema([(name, pa.large_string()) for name in COLUMNS]))
        .add_column(0, "TenantId", pa.array(["x"] * len(corpus))),
    ),
    "parquet, structs": lambda corpus, to: parquet_bags(corpus, to, as_maps=False),
    "parquet, maps": lambda corpus, to: parquet_bags(corpus, to, as_maps=True),
    "csv": lambda corpus, to: one(to / "a.csv", csv_bytes(corpus)),
    "csv, other columns, BOM, gzip": lambda corpus, to: one(
        to / "a.csv.gz",
        gzip.compress(
            b"\xef\xbb\xbf"
            + csv_bytes(corpus, ["Measurements", "Tenant", "Name", "Properties", "TimeGenerated"])
        ),
    ),
    "bags as text": lambda corpus, to: one(to / "a.jsonl", properties_as_text(corpus)),
    "bags as text here and there": lambda corpus, to: one(to / "a.jsonl", properties_as_text(corpus, 3)),
    "CRLF": lambda corpus, to: one(to / "a.jsonl", b"".join(corpus).replace(b"\n", b"\r\n")),
    "BOM": lambda corpus, to: one(to / "a.jsonl", b"\xef\xbb\xbf" + b"".join(corpus)),
    "no newline at the end": lambda corpus, to: one(to / "a.jsonl", b"".join(corpus).rstrip(b"\n")),
    "blank lines": lambda corpus, to: one(
        to / "a.jsonl", b"\n \t\r\n" + b"".join(corpus).replace(b"\n", b"\n\n", 99) + b"\n\n  "
    ),
    "spaced JSON": lambda corpus, to: one(
        to / "a.jsonl", b"".join(b"  " + json.dumps(row).encode() + b" \n" for row in rows_of(corpus))
    ),
}


@pytest.mark.parametrize("how", STORED)
def test_the_same_rows_give_the_same_bytes(
    how: str, corpus: Lines, undisturbed: Path, tmp_path: Path
) -> None:
    """Order, files, formats, encodings and line ends of the input change no byte of a data file."""
    made = exported(STORED[how](corpus, tmp_path), tmp_path / "out")
    assert data_files(made) == data_files(undisturbed)
    funnel, expected = metadata(made)["funnel"], metadata(undisturbed)["funnel"]
    assert funnel == expected


@pytest.mark.parametrize("chunks", [1, 3, 40])
def test_chunks_change_nothing(chunks: int, plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """The number of chunks changes no byte of a data file and no count."""
    made = exported(plain, tmp_path / "out", "--chunks", chunks, "--memory-limit", "300MB")
    assert data_files(made) == data_files(undisturbed)
    content, expected = metadata(made), metadata(undisturbed)
    assert content["config"]["chunks"] == chunks
    assert content["funnel"] == expected["funnel"]
    assert content["deduplication"] == expected["deduplication"]


def test_a_glob_names_files_and_folders(corpus: Lines, undisturbed: Path, tmp_path: Path) -> None:
    """A glob takes all that it matches, recursively with **, and nothing else."""
    write(tmp_path / "in" / "one" / "a-1.jsonl", b"".join(corpus[::2]))
    write(tmp_path / "in" / "two" / "more" / "a-2.jsonl", b"".join(corpus[1::2]))
    write(tmp_path / "in" / "two" / "more" / "b-3.jsonl", b"neither read nor malformed\n")
    made = exported(str(tmp_path / "in" / "**" / "a-*.jsonl"), tmp_path / "out")
    assert data_files(made) == data_files(undisturbed)
    assert metadata(made)["query_parameters"]["events"] == ["a-1.jsonl", "a-2.jsonl"]
    assert metadata(made)["funnel"] == metadata(undisturbed)["funnel"]


def test_the_same_path_twice_is_read_once(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """A file named twice, by its folder and through a symbolic link too, is one file."""
    link = tmp_path / "link.jsonl"
    link.symlink_to(plain)
    made = exported([plain, plain, plain.parent, link], tmp_path / "out")
    assert data_files(made) == data_files(undisturbed)
    assert metadata(made)["funnel"] == metadata(undisturbed)["funnel"]


@pytest.mark.parametrize("kind", ["copy", "zstd", "parquet", "csv"])
def test_rows_in_two_files_collapse(
    kind: str, corpus: Lines, plain: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Rows that a second file repeats, in whatever format, change nothing; their count is reported."""
    again = corpus[: len(corpus) // 2] if kind in ("parquet", "csv") else corpus
    stored: dict[str, Callable[[], list[Path]]] = {
        "copy": lambda: one(tmp_path / "b.jsonl", b"".join(shuffled(again))),
        "zstd": lambda: one(tmp_path / "b.jsonl.zst", zstd_frames(again)),
        "parquet": lambda: parquet(tmp_path / "b.parquet", as_table(again)),
        "csv": lambda: one(tmp_path / "b.csv", csv_bytes(again)),
    }
    made = exported([plain, *stored[kind]()], tmp_path / "out")
    assert data_files(made) == data_files(undisturbed)
    now, before = metadata(made), metadata(undisturbed)
    assert now["funnel"]["events_read"] == len(corpus) + len(again)
    assert now["funnel"]["conversations"] == before["funnel"]["conversations"]
    more_used = now["funnel"]["events"]["used"] - before["funnel"]["events"]["used"]
    more_collapsed = (
        now["deduplication"]["identical_rows_collapsed"] - before["deduplication"]["identical_rows_collapsed"]
    )
    assert more_used > 1000
    assert more_collapsed == more_used


@pytest.fixture(scope="module")
def small() -> Lines:
    """Give 45 lines, padded to the same length."""
    rows = [row for name in ids("train", 3) for row in conversation(name, 3)]
    assert max(len(line) for line in lines(rows).splitlines()) < 700
    return [line.ljust(700) + b"\n" for line in lines(rows).splitlines()]


@pytest.fixture(scope="module")
def small_undisturbed(small: Lines, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the data set of the small corpus, read in one block."""
    folder = tmp_path_factory.mktemp("small")
    return exported(write(folder / "a.jsonl", b"".join(small)), folder / "out")


def shrink(patch: pytest.MonkeyPatch, block: int, shard: int) -> None:
    """Make blocks, shards and all that goes with them small."""
    patch.setattr(blocks, "BLOCK_BYTES", block)
    patch.setattr(blocks, "SLACK", 16)
    patch.setattr(blocks, "PARQUET_ROWS", 7)
    patch.setattr(inputs.plan_shards, "__defaults__", (shard,))


@pytest.mark.parametrize(
    ("block", "shard"),
    [(1402, 2804), (1403, 2804), (4000, 2103), (1 << 20, 2102), (1 << 20, 2104), (50, 7010), (3000, 1 << 20)],
)
def test_small_blocks_and_shards_give_the_same_bytes(
    block: int,
    shard: int,
    small: Lines,
    small_undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each line is read once wherever blocks and shards end: inside a line, at its end, right after it."""
    assert len(small[0]) == 701
    shrink(monkeypatch, block, shard)
    made = exported(write(tmp_path / "a.jsonl", b"".join(small).rstrip(b"\n ")), tmp_path / "out")
    assert metadata(made)["funnel"]["events_read"] == len(small)
    assert data_files(made) == data_files(small_undisturbed)


@pytest.mark.parametrize("kind", ["gzip", "zstd", "csv", "parquet", "row groups", "structs", "maps"])
def test_small_blocks_of_other_formats(
    kind: str, small: Lines, small_undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compressed files, Parquet and CSV in small blocks give the same bytes."""
    shrink(monkeypatch, 2500, 3000)
    stored: dict[str, Callable[[], list[Path]]] = {
        "row groups": lambda: parquet(tmp_path / "a.parquet", as_table(small), 11),
        "structs": lambda: parquet_bags(small, tmp_path, as_maps=False, numbers=True),
        "maps": lambda: parquet_bags(small, tmp_path, as_maps=True, numbers=True),
    }
    made = exported(stored.get(kind, lambda: STORED[kind](small, tmp_path))(), tmp_path / "out")
    assert metadata(made)["funnel"]["events_read"] == len(small)
    assert data_files(made) == data_files(small_undisturbed)


@pytest.mark.parametrize("block", [1, 5, 64, 1000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_every_line_once_for_any_border(
    block: int, end: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shards of any size hold, together and in order, each line of the file exactly once."""
    texts = [b"%d " % n + b"x" * (n * 7 % 23) for n in range(12)]
    path = write(tmp_path / "a.jsonl", b"\n".join(texts) + end)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block)
    monkeypatch.setattr(blocks, "SLACK", 8)
    monkeypatch.delattr(blocks._threads, "buffer", raising=False)
    for size in range(1, path.stat().st_size + 2):
        found = [
            line.encode().removesuffix(b"\n")
            for shard in inputs.plan_shards([path], size)
            for block_ in blocks.read_blocks(shard)
            for line in block_.table.column("line").to_pylist()
        ]
        assert found == texts, f"shards of {size} bytes"
    monkeypatch.delattr(blocks._threads, "buffer", raising=False)
