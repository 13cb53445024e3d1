"""Contract §2, rule 9: validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .build import SHORT, Row, at, ids, ok_conversation, ok_turn, output, split_of, tool_details, turn_id

if TYPE_CHECKING:
    from .conftest import Exporter

CONTROL = ok_conversation("control")
TRAIN, OTHER_TRAIN = ids("train", 2, "bad")
VAL, TEST = ids("val", 1, "bad")[0], ids("test", 1, "bad")[0]


def blank_turn(conversation: str, number: int, text: str | None) -> list[Row]:
    """Build a conversation of three turns, one of them with this user text."""
    turns = [ok_turn(conversation, n, user_text=text if n == number else "do it") for n in (1, 2, 3)]
    return [row for turn in turns for row in turn]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("text", [None, "", " ", "\n\t \r", "\u00a0\u3000\u2003", "\x1f\x85\u2028"])
def test_blank_user_message_is_fatal_in_any_turn(export: Exporter, text: str | None, number: int) -> None:
    """Rule 9: a user message that is empty or white space alone makes the record invalid."""
    result = export([*CONTROL, *blank_turn(TRAIN, number, text)])
    assert result.conversations() == ["control"]
    assert list(result.invalid("train")) == [TRAIN]
    assert len(result.invalid("train")[TRAIN]) == 1
    assert result.funnel["invalid"] == {"train": 1, "val": 0, "test": 0}
    assert result.filtered() == {}


@pytest.mark.parametrize("text", [".", "\u200b", "\ufeff", "  x ", "\x00"])
def test_user_message_with_any_character_is_none(export: Exporter, text: str) -> None:
    """Rule 9: what str.strip leaves is no blank message, and it stands as it came."""
    record = export([*CONTROL, *blank_turn(TRAIN, 2, text)]).record(TRAIN)
    assert record["turnsArray"][1]["userMessage"] == text


@pytest.mark.parametrize("user", [None, ""])
def test_missing_user_name_is_fatal(export: Exporter, user: str | None) -> None:
    """Rule 9: userName is required and not empty."""
    result = export([*CONTROL, *ok_conversation(VAL, user=user)])
    assert result.conversations() == ["control"]
    assert list(result.invalid("val")) == [VAL]
    assert result.funnel["invalid"] == {"train": 0, "val": 1, "test": 0}


def test_every_error_is_listed(export_chunked: Exporter) -> None:
    """Rule 9: the invalid records' file lists every error of every record, split by split."""
    rows = [
        *CONTROL,
        *ok_conversation(TRAIN, user=None, user_text=" "),
        *blank_turn(OTHER_TRAIN, 1, ""),
        *ok_conversation(VAL, user_text=None),
        *ok_conversation(TEST, user=None),
    ]
    result = export_chunked(rows)
    assert {key: len(errors) for key, errors in result.invalid("train").items()} == {TRAIN: 4, OTHER_TRAIN: 1}
    assert {key: len(errors) for key, errors in result.invalid("val").items()} == {VAL: 3}
    assert {key: len(errors) for key, errors in result.invalid("test").items()} == {TEST: 1}
    assert result.conversations() == ["control"]


def test_invalid_file_only_where_something_is(export: Exporter) -> None:
    """§4: a split without invalid records has no file of them; the name carries split and stamp."""
    assert list(export(CONTROL).path.glob("invalid*")) == []
    result = export([*CONTROL, *ok_conversation(TEST, user=None)])
    assert [path.name for path in result.path.glob("invalid*")] == [
        "invalid_records_test_20260101_000000.json"
    ]


def test_validation_comes_after_the_filters(export: Exporter) -> None:
    """Rules 8 and 9: what a filter takes is not validated."""
    rows = [*CONTROL, *ok_conversation(TRAIN, 2, user=None), *ok_conversation(VAL, user="", reason="failed")]
    result = export(rows)
    assert result.filtered() == {"failed_turn": 1, "outside_buckets": 1}
    assert sum(result.funnel["invalid"].values()) == 0
    assert result.invalid("train") == {}


def test_validation_comes_before_the_sample(export: Exporter) -> None:
    """Rule 9: invalid candidates take no place in a group."""
    rows: list[Row] = []
    for number, conversation in enumerate(ids("val", 12, "quota")):
        rows += ok_conversation(conversation, user=None if number % 2 else "ada", prompts=[])
    result = export(rows)
    assert len(result.records("val", "short")) == 4
    assert len(result.invalid("val")) == 6
    assert result.funnel["candidates"]["val"][SHORT] == 6
    assert result.funnel["sampled"]["val"][SHORT] == 4


def test_tool_only_answers_are_kept(export: Exporter) -> None:
    """Rule 9: an empty model message is a warning, counted by turn, and the record is kept."""
    rows = [*CONTROL, *ok_conversation(TRAIN, 4, model_text=None), *ok_conversation(VAL, 3, model_text="")]
    result = export(rows)
    assert sorted(result.conversations()) == sorted(["control", TRAIN, VAL])
    assert result.metadata["warnings"]["written"]["empty_model_message"] == 7


def test_turns_without_calls_are_kept(export: Exporter) -> None:
    """Rule 9: a turn without LLM calls is a warning, counted by turn, and the record is kept."""
    rows = [*CONTROL, *ok_turn(TRAIN, 1), *ok_turn(TRAIN, 2, prompts=[]), *ok_turn(TRAIN, 3, prompts=[])]
    result = export(rows)
    assert [len(turn["llmCalls"]) for turn in result.record(TRAIN)["turnsArray"]] == [1, 0, 0]
    assert result.metadata["warnings"]["written"]["turn_without_llm_calls"] == 2


def test_odd_token_counts_are_kept(export: Exporter) -> None:
    """Rule 9: promptTokens <= 0 and completionTokens < 0 are warnings, counted by call; null is neither."""
    tokens: list[tuple[Any, Any]] = [(0, 0), (-1, -1), (5, -7), (None, None), (1, 0), (-3, 2)]
    calls = [output(turn_id("control", 1), at(120 + n), *pair) for n, pair in enumerate(tokens)]
    result = export([*CONTROL, *calls])
    assert result.record("control")["llmCallCount"] == 9
    warnings = result.metadata["warnings"]["written"]
    assert warnings["prompt_tokens_not_positive"] == 3
    assert warnings["completion_tokens_negative"] == 2


def test_warnings_of_candidates_and_of_what_was_written(export: Exporter) -> None:
    """Rule 9: warnings are counted over the candidates, and again over the files written."""
    rows: list[Row] = []
    for conversation in ids("test", 6, "warn"):
        rows += ok_conversation(conversation, model_text=None, prompts=[])
    rows += ok_conversation("control", user=None, model_text=None) + ok_conversation(
        "cut", 2, model_text=None
    )
    warnings = export(rows).metadata["warnings"]
    names = ("empty_model_message", "turn_without_llm_calls")
    assert [warnings["candidates"][name] for name in names] == [18, 18]
    assert [warnings["written"][name] for name in names] == [12, 12]


def test_lost_messages_are_found(export: Exporter) -> None:
    """Rules 4 and 9: a turn of which only the details row arrived makes the conversation invalid."""
    rows = [*ok_conversation(TRAIN), tool_details(TRAIN, turn_id(TRAIN, 4), 4, at(495))]
    result = export([*CONTROL, *rows])
    assert list(result.invalid(split_of(TRAIN))) == [TRAIN]
