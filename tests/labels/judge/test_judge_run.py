"""A run from turns to a labeled set against a server on loopback: labels, resume, faults, budget."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.labels.judge.making import reply, turn, write_turns
from tests.labels.judge.scripted_server import ScriptedServer, error, judged
from turnsmith.core.errors import BusyError, DataError, EmptyResultError, InputError, UsageError
from turnsmith.core.runs import hold
from turnsmith.labels import labeled_set
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.options import JudgeOptions
from turnsmith.labels.judge.report import JudgeReport, spent_before
from turnsmith.labels.judge.running import judge
from turnsmith.labels.records import Label, Turn, encode

KEY = "sk-0123456789abcdefghij"
TURNS = [turn(f"Design number {i}." if i % 3 else f"Rename number {i}.", i) for i in range(40)]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Run a server that answers by keywords."""
    with ScriptedServer() as running:
        yield running


def run(folder: Path, server: ScriptedServer, turns: list[Turn] = TURNS, **more: Any) -> JudgeReport:
    """Judge turns into a folder."""
    source = write_turns(folder / "turns.jsonl", turns)
    options = JudgeOptions(model="gpt-4o-mini", endpoint=server.address, **more)
    return judge(str(source), folder / "out", options)


def labels(folder: Path) -> dict[str, Label]:
    """Return the labels by request."""
    return {label.request: label for label in labeled_set.read(folder / "out")}


def votes_in(server: ScriptedServer) -> int:
    """Return the requests that were neither probe nor canary."""
    return server.asked("number")


def test_labels_are_right_whatever_the_digits_mean(tmp_path: Path, server: ScriptedServer) -> None:
    """Each turn gets the label that the judge meant, with its probability, model, prompt and strategy."""
    report = run(tmp_path, server)
    found = labels(tmp_path)
    assert len(found) == len(TURNS)
    for request, label in found.items():
        assert label.llm_vote == int(request.startswith("Rename"))
        assert abs(label.soft_label - label.llm_vote) < 0.15
        assert (label.judge, label.judge_model, label.prompt_version) == ("llm", "gpt-4o-mini", "judge-1")
        assert label.outside is not None
    assert {("Answer 1: a reasoning" in body["messages"][0]["content"]) for body in server.seen} == {
        True,
        False,
    }
    assert report.server["logprobs"]
    assert report.server["follows"]
    assert report.tally.canary_rate(order=False) == 1.0
    assert report.tally.canary_rate(order=True) == 1.0


def test_finished_run_asks_nothing_again(tmp_path: Path, server: ScriptedServer) -> None:
    """The same command again sends nothing, not even the probe, and writes the same bytes."""
    run(tmp_path, server)
    sent = len(server.seen)
    before = {path: path.read_bytes() for path in labeled_set.files(tmp_path / "out")}
    run(tmp_path, server)
    assert len(server.seen) == sent
    assert {path: path.read_bytes() for path in labeled_set.files(tmp_path / "out")} == before


def test_only_what_changed_is_asked(tmp_path: Path, server: ScriptedServer) -> None:
    """New turns are asked alone; another strategy asks all again and keeps the old answers."""
    run(tmp_path, server, TURNS[:30])
    sent = votes_in(server)
    run(tmp_path, server, TURNS)
    assert votes_in(server) - sent == 10 + sum(server.asked(each.request) > 1 for each in TURNS[30:])
    sent = votes_in(server)
    run(tmp_path, server, TURNS, strategy="signals")
    assert votes_in(server) - sent >= len(TURNS)
    run(tmp_path, server, TURNS)
    assert server.asked("number 5.") <= 4


def test_equal_requests_are_asked_once(tmp_path: Path, server: ScriptedServer) -> None:
    """Turns that show the judge the same text share one request, also while it is under way."""
    same = [turn("Design the same number.", i) for i in range(50)]
    run(tmp_path, server, same)
    assert 1 <= votes_in(server) <= 2  # the second is the second judgment
    assert len(list(labeled_set.read(tmp_path / "out"))) == 50


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_passing_failures_are_tried_again(tmp_path: Path, status: int) -> None:
    """Each of these is tried again, and no turn is lost."""

    def script(body: dict[str, Any], number: int) -> Any:
        return error(status, retry_after_header="0.05") if number % 9 == 0 else None

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, TURNS[:12])
    assert len(labels(tmp_path)) == 12
    assert sum(report.traffic["retries"].values()) >= 3


def test_lost_connections_are_tried_again(tmp_path: Path) -> None:
    """A connection that breaks off is tried again."""
    with ScriptedServer(lambda _body, number: (0, {}, b"") if number % 9 == 0 else None) as server:
        report = run(tmp_path, server, TURNS[:12])
    assert len(labels(tmp_path)) == 12
    assert report.traffic["retries"]["disconnected"] >= 3


