"""The table of pairs: places and ids of the rows that stand in a pair, written as Parquet."""

from pathlib import Path

import numpy as np

from turnsmith.core.files import writing
from turnsmith.curate.near_duplicates.pairs import Pairs

ROWS = 1 << 16


class PairTable:
    """Hold places and ids of the rows that stand in a pair."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self._in_pair = np.zeros(1 + int(pairs.right.max(initial=-1)), bool)
        self._in_pair[pairs.left] = True
        self._in_pair[pairs.right] = True
        self._names: dict[int, tuple[str, str]] = {}

    def see(self, number: int, place: str, identity: str) -> None:
        """Remember a row, if it stands in a pair."""
        if number < len(self._in_pair) and self._in_pair[number]:
            self._names[number] = (place, identity)

    def named(self, number: int) -> tuple[str, str]:
        """Return place and id of a row that was seen."""
        return self._names[number]

    def write(self, name: str) -> None:
        """Write a row per pair: left_place, left_id, right_place, right_id, similarity."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        text, number = pa.string(), pa.float32()
        schema = pa.schema(
            [
                ("left_place", text), ("left_id", text), ("right_place", text), ("right_id", text),
                ("similarity", number),
            ]
        )  # fmt: skip
        with writing(Path(name)) as part, pq.ParquetWriter(part, schema, compression="zstd") as file:
            for begin in range(0, len(self._pairs), ROWS):
                some = slice(begin, begin + ROWS)
                left = [self._names[row] for row in self._pairs.left[some].tolist()]
                right = [self._names[row] for row in self._pairs.right[some].tolist()]
                columns = [
                    pa.array([place for place, _ in left], text), pa.array([each for _, each in left], text),
                    pa.array([place for place, _ in right], text), pa.array([each for _, each in right], text),
                    pa.array(self._pairs.similarity[some], number),
                ]  # fmt: skip
                file.write_batch(pa.record_batch(columns, schema=schema))
