"""Every query of the pack: read by Kusto's own parser, run, and held to what it declares and overlaps with."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from turnsmith.core.hashing import portable_hash
from turnsmith.sources.telemetry.kql.catalog import blocks, shipped_queries
from turnsmith.sources.telemetry.kql.result import check_result, schema_differences

from .test_kql_candidates import as_record

if TYPE_CHECKING:
    from turnsmith.sources.telemetry.kql.lint import Analysis

    from .conftest import Answers, Embedded

QUERIES = {query.name: query for query in shipped_queries()}
ISSUE = {
    "production": {
        "sft_candidates_hash_chunked", "sft_nested_json", "sft_nested_json_simple", "sft_complete_conversations_3to10",
        "sft_session_router_first_turns", "sft_stratified_by_turn_count", "sft_100k_production", "sft_candidate_counts",
    },
    "test": {"sft_test_100", "sft_test_100_with_trajectory", "sft_test_100_lite"},
    "exploration": {
        "discover_events", "message_schema", "token_schema", "tool_schema", "exact_tool_tokens", "model_switching",
    },
    "verification": {"token_accumulation", "numRequests_formula", "delta_accuracy"},
}  # fmt: skip


def candidates(embedded: Embedded) -> dict[str, dict[str, Any]]:
    """Return the embedded assembly's valid candidates."""
    return {c: record for c, record in embedded.records.items() if c not in embedded.reasons}


def test_names() -> None:
    """The pack has the promised queries in the promised folders."""
    names = defaultdict(set)
    for query in QUERIES.values():
        names[query.group].add(query.name)
    assert names == ISSUE


@pytest.mark.parametrize("name", QUERIES)
def test_header(name: str) -> None:
    """A header tells the purpose, every declared parameter and every column; all parameters have defaults."""
    query = QUERIES[name]
    assert query.text.startswith(f"// {name}\n")
    assert query.purpose.endswith(".")
    assert query.columns
    assert all(column.text for column in query.columns)
    assert query.parameters
    assert all(parameter.text and parameter.default for parameter in query.parameters)
    assert max(map(len, query.text.split("\n"))) <= 120


def test_blocks_are_the_same_everywhere() -> None:
    """A block reads the same in every query that has it: a rule is written once, even where it stands often."""
    texts = defaultdict(set)
    for query in QUERIES.values():
        for block, text in blocks(query.text).items():
            texts[block].add(text)
    assert len(texts) > 10
    assert [block for block, different in texts.items() if len(different) > 1] == []


@pytest.mark.parametrize("name", QUERIES)
def test_kusto_parser(name: str, analyses: dict[str, Analysis]) -> None:
    """Kusto's own parser has nothing to say about a query, and infers the declared columns."""
    assert analyses[name].diagnostics == ()
    assert schema_differences(QUERIES[name], analyses[name].columns or []) == []


@pytest.mark.parametrize("name", QUERIES)
def test_runs_with_declared_columns(name: str, answers: Answers) -> None:
    """A query runs and returns rows with the columns and types that its header declares."""
    result = answers(name)
    check_result(QUERIES[name], result)
    assert result.rows


def test_nested_json(answers: Answers, embedded: Embedded) -> None:
    """sft_nested_json is all conversations with all turns; the simple form differs in the deltas alone."""
    full = {row["conversationId"]: row for row in answers("sft_nested_json").dicts()}
    simple = {row["conversationId"]: row for row in answers("sft_nested_json_simple").dicts()}
    assert set(full) == set(simple) == set(embedded.records) | embedded.invalid
    assert {c: as_record(full[c]) for c in embedded.records} == embedded.records
    for conversation, row in full.items():
        for turn in row["turnsArray"]:
            for call in turn["llmCalls"]:
                del call["promptTokenDelta"]
        assert simple[conversation] == row


