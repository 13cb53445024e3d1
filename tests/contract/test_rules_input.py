"""Contract §1: what rows may look like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .build import (
    PREFIX,
    Row,
    at,
    inputs,
    message,
    ok_conversation,
    ok_turn,
    output,
    row,
    tool_details,
    turn_id,
)

if TYPE_CHECKING:
    from .conftest import Exporter

CONTROL = ok_conversation("control")
REST = ok_conversation("control", skip=[1])


@pytest.mark.parametrize("which", [["Properties"], ["Measurements"], ["Properties", "Measurements"]])
def test_objects_may_come_as_strings(export: Exporter, which: list[str]) -> None:
    """§1: Properties and Measurements may each be an object or a string that holds one, row by row."""
    rows = [{**event, **{key: json.dumps(event[key]) for key in which}} for event in CONTROL]
    expected = export(CONTROL).records()
    assert export(rows).records() == expected
    assert export([*rows[:7], *CONTROL[7:]]).records() == expected


def test_numbers_may_come_as_strings(export: Exporter) -> None:
    """§1: string values may hold numbers."""
    rows = [
        {**event, "Measurements": {key: str(value) for key, value in event["Measurements"].items()}}
        for event in CONTROL
    ]
    assert export(rows).records() == export(CONTROL).records()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12, 12),
        ("12", 12),
        (12.0, 12),
        (12.9, 12),
        (-12.9, -12),
        ("12.9", 12),
        ("-12", -12),
        ("1.5e3", 1500),
        (0, 0),
        ("", None),
        ("twelve", None),
        (True, None),
        ([12], None),
        ({"value": 12}, None),
        (None, None),
    ],
)
def test_numbers(export: Exporter, value: Any, expected: int | None) -> None:
    """§1: a fraction is cut towards zero; a value of a wrong type is absent and its row still used."""
    turn = ok_turn("control", 1, prompts=[])
    turn += [output(turn_id("control", 1), at(101), value, 7)]
    turn += [tool_details("control", turn_id("control", 1), 1, at(195), requests=value, duration=value)]
    record = export([*turn, *REST]).record("control")
    first = record["turnsArray"][0]
    assert [call["promptTokens"] for call in first["llmCalls"]] == [expected]
    assert [call["completionTokens"] for call in first["llmCalls"]] == [7]
    assert (first["numRequests"], first["turnDurationMs"]) == (expected, expected)


@pytest.mark.parametrize("index", ["1", 1.0, "1.0"])
def test_turn_index_may_come_in_other_clothes(export: Exporter, index: Any) -> None:
    """§1: turnIndex is a number like any other."""
    rows = [*REST, *ok_turn("control", 1, details=False)]
    rows += [tool_details("control", turn_id("control", 1), index, at(190))]
    record = export(rows).record("control")
    assert [turn["turnIndex"] for turn in record["turnsArray"]] == [1, 2, 3]


@pytest.mark.parametrize("index", [None, True, "one", [1]])
def test_turn_index_of_a_wrong_type_is_absent(export: Exporter, index: Any) -> None:
    """§1: a turnIndex that is no number is none, and the one among Properties is no substitute."""
    rows = [*ok_conversation("lost"), *ok_turn("lost", 4, details=False)]
    rows += [tool_details("lost", turn_id("lost", 4), index, at(490), turnIndex=4)]
    assert export([*CONTROL, *rows]).filtered() == {"missing_turn_index": 1}


@pytest.mark.parametrize(
    ("counts", "tools", "expected"),
    [
        ('{"b": 2, "a": 1}', '["b", "a", "b"]', ({"a": 1, "b": 2}, ["b", "a", "b"])),
        ({"b": 2, "a": 1}, ["b", "a"], ({"a": 1, "b": 2}, ["b", "a"])),
        ('{"b": "2"}', '["b"]', ({"b": 2}, ["b"])),
        ('{"Z": 1, "a": 2, "B": 3, "\\u00e9": 4}', "[]", ({"B": 3, "Z": 1, "a": 2, "é": 4}, [])),
        (None, None, ({}, [])),
        ("", "", ({}, [])),
        ("{", "[", ({}, [])),
        ("[1]", '{"a": 1}', ({}, [])),
        ("null", "null", ({}, [])),
        (5, 5, ({}, [])),
    ],
)
def test_tool_facts(export: Exporter, counts: Any, tools: Any, expected: tuple[Row, list[str]]) -> None:
    """§1: toolCounts and availableTools come as strings or as such; counts sorted, tools as they stood."""
    details = tool_details("control", turn_id("control", 1), 1, at(195), counts=counts, tools=tools)
    first = export([*CONTROL, details]).record("control")["turnsArray"][0]
    assert (first["toolCounts"], first["availableTools"]) == expected
    assert list(first["toolCounts"]) == sorted(first["toolCounts"])
    assert first["availableToolCount"] == 2


def test_tool_facts_in_parts(export: Exporter) -> None:
    """§1: toolCounts and availableTools may come in parts as well."""
    details = tool_details(
        "control",
        turn_id("control", 1),
        1,
        at(195),
        counts='{"read_f',
        toolCounts_02='ile": 3}',
        tools='["read_file", ',
        availableTools_02='"gre',
        availableTools_03='p"]',
    )
    first = export([*CONTROL, details]).record("control")["turnsArray"][0]
    assert first["toolCounts"] == {"read_file": 3}
    assert first["availableTools"] == ["read_file", "grep"]


@pytest.mark.parametrize("source", ["user", "model"])
def test_text_in_parts_is_joined_in_order(export: Exporter, source: str) -> None:
    """§1: messageText, messageText_02, messageText_03, ... are joined in order, also past nine."""
    parts = [f"<{number}>" + "x" * number for number in range(1, 13)]
    more = {f"messageText_{number:02d}": parts[number - 1] for number in range(12, 1, -1)}
    added = message("control", turn_id("control", 1), source, parts[0], at(150), **more)
    first = export([*CONTROL, added]).record("control")["turnsArray"][0]
    assert first[f"{source}Message"] == "".join(parts)


def test_without_a_second_part_there_are_none(export: Exporter) -> None:
    """§1: parts are numbered from 02 on; `messageText_03` alone is an unknown field."""
    alone = message("control", turn_id("control", 1), "model", "t" * 99, at(151), messageText_03="three")
    first = export([*CONTROL, alone]).record("control")["turnsArray"][0]
    assert first["modelMessage"] == "t" * 99


def test_parts_count_towards_the_length(export: Exporter) -> None:
    """Rule 3: a text's length is that of all its parts."""
    whole = message("control", turn_id("control", 1), "model", "seven !", at(150))
    parts = message("control", turn_id("control", 1), "model", "four", at(151), messageText_02="four")
    first = export([*CONTROL, whole, parts]).record("control")["turnsArray"][0]
    assert first["modelMessage"] == "fourfour"