def test_slow_answers_are_tried_again(tmp_path: Path) -> None:
    """A request beyond --timeout is given up and tried again."""
    import time

    def script(body: dict[str, Any], number: int) -> Any:
        if number == 12:
            time.sleep(1.5)
        return None

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, TURNS[:12], timeout=0.7)
    assert len(labels(tmp_path)) == 12
    assert report.traffic["retries"]["timeout"] >= 1


def test_bad_requests_are_not_tried_again(tmp_path: Path) -> None:
    """A 400 ends its turn: filtered and too long for good, others until the next run; none becomes a label."""

    def script(body: dict[str, Any], number: int) -> Any:
        data = body["messages"][-1]["content"]
        if "number 1." in data:
            return error(400, "x", code="content_filter")
        if "number 2." in data:
            return error(400, "x", code="context_length_exceeded")
        return error(400, "odd") if "number 4." in data else None

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, TURNS[:8])
        assert report.tally.states == {"labeled": 5, "content_filter": 1, "too_long": 1, "error": 1}
        seen = [server.asked(f"number {i}.") for i in (1, 2, 4)]
        assert all(count <= 2 for count in seen)
        run(tmp_path, server, TURNS[:8])
        assert server.asked("number 1.") == seen[0]
        assert server.asked("number 4.") > seen[2]
    lines = [json.loads(line) for line in (tmp_path / "out/unlabeled.jsonl").read_text().splitlines()]
    assert [(line["messageId"], line["state"]) for line in lines] == [
        ("m1", "content_filter"), ("m2", "too_long"), ("m4", "error"),
    ]  # fmt: skip
    assert "request" not in lines[0]


def test_refusals_and_garbage_are_no_labels(tmp_path: Path) -> None:
    """Refused, filtered and garbled answers are counted under their names and paid for once."""
    odd = {
        "number 1.": reply("", finish_reason="content_filter"),
        "number 2.": reply(None, message={"content": None, "refusal": "no"}),
        "number 3.": reply("Sure"),
        "number 4.": b"\xff no json",
    }

    def script(body: dict[str, Any], number: int) -> Any:
        data = body["messages"][-1]["content"]
        return next(((200, {}, content) for text, content in odd.items() if text in data), None)

    with ScriptedServer(script) as server:
        for _ in range(2):
            report = run(tmp_path, server, TURNS[:10])
            assert report.tally.states == {"labeled": 6, "content_filter": 1, "refusal": 1, "garbage": 2}
        assert server.asked("number 3.") <= 2


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), "key"),
        (error(403, "no"), "403"),
        (error(404, "no such model"), "404"),
        (error(429, "You exceeded your current quota", code="insufficient_quota"), "credit"),
    ],
)
def test_hopeless_failures_stop_the_run(tmp_path: Path, response: Any, said: str) -> None:
    """Wrong key, no right, unknown model or no money end the run at once; what is finished is kept and written."""

    def script(body: dict[str, Any], number: int) -> Any:
        return response if "number 20." in body["messages"][-1]["content"] else None

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, TURNS, concurrency=1)
        assert report.stopped is not None
        assert said in report.stopped
        assert report.tally.states["not_asked"] == len(TURNS) - report.tally.states["labeled"] > 10
        assert len(labels(tmp_path)) == report.tally.states["labeled"] >= 15
        sent = len(server.seen)
        server.script = None
        assert run(tmp_path, server).stopped is None
        assert len(server.seen) - sent <= 30
    assert len(labels(tmp_path)) == len(TURNS)


def test_key_is_kept_nowhere(tmp_path: Path) -> None:
    """The key goes to the server alone: not into the cache, reports or errors, even where the server repeats it."""
    with ScriptedServer(lambda _body, _number: error(401, f"Incorrect API key provided: {KEY}")) as server:
        with pytest.raises(DataError) as told:
            run(tmp_path, server)
        assert server.keys == [f"Bearer {KEY}"]
    assert KEY not in str(told.value)
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_only_garbage_stops_the_run(tmp_path: Path) -> None:
    """After 25 answers in a row that are no digit, nothing more is paid for."""
    with ScriptedServer(
        lambda body, _: (200, {}, reply("maybe")) if "number" in str(body) else None
    ) as server:
        many = [turn(f"Design number {i}.", i) for i in range(200)]
        with pytest.raises(EmptyResultError, match="no digit"):
            run(tmp_path, server, many, concurrency=4)
        assert votes_in(server) < 60


