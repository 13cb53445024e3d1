"""Contract §2, rules 1 to 5, 10 and 11: which rows count, and for what."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from .build import (
    AS_OF,
    START,
    Row,
    at,
    ids,
    message,
    ok_conversation,
    ok_turn,
    output,
    tool_details,
    turn_id,
)

if TYPE_CHECKING:
    from .conftest import Exporter

CONTROL = ok_conversation("control")


def texts(record: Row, field: str = "modelMessage") -> list[str]:
    """List the messages of a record's turns."""
    return [turn[field] for turn in record["turnsArray"]]


# Rule 1: window


@pytest.mark.parametrize(
    ("time", "inside"),
    [
        (START, False),
        ("2026-01-01T00:00:00.0000001Z", True),
        ("2025-12-31T23:59:59.9999999Z", False),
        (AS_OF, True),
        ("2026-01-16T00:00:00.0000000Z", True),
        ("2026-01-16T00:00:00.0000001Z", False),
        ("2026-01-16T00:00:00", True),
        ("2026-01-16T01:00:00+01:00", True),
        ("2026-01-15T23:30:00-01:00", False),
        ("2026-01-01T00:00:00+01:00", False),
        ("2025-12-31T23:30:00-01:00", True),
    ],
)
def test_window_is_open_at_its_start_and_closed_at_as_of(export: Exporter, time: str, inside: bool) -> None:
    """Rule 1: as_of - window < TimeGenerated <= as_of, to 100 ns; any offset counts, none means UTC."""
    extra = output(turn_id("control", 1), time, 9_000, 1)
    result = export([*CONTROL, extra])
    assert result.record("control")["llmCallCount"] == 3 + inside
    assert result.funnel["events"]["outside_window"] == (not inside)


@pytest.mark.parametrize(("window", "calls"), [("1d", 3), ("5d", 3), ("6d", 4), ("15d", 4)])
def test_window_length_is_used(export: Exporter, window: str, calls: int) -> None:
    """Rule 1: the window reaches back from as_of by the length asked for."""
    extra = output(turn_id("control", 1), "2026-01-10T12:00:00Z", 9_000, 1)
    shifted = [
        {**event, "TimeGenerated": event["TimeGenerated"].replace("01-10", "01-15")} for event in CONTROL
    ]
    assert export([*shifted, extra], window=window).record("control")["llmCallCount"] == calls


@pytest.mark.parametrize("kind", ["details", "user message", "model message", "input"])
def test_every_kind_of_row_outside_the_window_is_unseen(export: Exporter, kind: str) -> None:
    """Rule 1: a row of any kind outside the window is as if it were not there."""
    late = "2026-01-16T00:00:01Z"
    rows = {
        "details": tool_details("control", turn_id("control", 9), 9, late),
        "user message": message("control", turn_id("control", 9), "user", "later", late),
        "model message": message("control", turn_id("control", 1), "model", "a much longer answer", late),
        "input": {**ok_turn("control", 1)[2], "TimeGenerated": late},
    }
    assert export([*CONTROL, rows[kind]]).records() == export(CONTROL).records()


def test_as_of_is_recorded(export: Exporter) -> None:
    """Rule 1: as_of stands in the metadata."""
    recorded = export(CONTROL).metadata["query_parameters"]
    assert recorded["as_of"].startswith("2026-01-16T00:00:00")
    assert recorded["window"] == "15d"


# Rule 2: agent mode only


@pytest.mark.parametrize("mode", ["ask", "edit", "Agent", "", None])
def test_conversation_without_agent_rows_does_not_exist(export: Exporter, mode: str | None) -> None:
    """Rule 2: without a message row of mode agent there is no conversation, whatever else there is."""
    other = [
        {**row, "Properties": {**row["Properties"], "mode": mode}} if "messageText" in row["Name"] else row
        for row in ok_conversation("other", user_text="hi")
    ]
    result = export([*CONTROL, *other])
    assert result.conversations() == ["control"]
    assert result.funnel["conversations"] == 1
    assert result.funnel["events"]["not_agent_mode"] == 6


