"""Event files as the table AppEvents, and queries of a user's own on it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from turnsmith.core.errors import DataError, UsageError
from turnsmith.sources.telemetry.kql.catalog import find_query
from turnsmith.sources.telemetry.kql.local import LocalEvents
from turnsmith.sources.telemetry.kql.parameters import given_values, inline_parameters

from .rows import ROW_AS_OF, at, conversation, message

if TYPE_CHECKING:
    from pathlib import Path

COUNT = "AppEvents | summarize n = count() by Name | sort by Name asc"


def write(path: Path, lines: list[str]) -> str:
    """Write lines and return the path as the command line has it."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_same_rows_from_every_format(tmp_path: Path) -> None:
    """JSON Lines, Parquet and CSV of the same rows answer the same."""
    rows = conversation("a")
    texts = {
        name: [json.dumps(row[name]) if isinstance(row[name], dict) else row[name] for row in rows]
        for name in rows[0]
    }
    pq.write_table(pa.table(texts), tmp_path / "events.parquet")
    with (tmp_path / "events.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([list(texts), *zip(*texts.values(), strict=True)])
    lines = write(tmp_path / "events.jsonl", [json.dumps(row) for row in rows])
    everything = (
        "AppEvents | project TimeGenerated, Name, p = tostring(Properties), m = tostring(Measurements)"
    )
    found = []
    for path in (lines, str(tmp_path / "events.parquet"), str(tmp_path / "events.csv")):
        with LocalEvents([path]) as events:
            result = events.run(everything)
            found.append([(t, n, json.loads(p), json.loads(m)) for t, n, p, m in result.rows])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == len(rows)


def test_odd_rows_are_read_and_malformed_ones_counted(tmp_path: Path) -> None:
    """What events.read_event reads is a row; what it calls malformed is counted, and blank lines are nothing."""
    good = message("a", "m", "user", "half \ud83d", at(1), messageText_02="\ude00", size=float("nan"))
    time_zone = {**good, "TimeGenerated": "2026-02-10T12:00:01+02:00"}
    lines = [
        json.dumps(good),
        json.dumps(time_zone),
        "",
        "{",
        '{"Name": "x"}',
        '{"TimeGenerated": "soon", "Name": "x"}',
    ]
    lines.append(json.dumps({**good, "Properties": 5}))
    with LocalEvents([write(tmp_path / "odd.jsonl", lines)]) as events:
        assert (events.loaded.rows, events.loaded.malformed) == (6, 4)
        query = "AppEvents | project TimeGenerated, t = tostring(Properties.messageText), s = tolong(Properties.size)"
        rows = events.run(query).rows
    assert rows == [
        (datetime(2026, 2, 10, 10, 0, 1, tzinfo=UTC), "half \U0001f600", None),
        (datetime(2026, 2, 10, 10, 0, 1, tzinfo=UTC), "half \U0001f600", None),
    ]


def test_values(odd_events: LocalEvents) -> None:
    """Results come as Python values, nested ones parsed."""
    query = (
        "declare query_parameters(a: timespan, b: dynamic, c: bool = false);\n"
        "print span = a, moment = now(), nested = b, flag = c, "
        'bag = bag_pack("x", pack_array(1, "y")), nothing = long(null)'
    )
    now = datetime(2026, 1, 2, 3, tzinfo=UTC)
    result = odd_events.run(query, {"a": timedelta(days=1), "b": {"k": [1]}, "c": True}, now)
    assert result.dicts() == [
        {"span": timedelta(days=1), "moment": now, "nested": {"k": [1]}, "flag": True, "bag": {"x": [1, "y"]},
         "nothing": None}
    ]  # fmt: skip
    types = ["timespan", "datetime", "dynamic", "bool", "dynamic", "long"]
    assert [column.type for column in result.columns] == types


def test_hash_in_kql(odd_events: LocalEvents) -> None:
    """§3: the portable hash of the contract's table, as KQL has it."""
    for text, expected in (("abc", 839782156265856254), ("naïve-✅", 573449114868819634)):
        query = f'print h = tolong(strcat("0x", substring(hash_sha256("{text}"), 0, 15)))'
        assert odd_events.run(query).rows == [(expected,)]


def test_inlined_parameters_answer_the_same(odd_events: LocalEvents) -> None:
    """A query with its parameters as `let` statements answers as one with parameters."""
    query = find_query("sft_candidate_counts")
    texts = {"as_of": ROW_AS_OF, "window": "60d", "num_chunks": "2", "failed_reasons": "x"}
    values = given_values(query.parameters, texts, query.name)
    inlined = inline_parameters(query.text, values, query.name)
    assert "query_parameters" not in inlined
    assert odd_events.run(inlined).rows == odd_events.run(query.text, values).rows != []


def test_errors(odd_events: LocalEvents) -> None:
    """A query that is wrong, beyond the subset or failing says so with its name and place; nothing is written."""
    with pytest.raises(UsageError, match=r"mine: could not parse KQL at 1:10"):
        odd_events.run("AppEvents | sumarize count()", name="mine")
    with pytest.raises(UsageError, match=r"beyond what runs on files"):
        odd_events.run("AppEvents | extend x = bag_keys(Properties)")
    with pytest.raises(DataError, match="failed on files"):
        odd_events.run("Missing | count")
    with pytest.raises((UsageError, DataError)):
        odd_events.run(".drop table AppEvents")
    assert odd_events.run("AppEvents | count").rows[0][0] > 100
