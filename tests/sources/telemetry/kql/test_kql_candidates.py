"""The candidate query is the embedded assembly in another language: the same records from the same events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from turnsmith.core.hashing import portable_hash
from turnsmith.sources.telemetry.kql.catalog import find_query
from turnsmith.sources.telemetry.kql.parameters import given_values
from turnsmith.sources.telemetry.kql.records import to_conversation

from .conftest import AS_OF, REAL, WINDOW, Answers, Embedded, assemble, real_conversations

if TYPE_CHECKING:
    from pathlib import Path

    from turnsmith.sources.telemetry.kql.local import LocalEvents
    from turnsmith.sources.telemetry.kql.result import Result

NAME = "sft_candidates_hash_chunked"
CHUNKS = 2


def as_record(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the record that is written."""
    record: dict[str, Any] = msgspec.to_builtins(to_conversation(row))
    return record


def records(*results: Result) -> dict[str, dict[str, Any]]:
    """Return the records of results by conversation; each conversation comes once."""
    rows = [row for result in results for row in result.dicts()]
    found = {row["conversationId"]: as_record(row) for row in rows}
    assert len(found) == len(rows)
    return found


def ask(events: LocalEvents, text: str, **params: str) -> Result:
    """Run the candidate query, or a broken one, on everything in one chunk."""
    query = find_query(NAME)
    given = {"as_of": AS_OF, "window": WINDOW, "num_chunks": "1", "include_filtered": "true"} | params
    return events.run(text, given_values(query.parameters, given, NAME))


@pytest.fixture(scope="session")
def chunks(answers: Answers) -> list[Result]:
    """Give the answers for every chunk."""
    return [answers(NAME, num_chunks=str(CHUNKS), chunk=str(chunk)) for chunk in range(CHUNKS)]


@pytest.fixture(scope="session")
def odd_expected(tmp_path_factory: pytest.TempPathFactory, odd_file: Path) -> Embedded:
    """Give the embedded assembly's word on the hand-made events."""
    return assemble(tmp_path_factory.mktemp("odd_embedded"), [odd_file])


def test_candidates_of_all_chunks(chunks: list[Result], embedded: Embedded) -> None:
    """§2: all chunks together hold every candidate, record for record, and invalid ones too."""
    expected = {c: r for c, r in embedded.records.items() if c not in embedded.reasons}
    found = records(*chunks)
    assert set(found) == set(expected) | embedded.invalid
    assert {c: found[c] for c in expected} == expected
    assert len(expected) > 50
    assert all(row["reason"] == "" for chunk in chunks for row in chunk.dicts())


def test_each_conversation_in_its_chunk(chunks: list[Result]) -> None:
    """§3: a conversation is in the chunk of its portable hash."""
    for number, chunk in enumerate(chunks):
        assert {portable_hash(row["conversationId"]) % CHUNKS for row in chunk.dicts()} == {number}


def test_filtered_conversations(answers: Answers, embedded: Embedded) -> None:
    """Rules 7 and 8: on request the filtered come too, under the same filter, and whole."""
    result = answers(NAME, num_chunks="1", include_filtered="true")
    found = records(result)
    assert {c: found[c] for c in embedded.records} == embedded.records
    assert set(found) == set(embedded.records) | embedded.invalid
    assert {
        row["conversationId"]: row["reason"] for row in result.dicts() if row["reason"]
    } == embedded.reasons
    assert set(embedded.reasons.values()) == {
        "missing_turn_index", "incomplete_start", "turn_gap", "failed_turn", "outside_buckets",
    }  # fmt: skip


@pytest.mark.skipif(not REAL.exists(), reason="the shared telemetry sample is not beside this checkout")
def test_real_candidates(chunks: list[Result]) -> None:
    """Of 155 real conversations 90 are candidates."""
    real = real_conversations()
    assert len(real) == 155
    assert len({row["conversationId"] for chunk in chunks for row in chunk.dicts()} & real) == 90


def test_counts(answers: Answers, embedded: Embedded) -> None:
    """The cheap counts are those of the candidates and of each filter."""
    rows = answers("sft_candidate_counts").dicts()
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["reason"]] += row["conversations"]
    reasons = Counter(embedded.reasons.values())
    candidates = len(embedded.records) - len(embedded.reasons) + len(embedded.invalid)
    assert counts == reasons + Counter({"": candidates})
    assert counts.total() == embedded.funnel["conversations"]


def test_all_rounds(odd_events: LocalEvents, tmp_path: Path, odd_file: Path) -> None:
    """Rule 3: with model_text all_rounds, the distinct model texts of a turn in time order."""
    expected = assemble(tmp_path, [odd_file], model_text="all_rounds").records
    found = records(ask(odd_events, find_query(NAME).text, model_text="all_rounds"))
    assert found == expected
    assert found["rounds"]["turnsArray"][0]["modelMessage"].count("\n\n") == 3


@pytest.mark.parametrize(("given", "count"), [("failed,networkError", 1), ("other", 0), ("", 0)])
def test_failed_reasons(given: str, count: int, odd_events: LocalEvents) -> None:
    """Rule 8: what makes a turn failed can be chosen."""
    query = find_query("sft_candidate_counts")
    texts = {"as_of": AS_OF, "window": WINDOW, "failed_reasons": given}
    rows = odd_events.run(query.text, given_values(query.parameters, texts, NAME)).dicts()
    assert sum(row["conversations"] for row in rows if row["reason"] == "failed_turn") == count


MEMBERS = "| distinct conversationId, messageId\n    | join kind=leftsemi"
OUTPUTS = "messageId, TimeGenerated, promptTokens"
FIRST = "\n    | summarize inOrder = make_list(messageText, 1)"
BREAKS = {
    "shortest text": ("length desc", "length asc"),
    "latest of equal texts": ("length desc, firstSeen asc", "length desc, firstSeen desc"),
    "largest of equal texts": (f"messageText asc{FIRST}", f"messageText desc{FIRST}"),
    "earliest facts": ("TimeGenerated desc, turnIndex", "TimeGenerated asc, turnIndex"),
    "repeated calls": (f"| distinct {OUTPUTS}", f"| project {OUTPUTS}"),
    "order of calls": ("promptTokens asc nulls last", "promptTokens desc nulls last"),
    "all modes": ('== "agent"', '!= "edit"'),
    "facts make no turns": (MEMBERS, f"| where false\n    {MEMBERS}"),
    "open window": ("TimeGenerated <= until", "TimeGenerated < until"),
    "delta per turn": ("by conversationId, isComplete", "by conversationId, isComplete, messageId"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_broken_queries_are_noticed(broken: str, odd_events: LocalEvents, odd_expected: Embedded) -> None:
    """The hand-made events tell a query that breaks one rule from the right one."""
    right, wrong = BREAKS[broken]
    text = find_query(NAME).text
    assert right in text
    assert records(ask(odd_events, text.replace(right, wrong))) != odd_expected.records


def test_hand_made_events(odd_events: LocalEvents, odd_expected: Embedded) -> None:
    """§2: at the edge of every rule both say the same."""
    found = records(ask(odd_events, find_query(NAME).text))
    assert set(found) == set(odd_expected.records)
    for conversation, record in odd_expected.records.items():
        assert found[conversation] == record, conversation
    assert odd_expected.invalid == set()
