"""For Azure Monitor, whose queries declare no parameters, values are inlined as `let` statements."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from turnsmith.core.errors import DataError
from turnsmith.curate.buckets import DEFAULT_BUCKETS
from turnsmith.sources.telemetry.kql.lint import analyze
from turnsmith.sources.telemetry.kql.parameters import inline_parameters
from turnsmith.sources.telemetry.kql.question import Chunk, Question
from turnsmith.sources.telemetry.kql.remote import takes_no_parameters

from .conftest import AS_OF

if TYPE_CHECKING:
    from turnsmith.sources.telemetry.kql.catalog import Query
    from turnsmith.sources.telemetry.kql.local import LocalEvents
    from turnsmith.sources.telemetry.kql.parameters import Value

QUESTION = Question(
    datetime.fromisoformat(AS_OF).astimezone(UTC), timedelta(days=60), "longest", ("failed", 'od"d\\'),
    DEFAULT_BUCKETS, include_filtered=True,
)  # fmt: skip
QUERIES = (QUESTION.candidates, QUESTION.counts)


def inlined(query: Query) -> tuple[str, dict[str, Value]]:
    """Return a query with its values inlined, and the values."""
    values = {k: v for k, v in QUESTION.values(Chunk(1, 2)).items() if k in query.declares}
    return inline_parameters(query.text, values, query.name), values


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_the_same_answer(query: Query, odd_events: LocalEvents) -> None:
    """A query with its values inlined returns what it returns with parameters."""
    text, values = inlined(query)
    assert "query_parameters" not in text
    found = odd_events.run(text).rows
    assert found == odd_events.run(query.text, values).rows
    assert found


def test_kusto_understands_it() -> None:
    """Kusto's own parser has no errors for the inlined queries."""
    texts = [dataclasses.replace(query, text=inlined(query)[0]) for query in QUERIES]
    try:
        found = analyze(texts)
    except DataError:
        pytest.skip("Kusto's parser is not installed")
    assert [analysis.errors for analysis in found] == [[], []]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://ade.loganalytics.io/subscriptions/s", True),
        ("https://ade.applicationinsights.io/subscriptions/s", True),
        ("https://adx.loganalytics.azure.com/subscriptions/s", True),
        ("https://help.kusto.windows.net", False),
        ("https://loganalytics.io.example.com", False),
        ("http://127.0.0.1:8080", False),
    ],
)
def test_which_addresses_are_azure_monitor(uri: str, expected: bool) -> None:
    """Only hosts of Azure Monitor get inlined values."""
    assert takes_no_parameters(uri) is expected
