"""Each record-wise check fails alone where its rule is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.dataset_builder import Dataset, build, call, conversation, full_name, number
from turnsmith.verify import verify_dataset
from turnsmith.verify.records import RECORD_CHECKS, Expected, hash_number, hash_text
from turnsmith.verify.schema import missing_fields, shape_faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Tamper = Any


def failed(dataset: Dataset, parent: Path) -> set[str]:
    """Return the names of the checks that a data set fails."""
    report = verify_dataset(dataset.write(parent))
    return {check.name for check in report.checks if not check.ok}


def setting(field: str, value: Any) -> Callable[[Any], None]:
    """Return a change that sets one field of the record."""
    return lambda record: record.update({field: value})


def turn_setting(field: str, value: Any) -> Callable[[Any], None]:
    """Return a change that sets one field of the second turn."""
    return lambda record: record["turnsArray"][1].update({field: value})


def call_setting(field: str, value: Any) -> Callable[[Any], None]:
    """Return a change that sets one field of the second turn's first call."""
    return lambda record: record["turnsArray"][1]["llmCalls"][0].update({field: value})


TAMPERS: list[tuple[str, str, Tamper]] = [
    ("required_fields", "no user name", lambda record: record.pop("userName")),
    ("required_fields", "empty user name", setting("userName", "")),
    ("required_fields", "null bucket", setting("bucket", None)),
    ("required_fields", "no turns", setting("turnsArray", [])),
    ("required_fields", "no id", lambda record: record.pop("conversationId")),
    ("required_fields", "empty id", setting("conversationId", "")),
    ("schema", "unknown field", setting("extra", 1)),
    ("schema", "a user name that is a number", setting("userName", 5)),
    ("schema", "missing field", lambda record: record.pop("isComplete")),
    ("schema", "no split", lambda record: record.pop("split")),
    ("schema", "a flag that is a number", setting("isComplete", 1)),
    ("schema", "a count that is a flag", setting("turnCount", True)),
    ("schema", "a fraction", setting("turnCount", 3.0)),
    ("schema", "not a number", setting("totalCompletionTokens", float("nan"))),
    ("schema", "infinity", call_setting("promptTokens", float("inf"))),
    ("schema", "beyond 64 bits", setting("maxPromptTokens", 2**63)),
    ("schema", "turns that are text", setting("turnsArray", "three")),
    ("schema", "a turn that is null", lambda record: record["turnsArray"].append(None)),
    ("schema", "unknown field in a turn", turn_setting("extra", 1)),
    ("schema", "null message", turn_setting("userMessage", None)),
    ("schema", "null calls", turn_setting("llmCalls", None)),
    ("schema", "tool count as text", turn_setting("toolCounts", {"a": "1"})),
    ("schema", "a tool that is null", turn_setting("availableTools", [None])),
    ("schema", "a call that is a list", turn_setting("llmCalls", [[]])),
    ("schema", "unknown field in a call", call_setting("extra", 1)),
    ("schema", "estimates without total", call_setting("estimates", {"system": 1})),
    ("schema", "estimates with a null", call_setting("estimates", dict.fromkeys(("system",)))),
    ("turn_indices", "repeated index", turn_setting("turnIndex", 1)),
    ("turn_indices", "first index 0", lambda record: record["turnsArray"][0].update(turnIndex=0)),
    ("turn_counts", "turn count", setting("turnCount", 4)),
    ("turn_counts", "captured turn count", setting("capturedTurnCount", 4)),
    ("index_bounds", "smallest index", setting("minTurnIndex", 0)),
    ("index_bounds", "largest index", setting("maxTurnIndex", 9)),
    ("complete", "incomplete", setting("isComplete", False)),
    ("bucket_file", "other bucket", setting("bucket", full_name("long"))),
    ("split_folder", "other split", setting("split", "val")),
    ("user_messages", "empty", turn_setting("userMessage", "")),
    ("user_messages", "blank", turn_setting("userMessage", " \n\t\u00a0")),
    ("failed_turns", "cancelled", turn_setting("turnEndReason", "cancelled")),
    ("call_indices", "from 0", call_setting("callIndex", 0)),
    ("prompt_token_deltas", "off by one", call_setting("promptTokenDelta", 3)),
    ("prompt_token_deltas", "null between numbers", call_setting("promptTokenDelta", None)),
    ("prompt_token_deltas", "first", lambda r: r["turnsArray"][0]["llmCalls"][0].update(promptTokenDelta=0)),
    ("conversation_totals", "largest prompt", setting("maxPromptTokens", 1)),
    ("conversation_totals", "no largest prompt", setting("maxPromptTokens", None)),
    ("conversation_totals", "completions", setting("totalCompletionTokens", 1)),
    ("conversation_totals", "calls", setting("llmCallCount", 1)),
    ("estimates", "flag without estimates", call_setting("estimates", None)),
    ("estimates", "estimates without flag", call_setting("hasTrajectory", False)),
    ("estimates", "sum", lambda r: r["turnsArray"][1]["llmCalls"][0]["estimates"].update(total=1)),
    ("message_ids", "repeated", lambda r: turn_setting("messageId", r["turnsArray"][0]["messageId"])(r)),
]