def test_complete_conversations(answers: Answers, embedded: Embedded) -> None:
    """sft_complete_conversations_3to10 is the candidates of 3 to 10 turns."""
    rows = {row["conversationId"]: row for row in answers("sft_complete_conversations_3to10").dicts()}
    expected = {c: record for c, record in candidates(embedded).items() if record["turnCount"] <= 10}
    assert set(rows) - embedded.invalid == set(expected)
    assert {c: as_record(rows[c]) for c in expected} == expected
    assert all(row["isComplete"] for row in rows.values())


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("sft_100k_production", (40_000, 40_000, 20_000)),
        ("sft_stratified_by_turn_count", (5_000, 5_000, 3_000)),
        ("sft_test_100", (40, 40, 20)),
    ],
)
def test_samples(name: str, targets: tuple[int, int, int], answers: Answers, embedded: Embedded) -> None:
    """A sample is the first valid candidates of each bucket in the order of the portable hash."""
    rows = answers(name).dicts()
    by_bucket = defaultdict(list)
    for row in rows:
        by_bucket[row["bucket"]].append(row)
    valid = candidates(embedded)
    buckets = ("short_3_to_5_turns", "medium_6_to_10_turns", "long_11_to_20_turns")
    for bucket, target in zip(buckets, targets, strict=True):
        of_bucket = [c for c, record in valid.items() if record["bucket"] == bucket]
        order = sorted(of_bucket, key=lambda c: (portable_hash(f"0:{c}"), c))[:target]
        assert [row["conversationId"] for row in by_bucket[bucket]] == order
        assert [row["sampleOrder"] for row in by_bucket[bucket]] == list(range(1, len(order) + 1))
    assert {row["conversationId"]: as_record(row) for row in rows} == {
        row["conversationId"]: valid[row["conversationId"]] for row in rows
    }


def test_forms_of_the_test_query(answers: Answers) -> None:
    """The three test queries choose the same conversations and tell the same of their turns."""
    plain = answers("sft_test_100").dicts()
    lite = answers("sft_test_100_lite").dicts()
    rich = answers("sft_test_100_with_trajectory").dicts()
    for row, light, long in zip(plain, lite, rich, strict=True):
        assert row["conversationId"] == light["conversationId"] == long["conversationId"]
        for turn, short in zip(row["turnsArray"], light["turnsArray"], strict=True):
            assert short == {key: turn[key] for key in short}
        assert long["turnsArray"] == row["turnsArray"]
        steps = [
            {
                "turnIndex": turn["turnIndex"],
                **{key: call[key] for key in call if key in long["trajectory"][0]},
            }
            for turn in row["turnsArray"]
            for call in turn["llmCalls"]
        ]
        assert long["trajectory"] == steps
        assert long["callsWithTrajectory"] == sum(step["hasTrajectory"] for step in steps)


def test_first_turns(answers: Answers, embedded: Embedded) -> None:
    """First turns are those with index 1 and a user message, with the totals of their conversation."""
    rows = answers("sft_session_router_first_turns").dicts()
    by_turn = {(row["conversationId"], row["messageId"]): row for row in rows}
    assert len(by_turn) == len(rows)
    expected = {
        (c, turn["messageId"]): (record, turn)
        for c, record in embedded.records.items()
        for turn in record["turnsArray"]
        if turn["turnIndex"] == 1 and turn["userMessage"].strip()
    }
    assert {key for key in by_turn if key[0] not in embedded.invalid} == set(expected)
    for key, (record, turn) in expected.items():
        row, calls = by_turn[key], turn["llmCalls"]
        assert (row["userMessage"], row["modelMessage"]) == (turn["userMessage"], turn["modelMessage"])
        assert (row["turnCount"], row["isComplete"]) == (record["turnCount"], record["isComplete"])
        assert row["llmCallCount"] == len(calls)
        assert row["completionTokens"] == sum(call["completionTokens"] or 0 for call in calls)
        assert row["totalLlmCalls"] == record["llmCallCount"]
        assert row["totalCompletionTokens"] == record["totalCompletionTokens"]
        assert row["maxPromptTokens"] == record["maxPromptTokens"]
        bucket = "complex" if len(calls) >= 5 else "moderate" if len(calls) > 1 else "simple"
        assert row["complexityBucket"] == bucket
        assert row["isLikelyReasoning"] == (bucket == "complex" or row["completionTokens"] >= 2000)


