"""What the judge sees: by strategy, by the rule for histories, and never a label."""

import pytest

from tests.labels.judge.making import builder, messages, turn
from turnsmith.labels.judge.strategies import STRATEGIES, chosen_history, sections
from turnsmith.labels.records import Exchange


@pytest.mark.parametrize(
    ("length", "last", "shown"),
    [
        (0, 5, []),
        (3, 5, [1, 2, 3]),
        (3, 1, [1, 2, 3]),
        (4, 5, [1, 2, 3, 4]),
        (8, 5, [4, 5, 6, 7, 8]),
        (10, 3, [8, 9, 10]),
        (11, 5, [1, 7, 8, 9, 10, 11]),
        (12, 20, list(range(1, 13))),
    ],
)
def test_history_rule(length: int, last: int, shown: list[int]) -> None:
    """All earlier turns up to 3, the last ones up to 10, and the first one with them beyond."""
    history = [Exchange(str(i), "") for i in range(1, length + 1)]
    assert [index for index, _ in chosen_history(history, last)] == shown


@pytest.mark.parametrize(
    ("strategy", "kinds"),
    [
        ("request", ["request"]),
        ("signals", ["request", "observed behavior"]),
        ("history", ["earlier request 1", "earlier answer 1", "request"]),
        ("full", ["earlier request 1", "earlier answer 1", "request", "answer", "observed behavior"]),
    ],
)
def test_strategy_shows_its_sections_only(strategy: str, kinds: list[str]) -> None:
    """Each strategy shows what its name says, in a fixed order."""
    assert [kind for kind, _ in sections(turn(history=1), strategy, 5)] == kinds


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_existing_labels_are_never_shown(strategy: str) -> None:
    """What stands for a label in a turn reaches no message; the judge's digits do not depend on it."""
    made = builder(strategy=strategy)
    one, other = (
        made.voting(made.show(turn(history=2, is_likely_reasoning=likely, complexity_bucket=bucket)))
        for likely, bucket in ((True, "very_complex"), (False, "simple"))
    )
    assert one == other
    assert "complex" not in "".join(messages(one)[1:])


def test_long_texts_are_shortened_and_marked() -> None:
    """A long answer of an earlier turn and a long request lose their middle."""
    long = turn("r" * 5000, history=1)
    long.history[0].response = "a" * 9000
    shown = dict(sections(long, "history", 5, request_chars=900))
    assert "7,500 characters left out" in shown["earlier answer 1"]
    assert "4,100 characters left out" in shown["request"]


def test_signals_are_written_out() -> None:
    """Observed behavior is a line for each figure that is known."""
    text = dict(sections(turn(), "signals", 5))["observed behavior"]
    assert "calls of tools: 3 (apply_patch 1, read_file 2)" in text
    assert "milliseconds: 4200" in text