def test_agent_rows_outside_the_window_make_no_conversation(export: Exporter) -> None:
    """Rules 1 and 2: a conversation whose agent rows are all outside the window does not exist."""
    rows = [
        message("old", turn_id("old", 1), "user", "hi", "2025-12-01T00:00:00Z"),
        tool_details("old", turn_id("old", 1), 1, at(10)),
    ]
    result = export([*CONTROL, *rows])
    assert result.funnel["conversations"] == 1
    assert result.filtered() == {}


def test_rows_of_other_modes_are_ignored_in_an_agent_conversation(export: Exporter) -> None:
    """Rule 2: a row of another mode gives neither a text, nor a name, nor a turn."""
    rows = [
        message(
            "control",
            turn_id("control", 1),
            "user",
            "a longer text in ask mode",
            at(0),
            mode="ask",
            user="eve",
        ),
        message("control", "asked", "user", "a turn in ask mode", at(500), mode="ask"),
    ]
    record = export([*CONTROL, *rows]).record("control")
    assert texts(record, "userMessage") == ["do it"] * 3
    assert record["userName"] == "ada"
    assert record["turnCount"] == 3


def test_calls_and_details_need_no_mode(export: Exporter) -> None:
    """Rule 2 and §1: only message rows are held to the mode; calls and details join by their id."""
    rows = copy.deepcopy(CONTROL)
    for event in rows:
        if "messageText" not in event["Name"]:
            event["Properties"]["mode"] = "ask"
    record = export(rows).record("control")
    assert (record["turnCount"], record["llmCallCount"]) == (3, 3)


# Rule 3: dedup


@pytest.mark.parametrize("source", ["user", "model"])
@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([("short", 1), ("the longest of them", 2), ("middling", 3)], "the longest of them"),
        ([("bbbb", 1), ("aaaa", 2)], "bbbb"),
        ([("aaaa", 2), ("bbbb", 1)], "bbbb"),
        ([("bbbb", 1), ("aaaa", 1.000001)], "bbbb"),
        ([("bbbb", 1), ("aaaa", 1)], "aaaa"),
        ([("\U0001f600\U0001f600\U0001f600", 1), ("abcd", 2)], "abcd"),
        ([("\U0001f600\U0001f600\U0001f600", 2), ("abc", 1)], "abc"),
        ([("\U0001f600", 1), ("\ufffd", 1)], "\ufffd"),
        ([("é", 1), ("z", 1)], "z"),
        ([("e\u0301", 2), ("é", 1)], "e\u0301"),
        ([(" ab ", 2), ("abc", 1)], " ab "),
        ([(None, 1), ("x", 2)], "x"),
    ],
)
def test_longest_text_of_a_message_wins(
    export: Exporter, source: str, rows: list[tuple[str | None, float]], kept: str
) -> None:
    """Rule 3: longest in code points, then earliest, then smallest by code point; user and model alike."""
    turn = [row for row in ok_turn("control", 1) if row["Properties"].get("source") != source]
    added = [message("control", turn_id("control", 1), source, text, at(100 + after)) for text, after in rows]
    record = export([*ok_conversation("control", skip=[1]), *added, *turn]).record("control")
    assert record["turnsArray"][0][f"{source}Message"] == kept


def test_tie_is_broken_to_a_tenth_of_a_microsecond(export: Exporter) -> None:
    """Rule 3: the earliest of two equally long texts is found among times 100 ns apart."""
    turn = [row for row in ok_turn("control", 1) if row["Properties"].get("source") != "model"]
    late = message("control", turn_id("control", 1), "model", "aaaa", "2026-01-10T00:01:02.1234568Z")
    early = message("control", turn_id("control", 1), "model", "bbbb", "2026-01-10T00:01:02.1234567Z")
    assert (
        texts(export([*ok_conversation("control", skip=[1]), *turn, late, early]).record("control"))[0]
        == "bbbb"
    )


def test_texts_are_chosen_per_conversation_message_and_source(export: Exporter) -> None:
    """Rule 3: a longer text of another conversation, message or source is no rival."""
    first, second = ids("train", 2, "per")
    rows = ok_conversation(first, user_text="u", model_text="mm")
    rows += ok_conversation(second, user_text="uuuu", model_text="mmmmm")
    result = export(rows)
    assert texts(result.record(first), "userMessage") == ["u"] * 3
    assert texts(result.record(first)) == ["mm"] * 3
    assert texts(result.record(second), "userMessage") == ["uuuu"] * 3


