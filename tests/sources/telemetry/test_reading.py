"""The bulk reader against the tolerant one: whatever a row holds, both say the same of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnsmith.engines.duckdb import connect
from turnsmith.sources.telemetry import blocks, events, schema
from turnsmith.sources.telemetry.inputs import plan_shards
from turnsmith.sources.telemetry.reading import TABLES, BlockCounts, read_block

HOUR = 3_600 * 10**9
MIDNIGHT = 1_768_003_200 * 10**9  # 2026-01-10T00:00:00Z
WINDOW = events.Window(MIDNIGHT - HOUR, MIDNIGHT)

IDS = st.sampled_from(["a", "b", "ü-✅", "", None, 17, "x_02"])
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        [None, 5, 2.5, True, ["a", 1], {"k": "v"}, "nul\x00", "half \ud83d", 'quote " \\ /', "\u2028"]
    ),
)
NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.integers(-5, 10**6),
    st.sampled_from(
        [
            None,
            "12",
            " 7",
            "+3",
            "007",
            "1e3",
            2.0,
            2.7,
            -0.5,
            "3.9",
            "x",
            "",
            True,
            [1],
            {},
            10**19,
            -(2**63),
            "0x1f",
        ]
    ),
)
TIMES = st.sampled_from(
    [
        "2026-01-09T23:30:00Z", "2026-01-09T23:30:00.1234567Z", "2026-01-09T23:00:00Z", "2026-01-09T23:00:00.0000001Z",
        "2026-01-10T00:00:00Z", "2026-01-10T00:00:00.0000001Z", "2026-01-10 00:00:00", "2026-01-10T01:00:00+01:00",
        "2026-01-09T23:30:00.123456789123Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "yesterday", "", None, 5,
    ]
)  # fmt: skip
ESTIMATES = st.one_of(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from([*schema.ROLES, "other", None, 5]), "content": NUMBERS},
            optional={"x": st.just(1)},
        ),
        max_size=4,
    ).map(json.dumps),
    st.sampled_from(
        [None, "", "[", "{}", "[1, null]", "null", [{"role": "user", "content": 3}], '[{"role": "user"}]']
    ),
)
TOOLS = st.sampled_from(
    ['{"b": 1, "a": "2"}', "{}", {"a": 1}, "[1]", '["x", "y"]', ["x"], "", "{", None, "null", 5]
)
Strategy = st.SearchStrategy[Any]


def mostly(usual: Strategy, odd: Strategy) -> Strategy:
    """Draw the usual eleven times out of twelve, so that most rows are used."""
    return st.integers(0, 11).flatmap(lambda number: odd if number == 0 else usual)


def bag(usual: dict[str, Strategy], odd: dict[str, Strategy]) -> Strategy:
    """Draw an object with all usual keys, each mostly with a usual value, and some odd ones besides."""
    named = {key: mostly(value, odd.get(key, TEXTS)) for key, value in usual.items()}
    return st.fixed_dictionaries(named, optional={k: v for k, v in odd.items() if k not in usual})


WORDS = st.text("ab ü✅", max_size=4)
PARTS = dict.fromkeys(["messageText_02", "messageText_03", "toolCounts_02"], mostly(st.none(), WORDS))
KINDS: dict[str, tuple[Strategy, Strategy]] = {
    schema.MESSAGE_TEXT: (
        bag(
            {
                "conversationId": st.sampled_from("ab"),
                "messageId": st.sampled_from("abc"),
                "source": st.sampled_from(schema.SOURCES),
                "mode": st.just("agent"),
                "messageText": WORDS,
                "common.userName": WORDS,
            },
            {"conversationId": IDS, "messageId": IDS, "unread": TEXTS, **PARTS},
        ),
        st.just({}),
    ),
    schema.MESSAGES_LENGTH: (
        bag(
            {
                "headerRequestId": st.sampled_from("abc"),
                "baseModel": WORDS,
                "message_direction": st.sampled_from(schema.DIRECTIONS),
                "messagesJson": ESTIMATES,
            },
            {"headerRequestId": IDS, "messagesJson": ESTIMATES, "modelCallId": TEXTS},
        ),
        bag(
            dict.fromkeys(["promptTokens", "completionTokens", "totalTokens"], st.integers(-1, 9)),
            dict.fromkeys(["promptTokens", "completionTokens", "totalTokens", "other"], NUMBERS),
        ),
    ),
    schema.TOOL_CALL_DETAILS: (
        bag(
            {
                "messageId": st.sampled_from("abc"),
                "conversationId": st.sampled_from("ab"),
                "toolCounts": st.sampled_from(['{"b": 1, "a": 2}', "{}"]),
                "availableTools": st.sampled_from(['["x", "y"]', "[]"]),
                "turnEndReason": WORDS,
            },
            {"messageId": IDS, "conversationId": IDS, "toolCounts": TOOLS, "availableTools": TOOLS, **PARTS},
        ),
        bag(
            dict.fromkeys(
                ["turnIndex", "numRequests", "turnDuration", "availableToolCount"], st.integers(1, 9)
            ),
            dict.fromkeys(["turnIndex", "numRequests", "turnDuration", "availableToolCount"], NUMBERS),
        ),
    ),
}


def event(name: str) -> Strategy:
    """Draw an event of a kind, its bags mostly as objects."""
    properties, measurements = KINDS[name]
    odd_bags: Strategy = st.one_of(properties.map(json.dumps), st.sampled_from([None, [], 5, "text", ""]))
    return st.fixed_dictionaries(
        {
            "TimeGenerated": mostly(st.just("2026-01-09T23:30:00.5Z"), TIMES),
            "Name": mostly(st.just(name), st.sampled_from(["other", None, 5])),
            "Properties": mostly(properties, odd_bags),
            "Measurements": mostly(
                measurements,
                st.one_of(measurements.map(json.dumps), st.sampled_from([None, "", [], 5, "text"])),
            ),
        },
        optional={"Extra": TEXTS},
    )


EVENTS = st.sampled_from(schema.EVENT_NAMES).flatmap(event)


def read_in_bulk(folder: Path, lines: list[str]) -> tuple[dict[str, Counter[Any]], BlockCounts]:
    """Read lines through the engine; return the flat rows of each table and the counts."""
    source = folder / "events.jsonl"
    source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (shard,) = plan_shards([source])
    (block,) = blocks.read_blocks(shard)
    with connect(256_000_000, folder / "spill") as connection:
        counts = read_block(connection, block, WINDOW, 3, folder / "block", canonical=True)
    tables = {name: pq.read_table(folder / f"block.{name}.parquet").drop_columns(["part"]) for name in TABLES}
    return {name: _rows(table, name) for name, table in tables.items()}, counts


def _rows(table: pa.Table, name: str) -> Counter[Any]:
    return Counter(tuple(row[column] for column in TABLES[name]) for row in table.to_pylist())


def read_one_by_one(lines: list[str]) -> tuple[dict[str, Counter[Any]], BlockCounts]:
    """Read lines with the tolerant reader alone, equal message rows collapsed as the bulk reader does."""
    counts = BlockCounts(lines=len(lines))
    tables: dict[str, Counter[Any]] = {name: Counter() for name in TABLES}
    earliest: dict[Any, int] = {}
    for line in lines:
        counts.rows += 1
        try:
            reading = events.read_event(events.decode_line(line), WINDOW)
        except events.MalformedRowError:
            counts.malformed += 1
            continue
        counts.fates[reading.fate] += 1
        if reading.table == "messages" and reading.row is not None:
            key = tuple(reading.row[column] for column in TABLES["messages"] if column != "time")
            earliest[key] = min(earliest.get(key, reading.row["time"]), reading.row["time"])
        elif reading.table is not None and reading.row is not None:
            tables[reading.table][tuple(reading.row[column] for column in TABLES[reading.table])] += 1
    tables["messages"] = Counter((*key, time) for key, time in earliest.items())
    return tables, counts


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EVENTS, min_size=1, max_size=25))
def test_bulk_and_tolerant_reading_agree(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """The engine's bulk reading gives the very rows and counts of `events.read_event`."""
    lines = [json.dumps(row) for row in rows]
    bulk, bulk_counts = read_in_bulk(tmp_path, lines)
    single, single_counts = read_one_by_one(lines)
    assert _comparable(bulk) == _comparable(single)
    assert (bulk_counts.rows, bulk_counts.malformed) == (single_counts.rows, single_counts.malformed)
    assert +bulk_counts.fates == +single_counts.fates


