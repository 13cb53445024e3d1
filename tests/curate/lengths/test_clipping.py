"""Clipping shortens at message borders, keeps calls with their results, and accounts for all."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.core.chat import Example
from turnsmith.curate.lengths.clipping import LAST_TURN, NO_ANSWER, TEXT, TOO_LONG, How, clip, is_paired

Messages = list[dict[str, Any]]


def message(role: str, content: str = "", **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"role": role, "content": content, **more}


def size(example: Example) -> int:
    """Count one token per message: enough to see what is cut."""
    return len(example["messages"])


def calls(name: str) -> Messages:
    """Return a call and its result."""
    return [message("assistant", tool_calls=[{"id": name}]), message("tool", tool_call_id=name)]


SYSTEM = message("system", "s")
TURNS = [
    [message("user", "q1"), *calls("a"), message("assistant", "a1")],
    [message("user", "q2"), message("assistant", "a2")],
    [message("user", "q3"), *calls("b"), message("assistant", "a3")],
]
CHAT: Messages = [SYSTEM, *TURNS[0], *TURNS[1], *TURNS[2]]


def clipped(messages: Messages, how: How, limit: int) -> tuple[Messages | None, Any]:
    """Return the messages that are kept and what meta or the reason says."""
    example = {"messages": messages, "meta": {"id": "x"}}
    made = clip(example, how, limit, len(messages), size)
    if made.example is None:
        return None, made.reason
    return made.example["messages"], made.example["meta"].get("clipped")


def test_short_examples_stay_as_they_are() -> None:
    """An example within the limit is the very same."""
    example = {"messages": CHAT}
    assert clip(example, How.head, 11, 11, size).example is example


def test_head_drops_the_oldest_turns() -> None:
    """The system message stays, whole turns go, oldest first and no more than needed."""
    kept, note = clipped(CHAT, How.head, 10)
    assert kept == [SYSTEM, *TURNS[1], *TURNS[2]]
    assert note == {"how": "head", "messages": 4, "tokens": 4}
    assert clipped(CHAT, How.head, 6)[0] == [SYSTEM, *TURNS[2]]


def test_head_drops_what_no_turn_fits() -> None:
    """Where even the last turn is too long, the example goes, with the reason."""
    assert clipped(CHAT, How.head, 4) == (None, LAST_TURN)


def test_middle_keeps_the_first_turn_and_the_newest() -> None:
    """The first turn stays with its calls; turns after it go, oldest first."""
    kept, note = clipped(CHAT, How.middle, 10)
    assert kept == [SYSTEM, *TURNS[0], *TURNS[2]]
    assert note == {"how": "middle", "messages": 2, "tokens": 2}


def test_middle_of_one_turn_keeps_question_and_newest_rounds() -> None:
    """A trajectory of one request keeps it and its last rounds, a call never without its result."""
    question = message("user", "q")
    messages = [SYSTEM, question, *calls("a"), *calls("b"), *calls("c"), message("assistant", "done")]
    assert clipped(messages, How.middle, 8)[0] == [SYSTEM, question, *messages[4:]]
    assert clipped(messages, How.middle, 6)[0] == [SYSTEM, question, *messages[6:]]
    assert clipped(messages, How.middle, 4)[0] == [SYSTEM, question, messages[-1]]


def test_a_result_that_came_late_keeps_its_call() -> None:
    """A cut between a call and a result that stands in a later turn is passed over."""
    late = [message("user"), calls("a")[0], message("user"), calls("a")[1], message("assistant")]
    messages = [*late, message("user"), message("assistant")]
    assert clipped(messages, How.head, 6)[0] == messages[5:]


def test_drop_leaves_long_examples_out() -> None:
    """`drop` cuts nothing."""
    assert clipped(CHAT, How.drop, 10) == (None, TOO_LONG)


@pytest.mark.parametrize("end", [message("user"), message("tool"), calls("z")[0]])
def test_an_example_without_answer_is_dropped(end: dict[str, Any]) -> None:
    """What does not end with an answer of the assistant can't be clipped."""
    assert clipped([*CHAT, end], How.head, 6) == (None, NO_ANSWER)


def test_a_text_is_dropped() -> None:
    """A fill-in-the-middle text has no borders to cut at."""
    assert clip({"text": "x"}, How.head, 1, 2, size).reason == TEXT


@settings(deadline=None)  # a busy machine is no fault
@given(
    turns=st.lists(st.lists(st.booleans(), max_size=3), min_size=1, max_size=5),
    system=st.booleans(),
    how=st.sampled_from(How),
    limit=st.integers(1, 20),
)
def test_what_is_kept_is_whole(turns: list[list[bool]], system: bool, how: How, limit: int) -> None:
    """Whatever is clipped fits, begins as it did, ends with the answer, and has no call without result."""
    messages: Messages = [SYSTEM] if system else []
    for number, rounds in enumerate(turns):
        messages.append(message("user", f"q{number}"))
        for index, has_call in enumerate(rounds):
            messages += calls(f"{number}.{index}") if has_call else [message("assistant", "thinks")]
        messages.append(message("assistant", f"a{number}"))
    kept, _ = clipped(messages, how, limit)
    if kept is None:
        assert len(messages) > limit
        return
    assert len(kept) <= limit
    assert is_paired(kept)
    assert kept[-1] is messages[-1]
    assert kept[0]["role"] == messages[0]["role"]
    assert next(each["role"] for each in kept if each["role"] != "system") == "user"