def test_absent_text_counts_as_empty(export: Exporter) -> None:
    """Rule 3: a message whose rows have no text is an empty one, and the turn stays."""
    record = export(ok_conversation("control", model_text=None)).record("control")
    assert texts(record) == ["", "", ""]


ROUNDS: list[tuple[str | None, float]] = [
    ("then that", 5),
    ("first this", 1),
    ("first this", 9),
    (None, 2),
    ("", 3),
    ("b", 7),
    ("a", 7),
]


@pytest.mark.parametrize(
    ("model_text", "expected"),
    [("longest", "first this"), ("all_rounds", "first this\n\nthen that\n\na\n\nb")],
)
def test_model_text_option(export: Exporter, model_text: str, expected: str) -> None:
    """Rule 3: all_rounds joins the distinct non-empty model texts in time order with a blank line."""
    turn = [row for row in ok_turn("control", 1) if row["Properties"].get("source") != "model"]
    added = [
        message("control", turn_id("control", 1), "model", text, at(100 + after)) for text, after in ROUNDS
    ]
    added += [message("control", turn_id("control", 1), "user", "do it, and be quick", at(150))]
    events = [*ok_conversation("control", skip=[1]), *turn, *added]
    record = export(events, model_text=model_text).record("control")
    assert texts(record)[0] == expected
    assert texts(record, "userMessage")[0] == "do it, and be quick"


# Rule 4: turns of a conversation


def test_turn_known_from_details_alone_still_shows(export: Exporter) -> None:
    """Rule 4: a turn whose messages were lost is a turn: with an empty user message, so invalid."""
    rows = [
        row for row in ok_conversation("lost") if row["Properties"].get("messageId") != turn_id("lost", 3)
    ]
    rows += [tool_details("lost", turn_id("lost", 3), 3, at(390))]
    result = export([*CONTROL, *rows])
    assert result.conversations() == ["control"]
    assert sum(result.funnel["invalid"].values()) == 1
    assert result.filtered() == {}


def test_turn_known_from_details_alone_closes_a_gap_for_the_filters(export: Exporter) -> None:
    """Rule 4: without the details row of a lost middle turn it is a gap, with it it is not."""
    without = ok_conversation("without", skip=[2])
    details = [*ok_conversation("with", skip=[2]), tool_details("with", turn_id("with", 2), 2, at(290))]
    result = export([*CONTROL, *without, *details])
    assert result.filtered() == {"turn_gap": 1}
    assert sum(result.funnel["invalid"].values()) == 1


@pytest.mark.parametrize("source", ["user", "model"])
def test_turn_known_from_a_message_alone_still_shows(export: Exporter, source: str) -> None:
    """Rule 4: a turn without its details row is a turn, of unknown index."""
    rows = [*ok_conversation("lost"), message("lost", turn_id("lost", 4), source, "and?", at(400))]
    result = export([*CONTROL, *rows])
    assert result.conversations() == ["control"]
    assert result.filtered() == {"missing_turn_index": 1}


def test_turn_known_from_calls_alone_does_not_show(export: Exporter) -> None:
    """Rule 4: LLM calls make no turn."""
    calls = [row for row in ok_turn("control", 4) if "engine" in row["Name"]]
    assert export([*CONTROL, *calls]).record("control")["turnCount"] == 3


# Rule 5: turn facts


def test_latest_details_row_gives_the_facts(export: Exporter) -> None:
    """Rule 5: all facts of a turn come from its latest details row, wherever that stands in the file."""
    name = turn_id("control", 3)
    latest = tool_details(
        "control",
        name,
        3,
        at(395),
        reason="cut",
        counts='{"z": 1, "a": 4}',
        tools="[]",
        requests=6,
        duration=7,
    )
    earlier = tool_details("control", name, 5, at(300), reason="failed")
    turn = export([latest, earlier, *CONTROL]).record("control")["turnsArray"][2]
    facts = {key: turn[key] for key in list(turn)[5:]}
    assert turn["turnIndex"] == 3
    assert facts == {
        "toolCounts": {"a": 4, "z": 1},
        "availableTools": [],
        "availableToolCount": 2,
        "numRequests": 6,
        "turnDurationMs": 7,
        "turnEndReason": "cut",
        "responseType": "success",
        "model": "gpt-turn",
    }
    assert list(turn["toolCounts"]) == ["a", "z"]