def _comparable(tables: dict[str, Counter[Any]]) -> dict[str, Counter[Any]]:
    """Return rows with JSON texts decoded: spaces in them mean nothing."""
    facts = Counter[Any]()
    places = [list(schema.TURN_FACTS).index(name) for name in ("tool_counts", "available_tools")]
    for row, count in tables["turn_facts"].items():
        facts[
            tuple(repr(json.loads(v)) if i in places and v is not None else v for i, v in enumerate(row))
        ] += count
    return {**tables, "turn_facts": facts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-10T00:00:00Z", MIDNIGHT),
        ("2026-01-10T00:00:00.0000001Z", MIDNIGHT + 100),
        ("2026-01-10T01:00:00+01:00", MIDNIGHT),
        ("2026-01-10 00:00:00", MIDNIGHT),
        ("2026-01-10T00:00:00.1234567891Z", MIDNIGHT + 123_456_789),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * 10**9),
    ],
)
def test_parse_time(text: str, expected: int) -> None:
    """Times keep 100 ns and finer, take any zone, and mean UTC without one."""
    assert events.parse_time(text) == expected


@pytest.mark.parametrize(
    "value", ["10.1.2026", "2026-13-01T00:00:00Z", "", None, 5, 1.5, True, ["2026-01-10"]]
)
def test_parse_time_refuses(value: Any) -> None:
    """What is no ISO 8601 time is malformed; a bare number tells no unit."""
    with pytest.raises(events.MalformedRowError, match="TimeGenerated"):
        events.parse_time(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), ("5", 5), (2.9, 2), (-2.9, -2), ("2.9", 2), ("1e3", 1000), (True, None), ("", None), ("1_000", None),
     (float("nan"), None), (10**30, None), ([], None), (None, None)],
)  # fmt: skip
def test_to_integer(value: Any, expected: int | None) -> None:
    """Numbers may be texts; fractions are cut toward zero; what is no 64-bit number is absent."""
    assert events.to_integer(value) == expected


def test_parts_join_to_whole_characters() -> None:
    """A character cut in two by the 8,192-unit limit is whole again after joining; a lone half is U+FFFD."""
    joined = events.Values({"t": "a\ud83d", "t_02": "\ude00b", "t_03": "\ud83d"}, {}).text("t")
    assert joined == "a😀b\ufffd"