@pytest.mark.parametrize(
    ("check", "change"), [pytest.param(t[0], t[2], id=f"{t[0]}: {t[1]}") for t in TAMPERS]
)
def test_a_tampered_record_fails_exactly_its_check(check: str, change: Tamper, tmp_path: Path) -> None:
    """A single broken rule of a record fails the check of that rule and no other."""
    dataset = build()
    change(dataset.records[dataset.path("train", "short")][0])
    assert failed(dataset, tmp_path) == {check}


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize("layout", ["splits", "single"])
def test_records_are_checked_in_every_format_and_layout(form: str, layout: str, tmp_path: Path) -> None:
    """A wrong delta is found in any format and layout."""
    dataset = build(form, layout)
    call_setting("promptTokenDelta", 3)(dataset.records[dataset.path("train", "short")][0])
    assert failed(dataset, tmp_path) == {"prompt_token_deltas"}


def test_split_is_absent_without_splits(tmp_path: Path) -> None:
    """In the layout without splits a record has no field `split`."""
    dataset = build(layout="single")
    dataset.records[dataset.path("all", "short")][0]["split"] = "train"
    assert failed(dataset, tmp_path) == {"schema"}


def test_turn_count_lies_in_the_range_of_the_bucket_name(tmp_path: Path) -> None:
    """A conversation with more turns than the bucket's name allows is a breach."""
    dataset = build()
    records = dataset.records[dataset.path("train", "short")]
    records[0] = conversation(records[0]["conversationId"], "train", full_name("short"), 6)
    assert failed(dataset, tmp_path) == {"turn_range"}


def test_samples_name_the_place_but_no_message(tmp_path: Path) -> None:
    """A sample names file, record and conversation; text of messages and control characters never show."""
    dataset = build()
    record = dataset.records[dataset.path("train", "short")][0]
    record["conversationId"] = "evil\x1b[31m[red]\u202e" + "x" * 500
    record["turnsArray"][1] |= {
        "userMessage": " ",
        "modelMessage": "a secret",
        "toolCounts": {"a": "a secret"},
    }
    report = verify_dataset(dataset.write(tmp_path))
    text = "\n".join(sample for check in report.checks for sample in check.samples)
    assert "'train/short_3_to_5_turns.json', record 1, conversation 'evil\\x1b[31m[red]\\u202exxx" in text
    assert "x" * 80 not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(("text", "hashed"), [("abc", 839782156265856254), ("", 1025426827051516353)])
def test_hash_is_that_of_the_contract(text: str, hashed: int) -> None:
    """The package's own hash gives the contract's examples."""
    assert hash_number(hash_text(text)) == hashed


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_hash_is_the_first_sixty_bits(text: str) -> None:
    """The hash is the first 15 hex digits of SHA-256, whatever the text."""
    assert hash_number(hash_text(text)) == number(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(
    [
        (),
        ("turnsArray",),
        ("turnsArray", 0),
        ("turnsArray", 0, "llmCalls"),
        ("turnsArray", 0, "llmCalls", 0),
        ("turnsArray", 0, "toolCounts"),
        ("turnsArray", 0, "llmCalls", 0, "estimates"),
    ]
)


@given(paths, st.integers(0, 20), json_values)
def test_any_value_anywhere_is_judged_without_a_crash(path: tuple[Any, ...], index: int, value: Any) -> None:
    """Whatever stands in place of a value, the checks answer, and what has the right shape is checked on."""
    record: Any = conversation("a", "train", full_name("short"), 3)
    inner = record
    for step in path:
        inner = inner[step]
    key = list(inner)[index % len(inner)] if isinstance(inner, dict) and inner else 0
    inner[key] = value
    faults = [*missing_fields(record), *shape_faults(record, True)]
    if not faults:
        expected = Expected("f", "train", full_name("short"), (0, 83), (3, 5), frozenset({"failed"}), "0")
        faults = [fault for check in RECORD_CHECKS.values() for fault in check(record, expected)]
    assert all(isinstance(fault, str) for fault in faults)


@given(st.lists(st.none() | st.integers(-5, 10**6), max_size=12), st.data())
def test_deltas_are_recomputed_over_the_whole_conversation(
    levels: list[int | None], data: st.DataObject
) -> None:
    """Deltas written by the rule hold; a delta changed anywhere is found."""
    record = conversation("a", "train", full_name("short"), 3)
    before: int | None = 0
    for turn in record["turnsArray"]:
        turn["llmCalls"] = []
    for position, level in enumerate(levels):
        record["turnsArray"][position * 3 // len(levels)]["llmCalls"].append(call(1, level, before))
        before = level
    check, expected = RECORD_CHECKS["prompt_token_deltas"], Expected("f", "train", "b")
    assert not list(check(record, expected))
    calls = [item for turn in record["turnsArray"] for item in turn["llmCalls"]]
    if calls:
        item = data.draw(st.sampled_from(calls))
        item["promptTokenDelta"] = (item["promptTokenDelta"] or 0) + 1
        assert len(list(check(record, expected))) == 1
