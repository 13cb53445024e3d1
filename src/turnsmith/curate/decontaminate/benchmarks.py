"""Benchmark files: which there are, and the items in them."""

import csv
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from turnsmith.core.chat import OnBad
from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.lines import open_input, read_lines
from turnsmith.curate.decontaminate.words import strings_in
from turnsmith.curate.rows import PACKED, rows_of_array, rows_of_lines, rows_of_parquet

TABLES = {".jsonl", ".ndjson", ".json", ".parquet", ".csv"}
TEXTS = {
    ".txt", ".md", ".rst", ".py", ".js", ".ts", ".java", ".go", ".rs", ".c", ".h", ".cc", ".cpp", ".cs", ".rb",
    ".php", ".sh", ".sql", ".kt", ".scala", ".swift",
}  # fmt: skip
ID_KEYS = ("task_id", "question_id", "instance_id", "problem_id", "id", "_id", "name")
LONGEST_ID = 80


@dataclass(frozen=True, slots=True)
class Source:
    """Hold a benchmark: its name, and the files that hold its items (one for a table, or texts of a folder)."""

    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """Hold one item: its id, or else its place, and all its texts."""

    name: str
    texts: list[str]


def find_benchmarks(paths: list[str]) -> list[Source]:
    """Return the benchmarks that files and folders hold, by name.

    A table (JSON Lines, a JSON array, Parquet, CSV) is a benchmark, each row an item. The text files of one folder
    are a benchmark, each file an item. Raises UsageError where a path or every benchmark is missing.
    """
    tables: dict[str, list[Path]] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            for file in _files_below(path):
                name = _name_of(file, path)
                tables.setdefault(name, []).append(file)
        elif path.is_file():
            tables.setdefault(_stem(path) if _suffix(path) in TABLES else path.name, []).append(path)
        else:
            raise UsageError(f"--against {given}: no such file or folder")
    if not tables:
        kinds = " ".join(sorted(TABLES | TEXTS))
        raise UsageError(f"--against {' '.join(paths)}: no benchmark file in there; known are {kinds}")
    return [Source(name, tuple(dict.fromkeys(files))) for name, files in sorted(tables.items())]


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and _suffix(Path(name)) in TABLES | TEXTS:
                yield Path(parent) / name


def _name_of(file: Path, folder: Path) -> str:
    """Return a benchmark's name: the table's path below the folder, or for a text its folder's."""
    root = folder.resolve().name
    inner = file.relative_to(folder).parent
    return str(inner / _stem(file)) if _suffix(file) in TABLES else str(Path(root) / inner)


def _suffix(path: Path) -> str:
    return (Path(path.stem).suffix if path.suffix in PACKED else path.suffix).lower()


def _stem(path: Path) -> str:
    return Path(path.stem).stem if path.suffix in PACKED else path.stem


def read_benchmark(source: Source, on_bad: OnBad) -> Iterator[Item]:
    """Yield the items of a benchmark; what can't be read as an item goes to `on_bad(place, reason)`.

    Raises InputError for a file that can't be read.
    """
    for path in source.files:
        if _suffix(path) in TABLES:
            yield from _items_of_table(path, on_bad)
        else:
            with open_input(str(path)) as file:
                yield Item(path.name, [file.read().decode("utf-8", "replace")])


def _items_of_table(path: Path, on_bad: OnBad) -> Iterator[Item]:
    name, suffix = str(path), _suffix(path)
    if suffix == ".csv":
        yield from _rows_of_csv(name)
        return
    if suffix == ".parquet":
        rows = rows_of_parquet(name)
    elif suffix == ".json":
        rows = rows_of_array(name, on_bad)
    else:
        rows = rows_of_lines(name, read_lines(name), on_bad)
    for row in rows:
        yield Item(_id_of(row.record) or _place(row.place), [text for _, text in strings_in(row.record)])


def _rows_of_csv(name: str) -> Iterator[Item]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with open_input(name) as file:
        lines = (line.decode("utf-8-sig", "replace") for line in cast("Any", file))
        try:
            for number, row in enumerate(csv.DictReader(lines), 1):
                yield Item(_id_of(row) or _place(f"{name}:{number}"), [text for _, text in strings_in(row)])
        except csv.Error as error:
            raise InputError(f"{name}: can't be read as CSV: {error}") from error


def _id_of(row: dict[str, Any]) -> str:
    for key in ID_KEYS:
        value = row.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= LONGEST_ID:
            return str(value)
    return ""


def _place(place: str) -> str:
    return Path(place).name
