"""The records of all inputs in order, as often as asked, and the number of each that is compared."""

import contextlib
from collections.abc import Callable, Iterator

from turnsmith.core.progress import Advance
from turnsmith.curate.clean.spooling import Lines, replayable
from turnsmith.curate.near_duplicates.fields import Field, text_of_field
from turnsmith.curate.rows import Row, kind_of, rows_of_array, rows_of_lines, rows_of_parquet

LINES_PER_REPORT = 256
OnBad = Callable[[str, str], None]
File = tuple[str, Callable[[], Lines] | None]


@contextlib.contextmanager
def replayed(name: str) -> Iterator[File]:
    """Give a file's name and, where it holds lines, what reads them anew at each call."""
    if kind_of(name) != "jsonl":
        yield name, None
        return
    with replayable(name, None) as lines:
        yield name, lines


def rows_of(files: list[File], on_bad: OnBad, advance: Advance) -> Iterator[Row]:
    """Yield the records of all files in order; `advance` is told bytes and lines now and then."""
    size = count = 0

    def on_line(length: int) -> None:
        nonlocal size, count
        size += length
        count += 1
        if count == LINES_PER_REPORT:
            advance(size, count)
            size = count = 0

    for name, lines in files:
        if lines is not None:
            yield from rows_of_lines(name, lines(), on_bad, on_line)
        elif kind_of(name) == "parquet":
            yield from rows_of_parquet(name, on_line=on_line)
        else:
            yield from rows_of_array(name, on_bad, on_line)
    advance(size, count)


Numbered = tuple[int | None, str | None, Row]


def numbered(rows: Iterator[Row], field: Field) -> Iterator[Numbered]:
    """Yield number, text and row: no number where there is nothing to compare, no text where it is no record."""
    number = 0
    for row in rows:
        text = text_of_field(row.record, field)
        if text is None or not text.strip():
            yield None, text, row
        else:
            yield number, text, row
            number += 1