def test_budget_is_never_passed(tmp_path: Path, server: ScriptedServer) -> None:
    """The run stops before the cap, writes the labels so far, and goes on under a higher cap."""
    cap = Decimal("0.0012")
    report = run(tmp_path, server, budget=cap)
    spent = Decimal(report.traffic["all_runs"]["cost_usd"])
    assert report.stopped is not None
    assert "budget" in report.stopped
    # 100 tokens at 0.15 dollars a million and one at 0.60, as the server counts.
    assert spent == len(server.seen) * Decimal("0.0000156")
    assert Decimal("0.0005") < spent <= cap
    assert 0 < len(labels(tmp_path)) < len(TURNS)
    assert run(tmp_path, server, budget=Decimal(1)).stopped is None
    assert len(labels(tmp_path)) == len(TURNS)


def test_budget_needs_a_price(tmp_path: Path, server: ScriptedServer) -> None:
    """A cap on a model without a price is refused before anything is sent."""
    source = write_turns(tmp_path / "turns.jsonl", TURNS)
    with pytest.raises(UsageError, match="no price for odd"):
        judge(
            str(source),
            tmp_path / "out",
            JudgeOptions(model="odd", endpoint=server.address, budget=Decimal(1)),
        )
    assert not server.seen


def test_votes_without_probabilities(tmp_path: Path) -> None:
    """A server that ignores logprobs is found out; votes then give the probability and their agreement."""

    def script(body: dict[str, Any], number: int) -> Any:
        answer = judged({**body, "logprobs": False})
        if "number 5." in str(body) and "Answer 1: a reasoning" in body["messages"][0]["content"]:
            answer = reply("0")  # of a different mind where the digits are swapped
        return 200, {}, answer

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, TURNS[:12], votes=4)
        assert server.seen[-1]["temperature"] == 1
    assert not report.server["logprobs"]
    found = labels(tmp_path)
    assert (found["Design number 4."].soft_label, found["Design number 4."].agreement) == (0.0, 1.0)
    assert (found["Design number 5."].soft_label, found["Design number 5."].agreement) == (0.5, 0.5)
    assert found["Design number 5."].llm_vote == 0
    assert found["Design number 4."].outside is None


def test_server_that_takes_fewer_parameters(tmp_path: Path) -> None:
    """A server that refuses parameters gets what it takes, under the name that it takes."""

    def script(body: dict[str, Any], number: int) -> Any:
        for name, said in (("max_tokens", "Unsupported parameter: 'max_tokens', use 'max_completion_tokens'"),
                           ("seed", "seed is not supported")):  # fmt: skip
            if name in body:
                return error(400, said, param=name)
        if body.get("top_logprobs", 0) > 5:
            return error(400, "top_logprobs must be at most 5", param="top_logprobs")
        return None

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, TURNS[:5])
        assert {key: server.seen[-1].get(key) for key in ("max_completion_tokens", "top_logprobs", "seed")} == {
            "max_completion_tokens": 1, "top_logprobs": 5, "seed": None,
        }  # fmt: skip
    assert report.server["logprobs"]
    assert len(labels(tmp_path)) == 5


def test_stencil_probabilities_are_not_used(tmp_path: Path) -> None:
    """A server that gives every question the same probabilities is found out, and a warning says so."""
    with ScriptedServer(lambda _body, _: (200, {}, reply("1", {"1": -0.2, "0": -1.8}))) as server:
        report = run(tmp_path, server)
    assert not report.server["logprobs"]
    assert any("same logprobs" in warning for warning in report.warnings)
    assert any("canaries" in warning for warning in report.warnings)


def test_rationales_are_asked_apart(tmp_path: Path, server: ScriptedServer) -> None:
    """Reasons come from a request of their own that knows the label, and do not change it."""
    run(tmp_path, server, TURNS[:6])
    before = {request: label.soft_label for request, label in labels(tmp_path).items()}
    run(tmp_path, server, TURNS[:6], rationales=True)
    found = labels(tmp_path)
    assert {label.rationale for label in found.values()} == {"It names a hard thing."}
    assert {request: label.soft_label for request, label in found.items()} == before
    asked = [body for body in server.seen if "decision" in body["messages"][0]["content"]]
    assert len(asked) == 6
    assert "logprobs" not in asked[0]
    assert asked[0]["max_tokens"] > 50


def test_second_judgments_and_bias_are_measured(tmp_path: Path) -> None:
    """A judge that prefers the digit 1 is found out: by its bias, and by turns judged twice."""
    many = [turn(f"Design number {i}.", i) for i in range(300)]

    def script(body: dict[str, Any], number: int) -> Any:
        noise = len(str(body)) % 7 / 1000
        return (
            200,
            {},
            reply("1", {"1": -0.01 - noise, "0": -5.0 - noise}) if "number" in str(body) else judged(body),
        )

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, many, concurrency=8)
    bias = report.tally.position_bias
    assert bias is not None
    assert bias > 0.4
    assert report.tally.twice >= 10
    assert report.tally.twice_same == 0
    assert any("prefers the digit 1" in warning for warning in report.warnings)