def all_records(answers: Answers) -> list[dict[str, Any]]:
    """Return every conversation's record, invalid ones too."""
    rows = answers("sft_candidates_hash_chunked", num_chunks="1", include_filtered="true").dicts()
    return [as_record(row) for row in rows]


def deltas_of(record: dict[str, Any]) -> list[tuple[int | None, int | None]]:
    """Return (promptTokens, promptTokenDelta) of a conversation's calls in order."""
    calls = [call for turn in record["turnsArray"] for call in turn["llmCalls"]]
    return [(call["promptTokens"], call["promptTokenDelta"]) for call in calls]


def test_delta_accuracy(answers: Answers) -> None:
    """Deltas of a complete conversation add up to its last level; the query counts what the records say."""
    expected: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for record in all_records(answers):
        calls = deltas_of(record)
        if not calls:
            continue
        known = [delta for _, delta in calls if delta is not None]
        count = expected[record["isComplete"]]
        count["conversations"] += 1
        count["exact"] += bool(known) and sum(known) == calls[-1][0]
        count["withFalls"] += any(delta < 0 for delta in known)
        count["withUnknown"] += len(known) < len(calls)
    for row in answers("delta_accuracy").dicts():
        count = expected.pop(row["isComplete"])
        assert {key: row[key] for key in count} == count
    assert expected == {}


def test_token_accumulation(answers: Answers) -> None:
    """The query counts the steps of the levels as the records have them."""
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for record in all_records(answers):
        calls = deltas_of(record)
        if not (record["isComplete"] and record["bucket"] and calls):
            continue
        count = expected[record["bucket"]]
        count["conversations"] += 1
        count["calls"] += len(calls)
        steps = [delta for _, delta in calls[1:]]
        count["rises"] += sum(delta is not None and delta > 0 for delta in steps)
        count["unchanged"] += steps.count(0)
        count["falls"] += sum(delta is not None and delta < 0 for delta in steps)
        count["unknown"] += steps.count(None)
    rows = {row["bucket"]: row for row in answers("token_accumulation").dicts()}
    assert {
        bucket: {key: rows[bucket][key] for key in count} for bucket, count in expected.items()
    } == expected
    assert all(row["averageSum"] > row["averageLargest"] > 0 for row in rows.values())


def test_num_requests_formula(answers: Answers) -> None:
    """The relation of numRequests to the tool calls is counted per turn."""
    turns = {turn["messageId"]: turn for record in all_records(answers) for turn in record["turnsArray"]}
    expected: Counter[str] = Counter()
    for turn in turns.values():
        given, calls = turn["numRequests"], sum(turn["toolCounts"].values()) + 1
        relation = (
            "equal" if given == calls else "smaller" if given is not None and given < calls else "larger"
        )
        expected["unknown" if given is None else relation] += 1
    rows = answers("numRequests_formula").dicts()
    assert {row["relation"]: row["turns"] for row in rows} == expected
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_tool_schema(answers: Answers) -> None:
    """Tool calls and offers are counted per turn."""
    turns = {turn["messageId"]: turn for record in all_records(answers) for turn in record["turnsArray"]}
    calls: Counter[str] = Counter()
    offered: Counter[str] = Counter()
    for turn in turns.values():
        calls.update(turn["toolCounts"])
        offered.update(set(turn["availableTools"]))
    rows = {row["tool"]: row for row in answers("tool_schema").dicts()}
    assert set(calls) <= set(rows)
    assert all(rows[tool]["calls"] >= count for tool, count in calls.items())
    assert all(rows[tool]["offered"] >= count for tool, count in offered.items())


def test_discover_events(answers: Answers, embedded: Embedded) -> None:
    """All events of the window are counted, each under its name."""
    rows = answers("discover_events").dicts()
    fates = embedded.funnel["events"]
    assert sum(row["events"] for row in rows) == sum(fates.values()) - fates["outside_window"]
    assert all(row["firstSeen"] <= row["lastSeen"] for row in rows)
