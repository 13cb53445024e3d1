"""Batches end in many ways; every answer that was paid for is kept, and every request gets its chance again."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.labels.judge_servers.asking import builder, post, voting
from tests.labels.servers.batches import Batches, Ending
from tests.labels.servers.words import EASY, HARD
from turnsmith.core.errors import DataError
from turnsmith.labels.judge.answer import FAILED, GARBAGE, LABELED, Usage, parse
from turnsmith.labels.judge.batch import Allowance, Collected, Limits, Submitted, collect, submit
from turnsmith.labels.judge.batch.collect import place_of
from turnsmith.labels.judge.batch.state import Batches as State
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.pricing import Price

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import OpenAI

    from tests.labels.servers.aimock import Aimock
    from turnsmith.labels.judge.request import Request

REQUESTS = [voting(f"Number {number}: {word}") for number, word in enumerate((*HARD, *EASY)[:24])]


def client_of(url: str) -> OpenAI:
    """Return a client without retries, so that a refusal is seen at once."""
    from openai import OpenAI

    return OpenAI(base_url=url, api_key="none", max_retries=0)


class Job:
    """Hold a cache, a client and a folder, as a run has them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.cache = Cache(folder / "judge.sqlite")
        self.client = client_of(url)

    def submit(self, requests: list[Request], limits: Limits | None = None, **more: Any) -> Submitted:
        """Submit requests."""
        return submit(requests, self.cache, self.client, self.folder, limits, **more)

    def collect(self) -> Collected:
        """Collect what is there; each answer costs a cent."""
        return collect(self.cache, self.client, self.folder, lambda usage: "0.01" if usage else None)

    def collect_all(self) -> Collected:
        """Collect until no batch is open."""
        report = self.collect()
        while report.open:
            report = self.collect()
        return report

    def states(self) -> list[str]:
        """Return the states of all attempts."""
        return [state for (state,) in self.cache.query("SELECT state FROM attempts ORDER BY id")]

    def close(self) -> None:
        """Close cache and client."""
        self.cache.close()
        self.client.close()


@pytest.fixture
def job(tmp_path: Path, batches: Batches) -> Iterator[Job]:
    """Give a job that talks to a fresh server of batches."""
    job = Job(tmp_path / "job", batches.url)
    yield job
    job.close()


def test_a_batch_gives_the_answers_of_the_same_requests_asked_one_by_one(job: Job, llama: str) -> None:
    """Digits, probabilities and usage out of a batch are those of direct calls."""
    job.submit(REQUESTS)
    job.collect_all()
    answers = job.cache.answers([request.key for request in REQUESTS])
    assert len(answers) == len(REQUESTS)
    for request in REQUESTS[::5]:
        direct, kept = parse(post(llama, request.body)), answers[request.key]
        assert (kept.state, kept.digit) == (direct.state, direct.digit) == (LABELED, direct.digit)
        assert kept.soft_label(request.flipped) == pytest.approx(direct.soft_label(request.flipped), abs=1e-3)
    costs = job.cache.query(
        "SELECT cost, status, prompt_tokens > 0, flipped FROM attempts WHERE key = ?", [REQUESTS[0].key]
    )
    assert costs == [("0.01", 200, 1, int(REQUESTS[0].flipped))]


def test_files_keep_to_the_limits_and_every_request_goes_once(job: Job, batches: Batches) -> None:
    """Requests are cut by count and by bytes; the same request met twice is in one batch only."""
    report = job.submit(REQUESTS[:10] + REQUESTS[:4], Limits(requests=4))
    assert [report.requests, report.passed.repeated, len(report.batches)] == [10, 4, 3]
    size = 3 * max(len(request.body) + 130 for request in REQUESTS)
    assert len(job.submit(REQUESTS[10:20], Limits(size=size)).batches) >= 4
    assert max(len(content) for content in batches.store.files.values()) <= size + size // 3
    job.collect_all()
    assert sorted(batches.store.custom_ids) == sorted(request.key.hex() for request in REQUESTS[:20])


def test_no_file_of_requests_stays_behind(job: Job) -> None:
    """Files with texts of users are gone once the server has them, and once the answers are kept."""
    job.submit(REQUESTS, Limits(requests=10))
    assert [
        path.name for path in job.folder.iterdir() if path.suffix != ".sqlite" and "sqlite-" not in path.name
    ] == []
    job.collect_all()
    assert [path.name for path in job.folder.iterdir() if "sqlite" not in path.name] == []