def test_bad_lines_are_counted_with_their_place(tmp_path: Path, server: ScriptedServer) -> None:
    """Lines that are no turns are counted and named by file and line; their text is shown nowhere."""
    source = write_turns(tmp_path / "turns.jsonl", TURNS[:3])
    source.write_bytes(source.read_bytes() + b'{"secret": 1}\nnot json\n' + encode(turn(" \n")))
    report = judge(str(source), tmp_path / "out", JudgeOptions(model="m", endpoint=server.address))
    assert report.account.bad == {"no turn": 1, "no valid JSON": 1, "empty request": 1}
    assert report.account.samples["no turn"] == [f"{source}:4"]


def test_one_data_set_for_each_file(tmp_path: Path, server: ScriptedServer) -> None:
    """A second data set in the file is an error that names the line."""
    with pytest.raises(InputError, match=r"turns\.jsonl:2"):
        run(tmp_path, server, [turn(), turn(number=2, dataset="set_2")])


def test_one_run_at_a_time(tmp_path: Path, server: ScriptedServer) -> None:
    """A second run on the same folder is told to wait."""
    with hold(tmp_path / "out", "other"), pytest.raises(BusyError):
        run(tmp_path, server)


def test_attempts_are_kept_with_what_they_cost(tmp_path: Path, server: ScriptedServer) -> None:
    """Every HTTP attempt is a row: as many as the server saw, with status, latency, usage and cost."""
    run(tmp_path, server)
    rows = sqlite3.connect(tmp_path / "out/judge.sqlite").execute(
        "SELECT status, latency_ms > 0, prompt_tokens, completion_tokens, cost, served_model FROM attempts"
    )
    assert rows.fetchall() == [(200, 1, 100, 1, "0.0000156", "served-1")] * len(server.seen)


def test_full_disk_is_told(tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where answers can't be kept any more, the run ends and names the file; what was kept is found again."""
    run(tmp_path, server, TURNS[:10])
    sent = len(server.seen)
    opened = sqlite3.connect

    def small(path: Path, **more: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = opened(path, **more)
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages + 1}")
        return database

    monkeypatch.setattr(sqlite3, "connect", small)
    many = [turn(f"Design number {i}.", i) for i in range(300)]
    with pytest.raises(DataError, match=r"judge\.sqlite: can't be used: .*full"):
        run(tmp_path, server, many, concurrency=2)
    monkeypatch.undo()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert len(server.seen) > sent
    sent = len(server.seen)
    run(tmp_path, server, TURNS[:10])
    assert len(server.seen) == sent


def test_key_in_an_answer_is_not_kept(tmp_path: Path) -> None:
    """A proxy that repeats the key in its good answers brings it into no file either."""
    with ScriptedServer(lambda body, _number: (200, {}, {**judged(body), "model": f"x {KEY}"})) as server:
        run(tmp_path, server, TURNS[:5])
        assert server.keys[0] == f"Bearer {KEY}"
    assert len(labels(tmp_path)) == 5
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_probabilities_that_end_are_told(tmp_path: Path) -> None:
    """A server that stops giving probabilities after the start is found out, and the labels are counted."""

    def script(body: dict[str, Any], _number: int) -> Any:
        bare = "number" in body["messages"][-1]["content"]
        return (200, {}, judged({**body, "logprobs": False})) if bare else None

    with ScriptedServer(script) as server:
        report = run(tmp_path, server, TURNS[:5])
    assert report.server["logprobs"]
    assert any("5 labels came without the probabilities" in warning for warning in report.warnings)
    assert report.as_json()["without_probabilities"] == 5


def test_work_of_unknown_cost_counts_in_later_runs(tmp_path: Path) -> None:
    """What a timeout may have cost stands in the books at its worst, so that no later run passes the budget."""
    import time

    slow = ["number 0."]

    def script(body: dict[str, Any], _number: int) -> Any:
        if slow and slow[0] in body["messages"][-1]["content"]:
            slow.clear()
            time.sleep(1.5)
        return None

    with ScriptedServer(script) as server:
        run(tmp_path, server, TURNS[:1], budget=Decimal(1), timeout=0.7)
    with contextlib.closing(Cache(tmp_path / "out" / "judge.sqlite")) as cache:
        ((unknown,),) = cache.query("SELECT cost FROM attempts WHERE failure = 'timeout'")
        known = [Decimal(cost) for (cost,) in cache.query("SELECT cost FROM attempts WHERE failure IS NULL")]
        assert Decimal(unknown) > max(known)
        assert spent_before(cache) == sum(known) + Decimal(unknown)
