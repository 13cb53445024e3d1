"""Read Parquet data files, row group by row group, into the shapes that JSON has."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pyarrow.types as arrow
from pyarrow.lib import ArrowException

from turnsmith.verify.stream import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH_ROWS = 256


def read_parquet(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file; a file that breaks off ends with a problem."""
    number = 0
    try:
        parquet: Any = pq
        with parquet.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], use_threads=False):
                    for value in _rows(batch):
                        number += 1
                        yield Row(number, 0, value)
    except (ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        yield Row(number + 1, 0, None, f"no readable Parquet ({type(error).__name__})")


def _rows(batch: Any) -> list[Any]:
    """Return the rows of a record batch as dictionaries."""
    return _values(batch.to_struct_array())


def _values(array: Any) -> list[Any]:
    """Return the values of an Arrow array; far faster for nested types than `to_pylist`.

    Raises ValueError for a repeated field or map key.
    """
    if arrow.is_struct(array.type):
        values = _structs(array)
    elif arrow.is_map(array.type):
        values = _maps(array)
    elif arrow.is_list(array.type) or arrow.is_large_list(array.type):
        values = _lists(array, _values(array.values))
    else:
        return list(array.to_pylist())
    if array.null_count:
        return [
            value if valid else None
            for value, valid in zip(values, array.is_valid().to_pylist(), strict=True)
        ]
    return values


def _structs(array: Any) -> list[Any]:
    names = [field.name for field in array.type]
    if len(set(names)) != len(names):
        raise ValueError("a field stands twice in one struct")
    if not names:
        return [{} for _ in range(len(array))]
    columns = [_values(array.field(index)) for index in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _lists(array: Any, items: list[Any]) -> list[Any]:
    ends = array.offsets.to_pylist()
    return [items[start:end] for start, end in pairwise(ends)]


def _maps(array: Any) -> list[Any]:
    pairs = list(zip(_values(array.keys), _values(array.items), strict=True))
    maps = [(dict(entries), len(entries)) for entries in _lists(array, pairs)]
    if any(len(value) != count for value, count in maps):
        raise ValueError("a key stands twice in one map")
    return [value for value, _ in maps]
