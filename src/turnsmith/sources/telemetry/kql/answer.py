"""Read the frames of a v2 answer, and believe it only when nothing in it speaks of an error.

A partial result comes with status 200, and the official client raises nothing. It shows in one of three
places: an object among the rows, the last frame, or a row of the completion information. A cut answer lacks
the last frame.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from turnsmith.sources.telemetry.kql.catalog import Column
from turnsmith.sources.telemetry.kql.failures import TryAgainError, of_failure, texts_of

_ERROR_LEVEL = 2  # of the completion information: 1 is critical, 2 an error, the rest is news


class _Column(msgspec.Struct, rename="pascal"):
    column_name: str
    column_type: str = ""


class _Frame(msgspec.Struct, rename="pascal"):
    """Hold a frame of any kind; rows stay JSON until someone wants them."""

    frame_type: str
    table_kind: str = ""
    columns: list[_Column] = []
    rows: list[msgspec.Raw] = []
    has_errors: bool = False
    cancelled: bool = False
    is_progressive: bool = False
    one_api_errors: list[Any] | None = None


_frames = msgspec.json.Decoder(list[_Frame])


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold a whole result; each row is the JSON text of an array."""

    columns: list[Column]
    rows: list[msgspec.Raw]

    def decoded(self, row: msgspec.Raw) -> dict[str, Any]:
        """Return a row's values by column name."""
        return dict(zip((column.name for column in self.columns), _decoded(row), strict=True))


def read_answer(body: bytes) -> Answer:
    """Return the result in a body; raises TryAgainError for a damaged one, or what its failure asks for."""
    try:
        frames = _frames.decode(body)
    except msgspec.DecodeError as error:
        failure = _lone_error(body)
        if failure:
            raise of_failure(failure) from None
        raise TryAgainError("the answer is cut or damaged") from error
    if not frames or frames[0].frame_type != "DataSetHeader" or frames[-1].frame_type != "DataSetCompletion":
        raise TryAgainError("the answer is cut: a frame at its beginning or end is missing")
    for frame in frames:
        _check(frame)
    results = [frame for frame in frames if frame.table_kind == "PrimaryResult"]
    if len(results) != 1 or frames[0].is_progressive:
        raise TryAgainError("the answer holds no result, or not as one table")
    columns = [Column(column.column_name, column.column_type) for column in results[0].columns]
    return Answer(columns, results[0].rows)


def _check(frame: _Frame) -> None:
    """Raise what a frame says of a failure."""
    errors = [text for error in frame.one_api_errors or [] for text in texts_of(error)]
    if frame.has_errors or frame.cancelled or errors:
        raise of_failure(errors or ["the query was cancelled" if frame.cancelled else "no reason is given"])
    if frame.table_kind == "PrimaryResult":
        for row in frame.rows:
            if not bytes(memoryview(row)[:1]) == b"[":
                raise of_failure(_row_error(row))
    if frame.table_kind == "QueryCompletionInformation":
        names = [column.column_name for column in frame.columns]
        for row in frame.rows:
            values = dict(zip(names, _decoded(row), strict=True))
            level = values.get("Level")
            if isinstance(level, int) and level <= _ERROR_LEVEL:
                fields = ("StatusCodeName", "EventTypeName", "Payload")
                raise of_failure([str(values.get(field, "")) for field in fields])


def _row_error(row: msgspec.Raw) -> list[str]:
    errors = json.loads(bytes(row)).get("OneApiErrors") or []
    return [text for error in errors for text in texts_of(error)] or ["a row is an error without a text"]


def _lone_error(body: bytes) -> list[str]:
    """Return what an error that came with status 200 says."""
    try:
        return texts_of(json.loads(body))
    except (ValueError, RecursionError):
        return []


def _decoded(row: msgspec.Raw) -> list[Any]:
    """Return a row's values; the slower decoder also takes halves of surrogate pairs."""
    try:
        values: list[Any] = msgspec.json.decode(row)
    except msgspec.DecodeError:
        values = json.loads(bytes(row))
    return values
