"""The judge against llmock, which keeps a log of every request and a verdict on its client's manners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.labels.judge_servers.running import Judging, write_turns

if TYPE_CHECKING:
    from pathlib import Path

TURNS = 60

pytestmark = pytest.mark.slow


@pytest.fixture
def judging(tmp_path: Path, llmock: Any) -> Judging:
    """Give a run against llmock, which answers 1 to everything."""
    llmock.reply("1", times=None)
    turns = write_turns(tmp_path / "turns.jsonl", TURNS)
    return Judging(turns, tmp_path / "judged", llmock.base_url("openai"), "gpt-mock")


def chats(llmock: Any) -> list[Any]:
    """Return the log of all chats, in order of arrival."""
    return [record for record in llmock.requests if record.path.endswith("/chat/completions")]


def test_a_quota_loses_no_request_and_costs_hardly_any_time(judging: Judging, llmock: Any) -> None:
    """Under 600 requests a minute, 10 a second once the first 600 are gone: all are answered, near the floor.

    The floor is the time in which the quota allows as many answers; 1.1 attempts for each are allowed.
    """
    llmock.limits(rpm=600)
    write_turns(judging.turns, 620)
    report = judging.run()
    log = chats(llmock)
    answered = [record for record in log if record.status == 200]
    assert report["states"] == {"labeled": 620}
    floor = (len(answered) - 600) / 10
    assert floor > 5
    assert answered[-1].ended_at - log[0].started_at <= 1.1 * floor
    assert len(log) <= 1.1 * len(answered)
    assert judging.answered_twice() == []
    llmock.assert_resilient()


def test_trouble_that_passes_is_outlived_with_good_manners(judging: Judging, llmock: Any) -> None:
    """429 with Retry-After, 5xx and a timeout delay a run, lose nothing, and leave no complaint about the client."""
    from llmock.scenarios import Delay, Fail

    write_turns(judging.turns, 5)
    judging.run()
    faults = [Fail(429, retry_after=0.5, times=3), Fail(500, times=2), Fail(503, times=2), Fail(529, times=1)]
    llmock.add(*faults, Delay(4.0, times=2))
    write_turns(judging.turns, TURNS)
    report = judging.run("--timeout", "2")
    assert report["states"] == {"labeled": TURNS}
    retries = report["traffic"]["retries"]
    assert {key: count for key, count in retries.items() if key != "timeout"} == {
        "429": 3, "500": 2, "503": 2, "529": 1,
    }  # fmt: skip
    assert 1 <= retries["timeout"] <= 2  # the delay may meet a request that fails
    assert judging.answered_twice() == []
    llmock.assert_resilient()


@pytest.mark.parametrize(("status", "words"), [(401, "OPENAI_API_KEY"), (404, "--model")])
def test_errors_that_stay_end_the_run_at_once(judging: Judging, llmock: Any, status: int, words: str) -> None:
    """401 and 404 are never asked again; the run ends with exit code 1 and says what to do."""
    llmock.fail(status, times=None)
    report = judging.run(code=1)
    assert words in str(report)
    assert len(chats(llmock)) <= 2
    llmock.assert_resilient()


def test_no_quota_left_ends_the_run_and_keeps_what_is_finished(judging: Judging, llmock: Any) -> None:
    """insufficient_quota stops cleanly; after a top-up the same command asks only what is left."""
    from llmock.scenarios import Fail

    write_turns(judging.turns, 20)
    judging.run()
    before = len(chats(llmock))
    write_turns(judging.turns, TURNS)
    llmock.add(Fail(429, code="insufficient_quota", message="You exceeded your current quota.", times=None))
    report = judging.run(code=1)
    assert "insufficient_quota" in str(report)
    assert len(chats(llmock)) - before <= 16  # the window of the first moment
    assert len(judging.labels()) >= 20
    llmock.reset().reply("1", times=None)
    report = judging.run()
    assert report["states"] == {"labeled": TURNS}
    assert judging.answered_twice() == []


def test_garbage_breaks_the_circuit(judging: Judging, llmock: Any) -> None:
    """A server that answers prose, again and again, is not paid for a whole run; nothing gets a label."""
    llmock.reset().reply("Let me think about that for a moment.", times=None)
    write_turns(judging.turns, 500)
    report = judging.run(code=1)
    assert "no digit" in str(report)
    assert len(chats(llmock)) < 100
    assert not list(judging.out.glob("LABELED_*"))


def test_a_budget_stops_before_it_is_passed(judging: Judging, llmock: Any, tmp_path: Path) -> None:
    """All attempts together cost less than the cap, and a higher one goes on from there."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("dated: 2026-01-01\nmodels:\n  gpt-mock: {input: 10, output: 10}\n")
    whole = judging.run("--prices", str(prices))["traffic"]["all_runs"]["cost_usd"]
    again = Judging(judging.turns, tmp_path / "again", judging.url, judging.model)
    cap = float(whole) * 0.7
    report = again.run("--prices", str(prices), "--budget-usd", f"{cap:.6f}", code=1)
    assert "budget" in report["stopped"]
    assert 0 < float(report["traffic"]["all_runs"]["cost_usd"]) <= cap
    assert again.run("--prices", str(prices), "--budget-usd", "100")["states"] == {"labeled": TURNS}
    assert again.answered_twice() == []
