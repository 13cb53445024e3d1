"""The weak judge: sensible, the same everywhere, and blind to what its strategy may not see."""

import time
from typing import Any

import pytest

from tests.labels.making import signals, turn
from turnsmith.core.errors import UsageError
from turnsmith.labels.records import Exchange, Signals
from turnsmith.labels.weak import STRATEGIES, judge, rules_hash

SIMPLE = [
    "commit this",
    "push and create a PR",
    "what is the name of the config file?",
    "thanks, works now",
    "fix the typo in the README",
    "can you rename the variable to count?",
    "run the tests",
    "where is settings.Telemetry used?",
    "can you show me the P2 items again?",
]
HARD = [
    "Investigate why the worker deadlocks when two sessions write to the same shadow branch.",
    "Refactor the session store so that all callers go through one interface, and add tests for the edge cases.",
    "--- FAIL: TestResume (0.05s)\n    resume_test.go:364: unexpected state: nil\nwhat is going on here?",
    "Implement the following plan:\n\n# Plan\n\n1. Add a `buildinfo` package\n2. Wire it into session.State\n"
    "3. Migrate checkpoints\n4. Keep old metadata readable\n5. Tests",
    "Design a caching layer that is thread-safe, and compare the trade-offs of the approaches.",
]
MANY = signals(
    llm_call_count=40, num_requests=40, completion_tokens=12_000, tool_variety=7, duration_ms=900_000.0
)
FEW = signals(completion_tokens=60)


@pytest.mark.parametrize("request_text", SIMPLE)
def test_simple_requests_need_no_reasoning(request_text: str) -> None:
    """A chore, a look-up, a small edit or thanks is for a non-reasoning model."""
    assert judge(turn(request_text), "request")[0] >= 0.5


@pytest.mark.parametrize("request_text", HARD)
def test_hard_requests_need_reasoning(request_text: str) -> None:
    """A cause to find, a rework, a plan or a design is for a reasoning model."""
    assert judge(turn(request_text), "request")[0] < 0.5


def observed(given: Signals) -> dict[str, Any]:
    """Return signals as keywords."""
    return {name: getattr(given, name) for name in given.__struct_fields__}


def test_request_sees_the_request_alone() -> None:
    """With `request` neither what was observed nor the history moves the label; with the others they do."""
    text = "go ahead"
    past = [Exchange("How would you do it?", "A long proposal. " * 100)]
    busy, plain = turn(text, past, **observed(MANY)), turn(text, [], **observed(FEW))
    assert judge(busy, "request") == judge(plain, "request")
    assert judge(busy, "signals")[0] < judge(plain, "signals")[0]
    assert judge(busy, "history")[0] < judge(plain, "history")[0]
    assert judge(busy, "full")[0] < 0.5 < judge(plain, "full")[0]


def test_history_does_not_look_at_signals() -> None:
    """With `history` what was observed makes no difference."""
    assert judge(turn("go ahead", **observed(MANY)), "history") == judge(
        turn("go ahead", **observed(FEW)), "history"
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_reasons_add_up_to_the_probability(strategy: str) -> None:
    """Reasons name the rules that spoke, the strongest first; none of them quotes the request."""
    probability, reasons = judge(turn(HARD[1], **observed(MANY)), strategy)
    weights = [abs(float(reason.rsplit(" ", 1)[1])) for reason in reasons]
    assert 0.0 < probability < 1.0
    assert weights == sorted(weights, reverse=True)
    assert not any("session" in reason for reason in reasons)


def test_rules_are_small_and_named_once() -> None:
    """Every rule has a name of its own and a weight that alone does not decide everything."""
    rules = STRATEGIES["full"]
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(0 < abs(rule.weight) <= 2.5 for rule in rules)


@pytest.mark.parametrize(
    "text",
    ["a" * 2_000_000, "\n" * 2_000_000, "so " * 500_000, "a/" * 500_000, "_" * 100_000, " at " * 100_000, "`" * 99_999,
     "add " * 500_000, "- x\n" * 200_000, "ok, " * 300_000],
    ids=["letters", "lines", "polite", "paths", "marks", "at", "ticks", "add", "list", "agrees"],
)  # fmt: skip
def test_hostile_texts_take_no_time(text: str) -> None:
    """A text made to be slow is judged in well under a second, and its measures stay within 0 and 1."""
    started = time.perf_counter()
    assert 0.0 < judge(turn(text), "full")[0] < 1.0
    assert time.perf_counter() - started < 1.0
    assert all(0.0 <= rule.measure(turn(text)) <= 1.0 for rule in STRATEGIES["full"])


def test_unknown_strategy_is_wrong_usage() -> None:
    """A strategy that is none is named with those that are."""
    with pytest.raises(UsageError, match="'all' is none of request, signals, history, full"):
        judge(turn("Hi"), "all")


def test_hash_tells_the_rules() -> None:
    """The hash of the rules is 16 hex digits, the same at every call."""
    assert len(bytes.fromhex(rules_hash())) == 8
    assert rules_hash() == rules_hash()
