"""Query parameters: declarations, values from text, and their spelling on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnsmith.core.errors import UsageError
from turnsmith.sources.telemetry.kql.catalog import find_query, load_query, parse_query
from turnsmith.sources.telemetry.kql.parameters import (
    Parameter,
    Value,
    declared_parameters,
    given_values,
    inline_parameters,
    parse_value,
    timespan_text,
    wire_value,
)


def test_declarations() -> None:
    """Names, types and defaults are read whatever brackets, quotes and comments stand in between."""
    text = """// declare query_parameters(no: long);
    declare query_parameters (a: datetime = datetime(9999-12-31), ['b']:string="x, (y)", // c: long,
        d:time = 15d, e: dynamic);
    AppEvents | where Name == b"""
    assert declared_parameters(text, "mine") == [
        Parameter("a", "datetime", "datetime(9999-12-31)"),
        Parameter("b", "string", '"x, (y)"'),
        Parameter("d", "timespan", "15d"),
        Parameter("e", "dynamic", None),
    ]
    assert declared_parameters("AppEvents | count", "mine") == []
    with pytest.raises(UsageError, match="never closed"):
        declared_parameters("declare query_parameters(a: long", "mine")


@pytest.mark.parametrize(
    ("text", "kind", "value", "wire"),
    [
        ("15d", "timespan", timedelta(days=15), "timespan(15.00:00:00)"),
        ("1.12:30:00", "timespan", timedelta(days=1, hours=12, minutes=30), "timespan(1.12:30:00)"),
        ("-90m", "timespan", timedelta(minutes=-90), "timespan(-01:30:00)"),
        ("2026-01-16", "datetime", datetime(2026, 1, 16, tzinfo=UTC), "datetime(2026-01-16T00:00:00Z)"),
        (
            "datetime(2026-01-16T01:00:00+01:00)", "datetime", datetime(2026, 1, 16, tzinfo=UTC),
            "datetime(2026-01-16T00:00:00Z)",
        ),
        ("40", "long", 40, 40),
        ("true", "bool", True, "true"),
        ("0.5", "real", 0.5, "real(0.5)"),
        ("datetime(x)", "string", "datetime(x)", "datetime(x)"),
        ("dynamic([1])", "dynamic", [1], "dynamic([1])"),
    ],
)  # fmt: skip
def test_values(text: str, kind: str, value: object, wire: object) -> None:
    """Plain texts and literals become typed values; on the wire all but strings and integers are literals."""
    parsed = parse_value(text, kind, "p")
    assert parsed == value
    assert wire_value(parsed) == wire


@given(st.timedeltas(timedelta(days=-9999), timedelta(days=9999)))
def test_timespans_come_back(value: timedelta) -> None:
    """A timespan survives the way through its text."""
    assert parse_value(timespan_text(value), "timespan", "p") == value


@pytest.mark.parametrize(
    ("text", "kind"), [("soon", "datetime"), ("15", "timespan"), ("x", "long"), ("yes", "bool")]
)
def test_wrong_values(text: str, kind: str) -> None:
    """A wrong value names the parameter and the type."""
    with pytest.raises(UsageError, match=f"window: '{text}' is no {kind}"):
        parse_value(text, kind, "window")


def test_given_values() -> None:
    """Unknown and missing parameters are named."""
    query = parse_query("mine", "declare query_parameters(a: long, b: long = 3); print a + b")
    assert given_values(query.parameters, {"a": "1"}, "mine") == {"a": 1}
    with pytest.raises(UsageError, match="mine has no parameter 'c'; its parameters are a, b"):
        given_values(query.parameters, {"a": "1", "c": "2"}, "mine")
    with pytest.raises(UsageError, match="mine needs a value for a"):
        given_values(query.parameters, {}, "mine")


def test_inlined_parameters() -> None:
    """Without declaration, values are literals of `let` statements, strings escaped, defaults as they were."""
    text = """// mine; declare query_parameters(
declare query_parameters(a: long, b: string = "x;y", c: timespan = 15d, d: datetime); // and then
print a"""
    values: dict[str, Value] = {"a": 4, "b": 'q" | drop', "d": datetime(2026, 1, 16, tzinfo=UTC)}
    assert inline_parameters(text, values, "mine") == (
        "// mine; declare query_parameters(\n"
        'let a = long(4);\nlet b = "q\\" | drop";\nlet c = 15d;\nlet d = datetime(2026-01-16T00:00:00Z); // and then\n'
        "print a"
    )
    assert inline_parameters("print 1", {}, "mine") == "print 1"


def test_finding_queries() -> None:
    """A query is found by name, with its group too; an unknown name lists the known ones."""
    assert find_query("test/sft_test_100") == find_query("sft_test_100.kql") == load_query("sft_test_100")
    with pytest.raises(UsageError, match=r"no query 'nope'; there is .*sft_test_100"):
        find_query("nope")
