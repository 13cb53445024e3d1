"""The cheap question beside the large one: how many conversations there are, by day, bucket and filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from turnsmith.core.errors import DataError
from turnsmith.curate.buckets import DEFAULT_BUCKETS
from turnsmith.sources.telemetry.kql.asking import Asker
from turnsmith.sources.telemetry.kql.failures import TooMuchError
from turnsmith.sources.telemetry.kql.question import Chunk, Question

WHOLE = Chunk(0, 1)
MOST_PARTS = 64
Counts = dict[str, int]


def ask_counts(asker: Asker, question: Question, chunk: Chunk) -> list[dict[str, Any]]:
    """Return the rows of the counting query for one chunk; raises TooMuchError like any question."""
    answer = asker.ask(question.counts, question.values(chunk))
    return [answer.decoded(row) for row in answer.rows]


def count(asker: Asker, question: Question, chunk: Chunk = WHOLE, parts: int = 1) -> list[dict[str, Any]]:
    """Return the rows for a chunk, asked in halves where it is too much at once.

    Raises DataError where that has been done often enough.
    """
    try:
        return ask_counts(asker, question, chunk)
    except TooMuchError as error:
        if parts >= MOST_PARTS:
            raise DataError(
                f"even {chunk} can't be counted: {error}. Give a shorter --window or a longer --server-timeout"
            ) from error
    return [row for half in chunk.halves() for row in count(asker, question, half, 2 * parts)]


def by_reason(rows: Iterable[dict[str, Any]]) -> Counts:
    """Return conversations by the filter that takes them, "" for candidates."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["reason"]] += row["conversations"]
    return dict(sorted(counts.items()))


def candidates_by_day(asker: Asker, question: Question) -> dict[str, dict[date, int]]:
    """Return the candidates of each bucket, by its full name, by the day of their first message.

    The query knows the default buckets only; of others it is asked one by one.
    """
    found: dict[str, Counter[date]] = {bucket.full_name: Counter() for bucket in question.buckets}
    usual = tuple(question.buckets) == DEFAULT_BUCKETS
    for asked in [question] if usual else [replace(question, buckets=(b,)) for b in question.buckets]:
        for row in count(asker, asked):
            if row["reason"] == "":
                bucket = row["bucket"] if usual else asked.buckets[0].full_name
                found[bucket][date.fromisoformat(row["day"][:10])] += row["conversations"]
    return {bucket: dict(sorted(days.items())) for bucket, days in found.items()}