def replace_first_model(lines: list[str], fields: str) -> list[str | Row]:
    """Give the control conversation with the fields of its first model row, as raw JSON, added."""
    index = next(n for n, event in enumerate(CONTROL) if event["Properties"].get("source") == "model")
    line = json.dumps(CONTROL[index]).replace('"messageText": "done"', fields)
    assert fields in line
    return [*lines[:index], line, *lines[index + 1 :]]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (r'"messageText": "pair \ud83d\ude00"', "pair \U0001f600"),
        (r'"messageText": "cut \ud83d", "messageText_02": "\ude00 here"', "cut \U0001f600 here"),
        (r'"messageText": "high \ud83d alone"', "high \ufffd alone"),
        (r'"messageText": "low \ude00 alone"', "low \ufffd alone"),
        (r'"messageText": "at the end \ud83d"', "at the end \ufffd"),
        (r'"messageText": "\ude00\ud83d wrong way round"', "\ufffd\ufffd wrong way round"),
        (r'"messageText": "\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (
            r'"messageText": "line\u2028sep \u00a0 \t\r\n\\ \" / \u007f"',
            'line\u2028sep \u00a0 \t\r\n\\ " / \x7f',
        ),
        (r'"messageText": "nul \u0000 and \u001f"', "nul \x00 and \x1f"),
    ],
)
def test_odd_characters_survive(export: Exporter, fields: str, text: str) -> None:
    """§1: text comes out as it went in; a surrogate that finds no partner becomes U+FFFD."""
    lines = [json.dumps(event) for event in CONTROL]
    first = export(replace_first_model(lines, fields)).record("control")["turnsArray"][0]
    assert first["modelMessage"] == text


