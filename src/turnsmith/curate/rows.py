"""Examples and curated conversations, whichever file they lie in: JSON Lines, a JSON array or Parquet."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnsmith.core.chat import Example, OnBad, OnLine, decode, encode, examples_in
from turnsmith.core.errors import InputError
from turnsmith.core.json_items import read_items
from turnsmith.core.lines import open_input
from turnsmith.curate.clean.spooling import replayable
from turnsmith.curate.clean.step import without_home

PACKED = (".gz", ".zst")
PARQUET_ROWS = 256


@dataclass(frozen=True, slots=True)
class Row:
    """Hold a record, its place and, of JSON Lines, its bytes without end.

    A place is `file:line`, or `file:row` from 1, with `~` for the home folder.
    """

    place: str
    record: Example
    line: bytes | None = None

    @property
    def written(self) -> bytes:
        """Return the record as a line with its end: the bytes that were read, where they were a line."""
        return encode(self.record) if self.line is None else self.line + b"\n"


def kind_of(name: str) -> str:
    """Return `json` (an array), `parquet` or `jsonl`, by the suffix below `.gz` and `.zst`."""
    path = Path(name)
    suffix = Path(path.stem).suffix if path.suffix in PACKED else path.suffix
    return {".json": "json", ".parquet": "parquet"}.get(suffix.lower(), "jsonl")


def rows_of_lines(
    name: str, lines: Iterable[tuple[int, bytes]], on_bad: OnBad, on_line: OnLine | None = None
) -> Iterator[Row]:
    """Yield the rows of lines that `read_lines` gave; what is no JSON object goes to `on_bad(place, reason)`."""
    name = without_home(name)
    last = [b""]
    kept = _remembered(lines, last)
    for number, record in examples_in(name, kept, on_bad, on_line):
        yield Row(f"{name}:{number}", record, last[0])


def _remembered(lines: Iterable[tuple[int, bytes]], last: list[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in lines:
        last[0] = line
        yield number, line


def rows_of_array(name: str, on_bad: OnBad, on_line: OnLine | None = None) -> Iterator[Row]:
    """Yield the items of a file that holds one JSON array; places count them from 1."""
    with open_input(name) as file:
        for index, item in read_items(name, file):
            place = f"{without_home(name)}:{index + 1}"
            if on_line is not None:
                on_line(len(item))
            try:
                record = decode(item)
            except (ValueError, RecursionError):
                on_bad(place, "no valid JSON")
                continue
            if isinstance(record, dict):
                yield Row(place, record)
            else:
                on_bad(place, "no JSON object")


def rows_of_parquet(
    name: str, columns: list[str] | None = None, on_line: OnLine | None = None
) -> Iterator[Row]:
    """Yield the rows of a Parquet file, of the named columns that it has; maps become objects.

    Raises InputError for a file that is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(name) as file:
            share = Path(name).stat().st_size / max(file.metadata.num_rows, 1)
            wanted = columns and [each for each in columns if each in file.schema_arrow.names]
            number = 0
            for batch in file.iter_batches(PARQUET_ROWS, columns=wanted):
                for record in batch.to_pylist(maps_as_pydicts="lossy"):
                    number += 1
                    if on_line is not None:
                        on_line(int(share))
                    yield Row(f"{without_home(name)}:{number}", record)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{name}: can't be read as Parquet: {_first_line(error)}") from error


@contextlib.contextmanager
def replayable_rows(
    name: str, folder: Path | None
) -> Iterator[Callable[[OnBad, OnLine | None], Iterator[Row]]]:
    """Give a function that reads the rows of a file anew at each call; standard input is kept in `folder`."""
    kind = kind_of(name)
    if kind == "parquet":
        yield lambda _, on_line: rows_of_parquet(name, None, on_line)
    elif kind == "json":
        yield lambda on_bad, on_line: rows_of_array(name, on_bad, on_line)
    else:
        with replayable(name, folder) as lines:
            yield lambda on_bad, on_line: rows_of_lines(name, lines(), on_bad, on_line)


def _first_line(error: BaseException) -> Any:
    return str(error).partition("\n")[0]