def test_latest_details_row_counts_even_without_an_index(export: Exporter) -> None:
    """Rule 5: where the latest row has no index, an earlier one does not stand in."""
    rows = [*ok_conversation("lost"), tool_details("lost", turn_id("lost", 2), None, at(295))]
    assert export([*CONTROL, *rows]).filtered() == {"missing_turn_index": 1}


@pytest.mark.parametrize("order", [1, -1])
def test_details_rows_of_one_time_go_by_the_larger_index(export: Exporter, order: int) -> None:
    """Rule 5: of two details rows at the same time the larger index wins, and none is the smallest."""
    rivals = [
        tool_details("control", turn_id("control", turn), index, at(100 * turn + 95))
        for turn in range(1, 6)
        for index in (None, turn - 1, turn)
    ]
    record = export([*ok_conversation("control", 5), *rivals[::order]]).record("control")
    assert [turn["turnIndex"] for turn in record["turnsArray"]] == [1, 2, 3, 4, 5]


def test_details_rows_are_told_apart_to_a_tenth_of_a_microsecond(export: Exporter) -> None:
    """Rule 5: the latest of two details rows is found among times 100 ns apart."""
    rivals = [
        tool_details("control", turn_id("control", 3), 3, "2026-01-10T00:06:35.0000002Z", requests=22),
        tool_details("control", turn_id("control", 3), 4, "2026-01-10T00:06:35.0000001Z", requests=11),
    ]
    turn = export([*CONTROL, *rivals]).record("control")["turnsArray"][2]
    assert (turn["turnIndex"], turn["numRequests"]) == (3, 22)


def test_turns_stand_in_order_of_their_true_index(export: Exporter) -> None:
    """Rule 5: neither time nor the message rows' turnIndex order the turns, only the details' index."""
    rows = [
        *ok_turn("control", 1),
        *[
            {**row, "TimeGenerated": row["TimeGenerated"].replace("01-10", "01-09")}
            for row in ok_turn("control", 2)
        ],
        *[
            {**row, "TimeGenerated": row["TimeGenerated"].replace("01-10", "01-08")}
            for row in ok_turn("control", 3)
        ],
    ]
    for row in rows:
        if row["Properties"].get("source"):
            row["Properties"]["turnIndex"] = str(9 - int(row["Properties"]["messageId"][-1]))
    record = export(rows).record("control")
    assert [turn["turnIndex"] for turn in record["turnsArray"]] == [1, 2, 3]
    assert [turn["messageId"] for turn in record["turnsArray"]] == [turn_id("control", n) for n in (1, 2, 3)]


def test_number_of_requests_is_never_a_reason_to_drop(export: Exporter) -> None:
    """§1: numRequests and toolCounts that do not match each other drop nothing."""
    rows = ok_conversation("control")
    for row in rows:
        if "toolCall" in row["Name"]:
            row["Measurements"] |= {"numRequests": 1, "totalToolCalls": 50}
    assert export(rows).conversations() == ["control"]


# Rule 10: user name


def test_user_name_is_the_first_in_turn_order(export: Exporter) -> None:
    """Rule 10: turns come before rows: the first turn with a name gives it, even a model row's."""
    rows = [
        *ok_turn("control", 1, user=None),
        *ok_turn("control", 2, user=""),
        *ok_turn("control", 3, user="cy"),
    ]
    assert export(rows).record("control")["userName"] == "cy"
    rows += [message("control", turn_id("control", 2), "model", "x", at(500), user="bo")]
    assert export(rows).record("control")["userName"] == "bo"