def test_what_is_answered_or_under_way_is_not_submitted_again(job: Job) -> None:
    """A second call submits only what has no answer and is in no open batch."""
    job.submit(REQUESTS[:6])
    assert job.submit(REQUESTS[:8]).passed.under_way == 6
    job.collect_all()
    report = job.submit(REQUESTS[:9])
    assert [report.requests, report.passed.answered] == [1, 8]


def test_collecting_again_changes_nothing(job: Job) -> None:
    """Each answer is kept once, however often one collects."""
    job.submit(REQUESTS[:5])
    assert job.collect().open == {"batch_1": "in_progress"}
    job.collect_all()
    assert job.collect() == Collected()
    assert job.states() == [LABELED] * 5


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_partial_results_are_kept_and_the_rest_is_submitted_again(
    job: Job, batches: Batches, status: str
) -> None:
    """A batch that ends early gives what it has; its other requests go into the next batch."""
    batches.end_next(Ending(status, answered=7))
    job.submit(REQUESTS)
    report = job.collect_all()
    assert report.ended == {"batch_1": status}
    assert report.states == {LABELED: 7, FAILED: len(REQUESTS) - 7}
    again = job.submit(REQUESTS)
    assert [again.passed.answered, again.requests] == [7, len(REQUESTS) - 7]
    job.collect_all()
    assert len(job.cache.answers([request.key for request in REQUESTS])) == len(REQUESTS)
    assert len(batches.store.custom_ids) == 2 * len(REQUESTS) - 7


def test_a_batch_that_fails_in_validation_says_why_and_frees_its_requests(job: Job, batches: Batches) -> None:
    """The server's reason reaches the report, and the requests may be submitted again."""
    batches.end_next(Ending("failed"))
    job.submit(REQUESTS[:3])
    report = job.collect()
    assert report.problems == ["batch_1 in line 1: invalid_file: refused by the test"]
    assert report.missing == 3
    assert job.submit(REQUESTS[:3]).requests == 3


def test_a_request_that_the_server_refuses_ends_in_its_state(job: Job) -> None:
    """One line of the error file is one attempt: too long is final, as it is outside of a batch."""
    made = builder()
    long = made.voting(made.show_sections([("request", "x" * 40_000)]))
    job.submit([*REQUESTS[:2], long])
    assert job.collect_all().states == {LABELED: 2, "too_long": 1}
    assert job.submit([long]).requests == 0


def test_damaged_results_are_counted_and_cost_nothing_else(job: Job, batches: Batches) -> None:
    """A line that is none, a stranger's line and a line met twice are counted with their place."""
    job.submit(REQUESTS[:3])
    job.collect()
    batches.look("batch_1")
    output = batches.store.batches["batch_1"]["output_file_id"]
    good = batches.store.files[output].splitlines()
    stranger = json.dumps({"custom_id": "zz", "response": None, "error": None}).encode()
    batches.store.files[output] = b"\n".join([good[0], b'{"custom_id": ', stranger, good[0], *good[1:2]])
    report = job.collect()
    assert [report.account.read, report.account.kept, report.missing] == [5, 2, 1]
    assert report.account.bad == {"not a line of a batch": 1, "no request of this batch, or met before": 2}
    assert report.account.samples["not a line of a batch"] == [f"{output}.jsonl:2"]
    assert job.submit(REQUESTS[:3]).requests == 1


def test_a_kill_between_upload_and_batch_creates_no_second_one(job: Job, batches: Batches) -> None:
    """What was created without a note of it is found by the hash of its file."""
    job.submit(REQUESTS[:3])
    job.cache.query("UPDATE batches SET remote = NULL, status = 'uploaded'")
    report = job.submit(REQUESTS[:3])
    assert [report.requests, report.passed.under_way, len(batches.store.batches)] == [0, 3, 1]
    job.collect_all()
    assert job.states() == [LABELED] * 3