def test_text_that_is_not_ascii_may_be_raw(export: Exporter) -> None:
    """§1: raw UTF-8 and escapes are the same."""
    rows = ok_conversation(
        "ünï-✅", user_text="größer 你好 \U0001f468\u200d\U0001f469", model_text="\u2028 ok"
    )
    raw = [json.dumps(event, ensure_ascii=False) for event in rows]
    expected = export(rows).records()
    assert expected[0]["conversationId"] == "ünï-✅"
    assert export(raw).records() == expected


def test_unknown_names_fields_and_columns_change_nothing(export: Exporter) -> None:
    """§1: what is unknown never breaks a parse, and is counted where it is a whole row."""
    rows: list[Row] = []
    for number, event in enumerate(CONTROL):
        properties = {**event["Properties"], "new": {"deep": [1, None, {"x": "y"}]}, f"k{number}": number}
        measurements = {**event["Measurements"], "new": "text", "list": [1]}
        rows.append(
            {**event, "Properties": properties, "Measurements": measurements, "Extra": [number], "T": None}
        )
    strangers = [
        row("conversation.messageTextual", at(1), {"conversationId": "x", "messageId": "y"}),
        row("panel.request", at(1), {"conversationId": "control", "turnIndex": 5}),
        {"Name": "conversation.messageText", "TimeGenerated": at(1), "Properties": {}, "Measurements": {}},
        {
            "Name": "GitHub.copilot/ghostText.shown",
            "TimeGenerated": at(1),
            "Properties": "",
            "Measurements": None,
        },
        {"Name": "", "TimeGenerated": at(1)},
    ]
    result = export([*rows, *strangers])
    assert result.records() == export(CONTROL).records()
    assert result.funnel["events"]["other_name"] == len(strangers)


@pytest.mark.parametrize("source", ["system", "User", "", None, 3])
def test_message_rows_of_another_source_are_other_rows(export: Exporter, source: Any) -> None:
    """§1: a message row whose source is neither user nor model gives no text, name or turn."""
    rows = [
        message("control", turn_id("control", 1), source, "much longer than the others", at(150)),
        message("control", "another turn", source, "much longer than the others", at(150)),
    ]
    result = export([*CONTROL, *rows])
    assert result.records() == export(CONTROL).records()
    assert result.funnel["events"]["other_name"] == 2