def test_user_name_prefers_user_rows(export: Exporter) -> None:
    """Rule 10: within a turn user rows come first, though they be later."""
    rows = [
        *ok_conversation("control", user=None),
        message("control", turn_id("control", 1), "model", "x", at(101), user="model-row"),
        message("control", turn_id("control", 1), "user", "x", at(180), user="late-user-row"),
        message("control", turn_id("control", 1), "user", "x", at(170), user="user-row"),
        message("control", turn_id("control", 1), "user", "x", at(160), user=""),
    ]
    assert export(rows).record("control")["userName"] == "user-row"


# Rule 11: one conversation, wherever it is met


def test_conversation_in_two_files_is_one(export_chunked: Exporter) -> None:
    """Rule 11: rows of a conversation spread over files make the same record as in one file."""
    rows = ok_conversation("control", 4, prompts=[500, 700, 600]) + ok_conversation("other", 6)
    random.Random(3).shuffle(rows)
    together = export_chunked(rows)
    spread = export_chunked(rows[::3], rows[1::3], rows[2::3])
    assert spread.records() == together.records()
    assert spread.funnel["conversations"] == 2
    assert spread.metadata["deduplication"]["identical_rows_collapsed"] == 0


def test_identical_rows_collapse_and_are_counted(export_chunked: Exporter) -> None:
    """Rule 11: identical rows count once in every number, within a file and across files."""
    rows = ok_conversation("control", 3, prompts=[500, 700])
    once = export_chunked(rows)
    twice = export_chunked([*rows, rows[2], rows[3], rows[3]], rows[:5])
    assert twice.records() == once.records()
    assert twice.record("control")["llmCallCount"] == 6
    assert once.metadata["deduplication"]["identical_rows_collapsed"] == 0
    assert twice.metadata["deduplication"]["identical_rows_collapsed"] == 8
    assert twice.funnel["events_read"] == len(rows) + 8
    assert twice.funnel["events"]["used"] == len(rows) + 8


@pytest.mark.parametrize("column", ["Properties", "Measurements"])
def test_rows_that_differ_in_an_unknown_field_do_not_collapse(export: Exporter, column: str) -> None:
    """Rule 11: identical means equal in every field, also in those nothing else looks at."""
    call = output(turn_id("control", 1), at(150), 1500, 5)
    other = copy.deepcopy(call)
    other[column]["somethingNew"] = "x"
    result = export([*CONTROL, call, other])
    assert result.record("control")["llmCallCount"] == 5
    assert result.metadata["deduplication"]["identical_rows_collapsed"] == 0


def test_rows_that_differ_in_an_unknown_column_collapse(export: Exporter) -> None:
    """Rule 11: a row is its four columns; a store adds others, such as the time of each delivery."""
    call = output(turn_id("control", 1), at(150), 1500, 5)
    result = export([*CONTROL, {**call, "_TimeReceived": at(151)}, {**call, "_TimeReceived": at(161)}])
    assert result.record("control")["llmCallCount"] == 4
    assert result.metadata["deduplication"]["identical_rows_collapsed"] == 1


@pytest.mark.parametrize("counts", [None, {"tool": 3}, '{"tool": 3}'])
@pytest.mark.parametrize("time", [at(150), at(150).replace("Z", ".000+00:00"), "2026-01-10T02:02:30+02:00"])
def test_rows_of_one_content_in_two_forms_collapse(export: Exporter, counts: Any, time: str) -> None:
    """Rule 11 and §1: the same values as object or as string, and the same moment, are the same row."""
    call = output(turn_id("control", 1), at(150), 1500, 5, unknown=counts)
    strings = {key: json.dumps(call[key]) for key in ("Properties", "Measurements")}
    result = export([*CONTROL, call, {**call, **strings, "TimeGenerated": time}])
    assert result.record("control")["llmCallCount"] == 4
    assert result.metadata["deduplication"]["identical_rows_collapsed"] == 1


def test_row_order_never_matters(export_chunked: Exporter) -> None:
    """Rules 3, 5, 6 and 11: any order of the rows gives the same records."""
    rows = ok_conversation("control", 5, prompts=[500, None, 900]) + ok_conversation(
        "other", 3, model_text=None
    )
    expected = export_chunked(rows).records()
    assert len(expected) == 2
    assert export_chunked(rows[::-1]).records() == expected
    random.Random(7).shuffle(rows)
    assert export_chunked(rows).records() == expected