def test_a_kill_before_the_upload_goes_on_from_the_file(job: Job, batches: Batches) -> None:
    """A refused upload leaves the file; the next call sends it without making it again."""
    down = client_of("http://127.0.0.1:9/v1")
    with down, pytest.raises(DataError, match="no connection to 127"):
        submit(REQUESTS[:3], job.cache, down, job.folder)
    assert len(list(job.folder.glob("batch-*.jsonl"))) == 1
    assert job.submit([]).requests == 3
    assert len(batches.store.batches) == 1


def test_a_lost_file_of_requests_is_made_again(job: Job, batches: Batches) -> None:
    """Where neither file nor batch is left, the requests are cut anew."""
    down = client_of("http://127.0.0.1:9/v1")
    with down, pytest.raises(DataError):
        submit(REQUESTS[:3], job.cache, down, job.folder)
    next(job.folder.glob("batch-*.jsonl")).unlink()
    assert job.submit(REQUESTS[:3]).requests == 3
    assert len(batches.store.batches) == 1


def test_a_batch_runs_through_a_server_written_by_others(tmp_path: Path, mock: Aimock) -> None:
    """Against aimock: uploaded as purpose batch, created once, polled, downloaded; its answers are no digits."""
    job = Job(tmp_path / "job", mock.url)
    assert job.submit(REQUESTS, Limits(requests=10)).requests == len(REQUESTS)
    report = job.collect()
    assert list(report.open.values()) == ["in_progress"] * 3
    report = job.collect()
    assert set(report.ended.values()) == {"completed"}
    assert report.states == {GARBAGE: len(REQUESTS)}
    assert job.collect() == Collected()
    calls = [entry["method"] + " " + entry["path"] for entry in mock.journal(service="batches")]
    assert calls.count("POST /v1/batches") == 3
    assert len(mock.journal(service="files", method="POST")) == 3
    job.close()


def test_usage_is_priced_by_what_the_server_counts(job: Job) -> None:
    """The price of each answer is made of its own usage."""
    seen: list[Usage | None] = []

    def price(usage: Usage | None) -> str:
        seen.append(usage)
        return "0.5"

    job.submit([voting("There is a typo")])
    job.collect()
    collect(job.cache, job.client, job.folder, price)
    assert [usage.completion_tokens for usage in seen if usage] == [1]
    assert job.cache.query("SELECT cost FROM attempts") == [("0.5",)]


def test_no_batch_is_created_beyond_the_budget(job: Job) -> None:
    """Requests go as long as the worst that all open batches can cost stays within the budget; then it says so."""
    price = Price(input=Decimal(100), output=Decimal(100))
    each = [price.at_most(request) / 2 for request in REQUESTS]
    allowance = Allowance(price, Decimal("0.5"), sum(each[:5], start=each[5] / 2))
    report = job.submit(REQUESTS, Limits(requests=2), allowance=allowance)
    assert [report.requests, report.over_budget] == [5, True]
    assert State(job.cache).reserved() == sum(each[:5])
    job.collect_all()
    assert State(job.cache).reserved() == 0
    assert not job.submit(
        REQUESTS, allowance=Allowance(price, Decimal("0.5"), sum(each, start=Decimal(0)))
    ).over_budget


class _Refusing(BaseHTTPRequestHandler):
    """Refuse everything with the key in the words, as some servers do."""

    def do_POST(self) -> None:
        """Read what is sent, and refuse it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        said = {"error": {"message": f"not for {self.headers['Authorization']}"}}
        body = json.dumps(said).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_key_that_the_server_repeats_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's reason is told without the key, also to who asks for the causes."""
    from openai import OpenAI

    key = "a-key-of-another-form-123"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with HTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        job = Job(tmp_path / "job", "http://127.0.0.1")
        job.client.close()
        job.client = OpenAI(
            base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", api_key=key, max_retries=0
        )
        with pytest.raises(DataError, match=r"answered 403: not for Bearer \[key\];") as told:
            job.submit(REQUESTS[:2])
        job.close()
        server.shutdown()
    assert told.value.__suppress_context__
    for path in (tmp_path / "job").iterdir():
        assert key.encode() not in path.read_bytes()


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a" * 400, ".."])
def test_a_file_of_the_server_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    """Whatever a server calls its file, it is kept in the folder, under a name that the disk takes."""
    path = place_of(tmp_path, name)
    assert path.resolve().parent == tmp_path.resolve()
    path.touch()
