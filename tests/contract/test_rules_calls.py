"""Contract §2, rules 6 and 7: the LLM calls of a turn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .build import Row, at, ids, inputs, message, ok_conversation, ok_turn, output, tool_details, turn_id

if TYPE_CHECKING:
    from .conftest import Exporter

REST = ok_conversation("control", skip=[1])
BARE = ok_turn("control", 1, prompts=[])  # a first turn without calls
NAME = turn_id("control", 1)


def first_calls(record: Row) -> list[Row]:
    """Give the calls of the first turn."""
    calls: list[Row] = record["turnsArray"][0]["llmCalls"]
    return calls


def sized(system: int, user: int, assistant: int, tool: int) -> dict[str, int]:
    """Give estimates with their total."""
    total = system + user + assistant + tool
    return {"system": system, "user": user, "assistant": assistant, "tool": tool, "total": total}


def test_calls_are_ordered_and_numbered(export: Exporter) -> None:
    """Rule 6: calls stand by time, prompt and completion tokens, nulls last; callIndex counts from 1."""
    expected: list[tuple[str, int | None, int | None]] = [
        (at(101), 900, 5),
        ("2026-01-10T00:01:50.0000001Z", 800, 5),
        ("2026-01-10T00:01:50.0000002Z", 700, 5),
        (at(111), 99, 9),
        (at(111), 100, 9),
        (at(111), 100, 10),
        (at(111), 100, None),
        (at(111), None, 1),
        (at(111), None, None),
        (at(112), 50, 3),
    ]
    rows = [output(NAME, time, prompt, completion) for time, prompt, completion in expected]
    calls = first_calls(export([*REST, *BARE, *rows[::-1]]).record("control"))
    assert [(call["promptTokens"], call["completionTokens"]) for call in calls] == [e[1:] for e in expected]
    assert [call["callIndex"] for call in calls] == list(range(1, 11))


def test_call_fields(export: Exporter) -> None:
    """Rule 6: a call carries its own model and tokens; what is absent is null."""
    rows = [output(NAME, at(101), 11, 7, total=18, model="m-1"), output(NAME, at(102), 12, 8, model=None)]
    calls = first_calls(export([*REST, *BARE, *rows]).record("control"))
    rest = {"estimates": None, "hasTrajectory": False}
    assert calls == [
        {"callIndex": 1, "model": "m-1", "promptTokens": 11, "completionTokens": 7, "totalTokens": 18}
        | {"promptTokenDelta": 11}
        | rest,
        {"callIndex": 2, "model": None, "promptTokens": 12, "completionTokens": 8, "totalTokens": None}
        | {"promptTokenDelta": 1}
        | rest,
    ]


def test_calls_join_on_the_message_id(export: Exporter) -> None:
    """§1: engine rows are joined on headerRequestId; a conversation id or mode of theirs changes nothing."""
    rows = [
        output(NAME, at(101), 10, 1, conversationId="elsewhere", mode="ask"),
        output(NAME, at(102), 11, 1),
        inputs(NAME, at(100), [("user", 4)], conversationId="elsewhere"),
        output("no-such-turn", at(103), 12, 1),
        {**output(None, at(104), 13, 1, messageId=NAME)},
    ]
    result = export([*REST, *BARE, *rows])
    calls = first_calls(result.record("control"))
    assert [call["promptTokens"] for call in calls] == [10, 11]
    assert calls[0]["estimates"] == sized(0, 4, 0, 0)
    assert result.funnel["events"]["without_id"] == 1


def test_kth_input_goes_with_the_kth_output(export: Exporter) -> None:
    """Rule 6: inputs and outputs are paired by their rank in time, not by how near they are."""
    rows = [
        output(NAME, at(150), 3, 1),
        output(NAME, at(101), 1, 1),
        output(NAME, at(102), 2, 1),
        inputs(NAME, at(149), [("user", 20)]),
        inputs(NAME, at(148), [("system", 10)]),
    ]
    calls = first_calls(export([*REST, *BARE, *rows]).record("control"))
    assert [call["estimates"] for call in calls] == [sized(10, 0, 0, 0), sized(0, 20, 0, 0), None]
    assert [call["hasTrajectory"] for call in calls] == [True, True, False]


def test_surplus_inputs_are_left_over(export: Exporter) -> None:
    """Rule 6: an input without an output of its rank makes no call."""
    rows = [inputs(NAME, at(100 + k), [("user", k)]) for k in range(3)] + [output(NAME, at(110), 5, 1)]
    calls = first_calls(export([*REST, *BARE, *rows]).record("control"))
    assert [call["estimates"] for call in calls] == [sized(0, 0, 0, 0)]


def test_inputs_of_one_time_are_ordered_by_their_sizes(export: Exporter) -> None:
    """Rule 6: inputs at the same time go by total, system, user, assistant, tool; unreadable ones last."""
    sizes = [(0, 0, 0, 5), (1, 5, 2, 0), (1, 5, 1, 1), (1, 4, 3, 0), (2, 6, 0, 0)]
    expected = [(0, 0, 0, 5), (1, 4, 3, 0), (1, 5, 1, 1), (1, 5, 2, 0), (2, 6, 0, 0), None, None]
    roles = ("system", "user", "assistant", "tool")
    rows = [inputs(NAME, at(100), list(zip(roles, size, strict=True))) for size in sizes]
    rows = [inputs(NAME, at(100), "broken"), *rows, inputs(NAME, at(100), "[]")]
    rows += [output(NAME, at(110 + k), 5, 1) for k in range(7)]
    calls = first_calls(export([*REST, *BARE, *rows]).record("control"))
    assert [call["estimates"] for call in calls] == [size and sized(*size) for size in expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([("user", 1), ("tool", 2), ("user", 3), ("assistant", 4), ("system", 5)], sized(5, 4, 4, 2)),
        ([("user", "12"), ("system", "3")], sized(3, 12, 0, 0)),
        ([("user", 12.9), ("system", "3.9")], sized(3, 12, 0, 0)),
        ([("developer", 100), ("User", 50), (None, 7), ("user", 1)], sized(0, 1, 0, 0)),
        ([("developer", 100)], sized(0, 0, 0, 0)),
        ([("user", None), ("user", "many"), ("user", True), ("user", [3]), ("tool", 2)], sized(0, 0, 0, 2)),
        (
            '[3, "x", null, {"role": ["user"], "content": 4}, {"role": "user", "content": 5}]',
            sized(0, 5, 0, 0),
        ),
        ('[{"role": "user"}]', sized(0, 0, 0, 0)),
        ("[]", None),
        ("", None),
        ("[{", None),
        ('{"role": "user", "content": 5}', None),
        ('"user"', None),
        ("null", None),
        (None, None),
    ],
)
def test_estimates(export: Exporter, content: Any, expected: dict[str, int] | None) -> None:
    """Rule 6: estimates are summed by role; hasTrajectory says that there was a non-empty array to sum."""
    rows = [inputs(NAME, at(100), content), output(NAME, at(101), 5, 1)]
    (call,) = first_calls(export([*REST, *BARE, *rows]).record("control"))
    assert call["estimates"] == expected
    assert call["hasTrajectory"] is (expected is not None)


def test_messages_json_in_parts(export: Exporter) -> None:
    """§1: any long string property may come in parts, messagesJson too."""
    whole = json.dumps([{"role": "user", "content": 5}, {"role": "tool", "content": 70}])
    row = inputs(NAME, at(100), whole[:20], messagesJson_02=whole[20:50], messagesJson_03=whole[50:])
    (call,) = first_calls(export([*REST, *BARE, row, output(NAME, at(101), 5, 1)]).record("control"))
    assert call["estimates"] == sized(0, 5, 0, 70)


def deltas(record: Row) -> list[int | None]:
    """List the deltas of all calls."""
    return [call["promptTokenDelta"] for turn in record["turnsArray"] for call in turn["llmCalls"]]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([[100, 150], [400], [450, 475]], [100, 50, 250, 50, 25]),
        ([[100, 900], [300], [20, 1000]], [100, 800, -600, -280, 980]),
        ([[], [300], [500]], [300, 200]),
        ([[100], [], [500]], [100, 400]),
        ([[100, None, 300], [350], [400]], [100, None, None, 50, 50]),
        ([[None, 300], [350], [400]], [None, None, 50, 50]),
        ([[100, None], [350], [400]], [100, None, None, 50]),
        ([[0, 0], [5], [-5]], [0, 0, 5, -10]),
        ([[], [], []], []),
    ],
)
def test_delta_is_against_the_previous_call_of_the_conversation(
    export_chunked: Exporter, turns: list[list[int | None]], expected: list[int | None]
) -> None:
    """Rule 7: deltas run across turns; the first is its tokens, negatives stay, null where a side is null."""
    rows = [row for n, prompts in enumerate(turns, 1) for row in ok_turn("control", n, prompts=prompts)]
    assert deltas(export_chunked(rows).record("control")) == expected


def test_delta_follows_turn_order_not_time(export: Exporter) -> None:
    """Rule 7: the previous call is that of turn order, though the clock say otherwise."""
    rows = [*ok_conversation("control", prompts=[])]
    rows += [output(turn_id("control", n), at(1000 - n), n * n * 100, 1) for n in (1, 2, 3)]
    assert deltas(export(rows).record("control")) == [100, 300, 500]


@pytest.mark.parametrize(
    ("prompts", "completions", "maximum", "total"),
    [
        ([10, 900, 300], [1, 2, 3], 900, 6),
        ([None, 5, None], [None, 2, None], 5, 2),
        ([None, None, None], [None, None, None], None, 0),
        ([], [], None, 0),
        ([-5, -9, 0], [-1, 4, 0], 0, 3),
    ],
)
def test_totals_of_a_conversation(
    export: Exporter,
    prompts: list[int | None],
    completions: list[int | None],
    maximum: int | None,
    total: int,
) -> None:
    """§4: maxPromptTokens is the highest level (null without any), completions are summed, calls counted."""
    rows = ok_conversation("control", prompts=[])
    for number, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        rows.append(output(turn_id("control", number + 1), at(101 + number), prompt, completion))
    record = export(rows).record("control")
    assert record["maxPromptTokens"] == maximum
    assert record["totalCompletionTokens"] == total
    assert record["llmCallCount"] == len(prompts)


def test_calls_of_a_message_id_in_two_conversations(export_chunked: Exporter) -> None:
    """§1: calls join on the message id alone, so a turn that two conversations share has them in both."""
    first, second, third = ids("train", 3, "twin")
    rows = ok_conversation(first)
    for other in (second, third):
        rows += ok_conversation(other, skip=[3])
        rows += [
            message(other, turn_id(first, 3), "user", "shared", at(300)),
            tool_details(other, turn_id(first, 3), 3, at(390)),
        ]
    result = export_chunked(rows)
    for conversation in (first, second, third):
        assert [len(turn["llmCalls"]) for turn in result.record(conversation)["turnsArray"]] == [1, 1, 1]
        assert result.record(conversation)["turnsArray"][2]["llmCalls"][0]["promptTokens"] == 3000
