"""Contract §2, rule 8: the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .build import LONG, MEDIUM, SHORT, Row, at, message, ok_conversation, ok_turn, tool_details, turn_id

if TYPE_CHECKING:
    from .conftest import Exporter

CONTROL = ok_conversation("control")


def with_indices(conversation: str, indices: list[int | None], reason: str = "stopped") -> list[Row]:
    """Build a conversation whose turns carry these indices."""
    rows = []
    for number, index in enumerate(indices, 1):
        rows += ok_turn(conversation, number, details=False)
        rows.append(
            tool_details(
                conversation, turn_id(conversation, number), index, at(100 * number + 90), reason=reason
            )
        )
    return rows


@pytest.mark.parametrize(
    ("indices", "reason"),
    [
        ([1, 2, 3], None),
        ([3, 1, 2], None),
        ([1, None, 3], "missing_turn_index"),
        ([None], "missing_turn_index"),
        ([2, 3, 4], "incomplete_start"),
        ([0, 1, 2, 3], "incomplete_start"),
        ([-1, 1, 2], "incomplete_start"),
        ([5], "incomplete_start"),
        ([1, 3, 4], "turn_gap"),
        ([1, 2, 2, 3], "turn_gap"),
        ([1, 1, 2], "turn_gap"),
        ([1, 1, 3], "turn_gap"),
        ([1, 2, 3, 5], "turn_gap"),
        ([1], "outside_buckets"),
        ([1, 2], "outside_buckets"),
    ],
)
def test_turn_indices(export: Exporter, indices: list[int | None], reason: str | None) -> None:
    """Rule 8: only indices that are exactly 1..n pass; each fault has its name."""
    result = export([*CONTROL, *with_indices("other", indices)])
    assert ("other" in result.conversations()) is (reason is None)
    assert result.filtered() == ({reason: 1} if reason else {})
    assert result.funnel["conversations"] == 2


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize("reason", ["failed", "cancelled", "networkError"])
def test_failed_turn_anywhere(export: Exporter, reason: str, position: int) -> None:
    """Rule 8: one failed turn takes the whole conversation."""
    rows = [
        row for n in (1, 2, 3) for row in ok_turn("bad", n, reason=reason if n == position else "stopped")
    ]
    result = export([*CONTROL, *rows])
    assert result.conversations() == ["control"]
    assert result.filtered() == {"failed_turn": 1}


@pytest.mark.parametrize("reason", ["stopped", "Failed", "maxToolCallsExceeded", "", None])
def test_other_end_reasons_pass(export: Exporter, reason: str | None) -> None:
    """Rule 8: only the reasons listed mark a failed turn, and an absent one does not."""
    record = export([*CONTROL, *ok_conversation("good", reason=reason)]).record("good")
    assert record["turnsArray"][0]["turnEndReason"] in ({reason} if reason else {"", None})


def test_failed_reasons_are_configurable(export: Exporter) -> None:
    """Rule 8: the list of failed reasons is the configuration's."""
    rows = ok_conversation("failed", reason="failed") + ok_conversation("cut", reason="cut")
    result = export([*CONTROL, *rows], failed_turn_end_reasons=["cut", "other"])
    assert sorted(result.conversations()) == ["control", "failed"]
    assert result.filtered() == {"failed_turn": 1}


def test_only_the_latest_end_reason_counts(export: Exporter) -> None:
    """Rules 5 and 8: a failure that a later row of the same turn took back is none."""
    rows = [*CONTROL, tool_details("control", turn_id("control", 2), 2, at(250), reason="failed")]
    assert export(rows).filtered() == {}


@pytest.mark.parametrize(
    ("indices", "reason", "expected"),
    [
        ([2, None], "failed", "missing_turn_index"),
        ([2, 4], "failed", "incomplete_start"),
        ([1, 3], "failed", "turn_gap"),
        ([1, 2], "failed", "failed_turn"),
        ([1, 2], "stopped", "outside_buckets"),
    ],
)
def test_order_of_the_filters(
    export: Exporter, indices: list[int | None], reason: str, expected: str
) -> None:
    """Rule 8: a conversation counts once, under the first filter that takes it."""
    rows = with_indices("bad", indices, reason)
    assert export([*CONTROL, *rows]).filtered() == {expected: 1}


@pytest.mark.parametrize(
    ("turns", "bucket"),
    [(2, None), (3, SHORT), (5, SHORT), (6, MEDIUM), (10, MEDIUM), (11, LONG), (20, LONG), (21, None)],
)
def test_bucket_edges(export: Exporter, turns: int, bucket: str | None) -> None:
    """Rule 8 and §4: buckets hold 3 to 5, 6 to 10 and 11 to 20 turns, both ends included."""
    result = export([*CONTROL, *ok_conversation("other", turns, prompts=[])])
    found = [record for record in result.records() if record["conversationId"] == "other"]
    assert [record["bucket"] for record in found] == ([bucket] if bucket else [])
    assert result.filtered() == ({} if bucket else {"outside_buckets": 1})
    if bucket:
        name = bucket.split("_")[0]
        assert "other" in [record["conversationId"] for record in result.records(found[0]["split"], name)]


def test_buckets_are_configurable(export: Exporter) -> None:
    """Rule 8: buckets come from the configuration, in names, files and filter."""
    buckets: list[dict[str, Any]] = [
        {"name": "short", "min": 1, "max": 2},
        {"name": "medium", "min": 3, "max": 3},
        {"name": "long", "min": 5, "max": 6},
    ]
    rows = [row for n in range(1, 8) for row in ok_conversation(f"n{n}", n, prompts=[])]
    result = export(rows, buckets=buckets)
    assert {record["conversationId"]: record["bucket"] for record in result.records()} == {
        "n1": "short_1_to_2_turns",
        "n2": "short_1_to_2_turns",
        "n3": "medium_3_to_3_turns",
        "n5": "long_5_to_6_turns",
        "n6": "long_5_to_6_turns",
    }
    assert result.filtered() == {"outside_buckets": 2}


def test_every_conversation_is_accounted_for(export_chunked: Exporter) -> None:
    """§4: conversations seen are those filtered, those invalid and the candidates."""
    rows = [
        *CONTROL,
        *with_indices("a", [1, None, 3]),
        *with_indices("b", [1, None, 3]),
        *with_indices("c", [2, 3, 4]),
        *with_indices("d", [1, 3, 4]),
        *ok_conversation("e", reason="failed"),
        *ok_conversation("f", 2),
        *ok_conversation("g", user=None),
        *ok_conversation("h", user_text=""),
        *ok_conversation("i", 7),
        message("j", "j1", "user", "only asked", at(0), mode="ask"),
    ]
    funnel = export_chunked(rows).funnel
    assert funnel["conversations"] == 10
    assert funnel["filtered"] == {
        "missing_turn_index": 2,
        "incomplete_start": 1,
        "turn_gap": 1,
        "failed_turn": 1,
        "outside_buckets": 1,
    }
    assert sum(funnel["invalid"].values()) == 2
    assert sum(sum(group.values()) for group in funnel["candidates"].values()) == 2