@pytest.mark.parametrize(
    "event",
    [
        message("", turn_id("control", 1), "user", "a much longer text", at(150)),
        message(None, turn_id("control", 1), "user", "a much longer text", at(150)),
        message("control", "", "user", "a much longer text", at(150)),
        message("control", None, "user", "a much longer text", at(150)),
        tool_details("control", "", 9, at(195)),
        tool_details("control", None, 9, at(195)),
        output("", at(150), 5, 5),
        output(None, at(150), 5, 5),
        inputs("", at(50), [("user", 5)]),
        inputs(None, at(50), [("user", 5)]),
    ],
)
def test_rows_without_an_id_are_counted_and_unused(export: Exporter, event: Row) -> None:
    """§1: a row whose id is absent or empty cannot be joined."""
    result = export([*CONTROL, event])
    assert result.records() == export(CONTROL).records()
    assert result.funnel["events"]["without_id"] == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "5"),
        (2.5, "2.5"),
        (True, "true"),
        (["text", 1], '["text",1]'),
        ({"t": "x"}, '{"t":"x"}'),
        (None, ""),
    ],
)
def test_what_is_no_text_is_taken_as_json_spells_it(export: Exporter, value: Any, expected: str) -> None:
    """§1: a value in place of a text is read as Kusto's tostring reads it, so that both sources agree."""
    turn = [event for event in ok_turn("control", 1) if event["Properties"].get("source") != "model"]
    added = message("control", turn_id("control", 1), "model", value, at(150), model=7)
    first = export([*REST, *turn, added]).record("control")["turnsArray"][0]
    assert first["modelMessage"] == expected


def test_details_without_a_conversation_still_give_facts(export: Exporter) -> None:
    """Rule 5: facts go by messageId; a row without conversationId adds no turn to any conversation."""
    turn = ok_turn("control", 1, details=False)
    details = tool_details("control", turn_id("control", 1), 1, at(195), reason="maxToolCalls")
    del details["Properties"]["conversationId"]
    first = export([*REST, *turn, details]).record("control")["turnsArray"][0]
    assert (first["turnIndex"], first["turnEndReason"]) == (1, "maxToolCalls")


@pytest.mark.parametrize(
    "line",
    [
        '{"TimeGenerated": "2026-01-10T00:00:00Z", "Name": ',
        "not json",
        "[1, 2]",
        "17",
        "null",
        '{"TimeGenerated": "2026-01-10T00:00:00Z"}',
        json.dumps({"Name": PREFIX + "toolCallDetailsInternal", "Properties": {}, "Measurements": {}}),
        json.dumps({**CONTROL[0], "TimeGenerated": "yesterday"}),
        json.dumps({**CONTROL[0], "TimeGenerated": "2026-13-10T00:00:00Z"}),
        json.dumps({**CONTROL[0], "TimeGenerated": None}),
        json.dumps({**CONTROL[0], "Name": 5}),
    ],
)
def test_malformed_rows_are_counted_and_skipped(export: Exporter, line: str) -> None:
    """§4: a row that is no event is counted as malformed, and the rest goes on."""
    result = export([*CONTROL[:4], line, *CONTROL[4:]])
    assert result.records() == export(CONTROL).records()
    assert result.funnel["malformed_rows"] == 1
    assert result.funnel["events_read"] == len(CONTROL) + 1
    assert sum(result.funnel["events"].values()) == len(CONTROL)


def test_blank_lines_are_no_rows(export: Exporter) -> None:
    """§4: blank lines are neither read nor malformed."""
    lines = ["", *(json.dumps(event) for event in CONTROL), "", "   "]
    result = export(lines)
    assert result.funnel["events_read"] == len(CONTROL)
    assert result.funnel["malformed_rows"] == 0


def test_every_event_has_one_fate(export: Exporter) -> None:
    """§4: the fates of all events add up to the events read less the malformed ones."""
    rows: list[Row | str] = [
        *CONTROL,
        "broken",
        message("control", "m", "user", "x", at(1), mode="ask"),
        message("control", "m", "user", "x", "2027-01-01T00:00:00Z"),
        message("control", None, "user", "x", at(1)),
        row("other", at(1), {}),
        tool_details("nobody", "m9", 1, at(1)),
        CONTROL[0],
    ]
    funnel = export(rows).funnel
    assert funnel["events"] == {
        "other_name": 1,
        "outside_window": 1,
        "not_agent_mode": 1,
        "without_id": 1,
        "used": len(CONTROL) + 2,
    }
    assert funnel["events_read"] == len(CONTROL) + 7
    assert funnel["malformed_rows"] == 1
