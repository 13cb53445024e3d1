"""A reply becomes a digit with probabilities, or a state that says why it is none."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.labels.judge.making import reply
from turnsmith.labels.judge.answer import (
    CONTENT_FILTER,
    FAILED,
    FINAL,
    GARBAGE,
    LABELED,
    REFUSAL,
    TOO_LONG,
    Answer,
    parse,
    read_failure,
)  # fmt: skip


def parsed(*arguments: object, **more: object) -> Answer:
    """Return the answer in a reply."""
    return parse(json.dumps(reply(*arguments, **more)).encode())  # type: ignore[arg-type]


def test_spellings_of_a_digit_are_summed() -> None:
    """P of a digit is the sum over its spellings; the rest of the mass is outside."""
    logs = {
        "1": math.log(0.5),
        " 1": math.log(0.2),
        "0": math.log(0.1),
        "\u25810": math.log(0.05),
        "The": math.log(0.1),
    }
    answer = parsed("1", logs)
    assert answer.state == LABELED
    assert answer.one == pytest.approx(0.7)
    assert answer.zero == pytest.approx(0.15)
    assert answer.outside == pytest.approx(0.15)
    assert answer.soft_label(flipped=False) == pytest.approx(0.7 / 0.85)
    assert answer.soft_label(flipped=True) == pytest.approx(0.15 / 0.85)


def test_without_logprobs_the_digit_counts() -> None:
    """A reply without probabilities gives 0 or 1, decoded by the meaning of the digits."""
    assert parsed("1").soft_label(flipped=False) == 1.0
    assert parsed("1").soft_label(flipped=True) == 0.0
    assert parsed("0").soft_label(flipped=True) == 1.0


def test_impossible_probabilities_are_not_believed() -> None:
    """Masses over one in sum, or none on a digit, count as no probabilities."""
    assert parsed("1", {"1": -0.01, "0": -0.01}).one is None
    assert parsed("1", {"x": -0.01}).one is None


@pytest.mark.parametrize(
    "text", ["1", " 1", "1.", "**1**", '"1"', "1\n\nBecause it is easy.", "<think>0? 0 or 1?</think>\n1"]
)
def test_digit_is_found(text: str) -> None:
    """Space, quotes, marks, a reason on the next line, or thoughts before do not hide the digit."""
    assert parsed(text).digit == 1


@pytest.mark.parametrize("text", ["", "0 or 1", "10", "2", "The answer is 1", "yes", "-", "0/1", None])
def test_what_is_no_digit_is_garbage(text: str | None) -> None:
    """Two digits, other numbers, sentences and nothing at all are garbage, never a label."""
    assert parsed(text).state == GARBAGE


def test_refusals_and_filters_have_their_own_states() -> None:
    """A content filter and a refusal are told apart from garbage."""
    assert parsed("", finish_reason="content_filter").state == CONTENT_FILTER
    assert parsed(None, message={"content": None, "refusal": "No."}).state == REFUSAL
    assert parsed("I'm sorry, I can't help with that").state == REFUSAL


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ({"code": "context_length_exceeded", "message": "too many"}, TOO_LONG),
        (
            {
                "message": "This model's maximum context length is 4096 tokens",
                "type": "invalid_request_error",
            },
            TOO_LONG,
        ),
        ({"code": "content_filter", "message": "The response was filtered"}, CONTENT_FILTER),
        ({"message": "Unknown parameter", "param": "top_logprobs"}, FAILED),
    ],
)
def test_refused_requests_have_their_states(error: dict[str, str], state: str) -> None:
    """A 400 is told by its code or message; what may go better is not final."""
    failure = read_failure(json.dumps({"error": error}).encode())
    assert failure.state == state
    assert (state in FINAL) == (state != FAILED)


def test_quota_is_told_from_a_limit() -> None:
    """insufficient_quota ends a run; a rate limit does not."""
    assert read_failure(b'{"error": {"code": "insufficient_quota", "message": "x"}}').out_of_money
    assert not read_failure(b'{"error": {"code": "rate_limit_exceeded", "message": "x"}}').out_of_money


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_any_bytes_are_an_answer(body: bytes) -> None:
    """Whatever a server sends, there is a state and no exception."""
    assert parse(body).state == GARBAGE
    read_failure(body)
