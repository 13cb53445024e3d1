"""`turnsmith judge` as users call it: weak without a key, a dry run, stops and wrong usage."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.labels.judge.making import turn, write_turns
from tests.labels.judge.scripted_server import ScriptedServer
from turnsmith.cli import app
from turnsmith.labels import labeled_set, weak

TURNS = [
    turn(f"Design number {i} of the scheduler so that no worker deadlocks." if i % 3 else f"Rename x{i}.", i)
    for i in range(60)
]


@pytest.fixture
def turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of turns; there is no key."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return write_turns(tmp_path / "turns.jsonl", TURNS)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Run a server that answers by keywords."""
    with ScriptedServer() as running:
        yield running


def invoke(*arguments: object, code: int = 0) -> Result:
    """Run `turnsmith judge` and hold its exit code."""
    result = CliRunner().invoke(app, ["judge", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_weak_needs_nothing(turns: Path, tmp_path: Path) -> None:
    """Without a model the rules judge: no key, no server, every label marked, and it is said."""
    printed = invoke(turns, "--out", tmp_path / "out").output
    assert "These labels are weak" in printed
    labels = list(labeled_set.read(tmp_path / "out"))
    assert len(labels) == len(TURNS)
    for label in labels:
        assert (label.judge, label.prompt_version, label.prompt_hash) == (
            "weak",
            weak.VERSION,
            weak.rules_hash(),
        )
        assert label.llm_vote == int(label.soft_label > 0.5)
    report = json.loads((tmp_path / "out/judge.report.json").read_text())
    assert report["judge"] == "weak"


def test_weak_is_repeatable(turns: Path, tmp_path: Path) -> None:
    """The same turns give the same bytes."""
    written = []
    for name in ("one", "two"):
        invoke(turns, "--out", tmp_path / name)
        written.append([path.read_bytes() for path in labeled_set.files(tmp_path / name)])
    assert written[0] == written[1]


def test_weak_and_judged_labels_never_mix(turns: Path, tmp_path: Path, server: ScriptedServer) -> None:
    """A folder of one kind of labels refuses the other kind, and stays as it was."""
    invoke(turns, "--out", tmp_path / "out")
    before = [path.read_bytes() for path in labeled_set.files(tmp_path / "out")]
    refused = invoke(turns, "--out", tmp_path / "out", "--model", "m", "--endpoint", server.address, code=2)
    assert "weak" in refused.output
    assert [path.read_bytes() for path in labeled_set.files(tmp_path / "out")] == before


def test_report_for_machines(turns: Path, tmp_path: Path, server: ScriptedServer) -> None:
    """--json prints one object: shares, canaries, what the server does, what was sent and paid."""
    told = json.loads(
        invoke(
            turns, "--out", tmp_path / "out", "--model", "gpt-4o", "--endpoint", server.address, "--json"
        ).stdout
    )
    assert told["labels"] == {"0": 40, "1": 20, "reasoning_share": 0.6667}
    assert told["canaries"]["known"] == told["canaries"]["with_order"] == 1.0
    assert told["server"]["logprobs"]
    assert told["traffic"]["attempts"] == len(server.seen)
    assert float(told["traffic"]["all_runs"]["cost_usd"]) == pytest.approx(len(server.seen) * 0.00026)
    assert told["stopped"] is None
    assert Path(told["folder"]).is_dir()


def test_dry_run_asks_and_writes_nothing(turns: Path, tmp_path: Path, server: ScriptedServer) -> None:
    """A dry run counts requests, tokens and cost without a request or a file, and knows what is there already."""
    arguments = (turns, "--out", tmp_path / "out", "--model", "gpt-4o", "--endpoint", server.address)
    told = json.loads(invoke(*arguments, "--dry-run", "--json").stdout)
    assert not server.seen
    assert not (tmp_path / "out").exists()
    invoke(*arguments)
    votes = [body for body in server.seen if "The digit is" not in body["messages"][1]["content"]]
    assert abs(told["requests"] - len(votes)) <= 10  # the second judgments are dealt by the folder's secret
    assert 200 * told["requests"] < told["prompt_tokens"] < 500 * told["requests"]
    assert float(told["cost_usd"]) == pytest.approx(
        (told["prompt_tokens"] * 2.5 + told["completion_tokens"] * 10) / 1e6, abs=1e-4
    )
    again = json.loads(invoke(*arguments, "--dry-run", "--json").stdout)
    assert again["requests"] == 0
    assert again["answers_at_hand"] >= len(TURNS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--judge", "llm"], "--model"),
        (["--endpoint", "http://127.0.0.1:1/v1"], "--endpoint"),
        (["--judge", "weak", "--budget-usd", "3"], "--budget-usd"),
        (["--dry-run"], "--dry-run"),
        (["--rationales"], "--rationales"),
        (["--votes", "3"], "--votes"),
        (["--model", "m", "--endpoint", "ftp://x"], "address"),
        (["--model", "m", "--endpoint", "http://name:pass@127.0.0.1/v1"], "passwords"),
        (["--model", "m", "--endpoint", "http://127.0.0.1/v1?key=x"], "parameters"),
        (["--model", "m"], "OPENAI_API_KEY"),
        (["--model", "gpt-4o", "--budget-usd", "much", "--endpoint", "http://127.0.0.1:1/v1"], "amount"),
        (["--model", "gpt-4o", "--budget-usd", "0", "--endpoint", "http://127.0.0.1:1/v1"], "more than 0"),
        (["--model", "m", "--prompt", "none.txt", "--endpoint", "http://127.0.0.1:1/v1"], "--prompt"),
    ],
)
def test_wrong_usage_is_explained(turns: Path, tmp_path: Path, options: list[str], said: str) -> None:
    """Wrong options end with exit code 2 and a sentence that names them; nothing is written."""
    result = invoke(turns, "--out", tmp_path / "out", *options, code=2)
    assert said in " ".join(result.output.split())
    assert not list((tmp_path / "out").glob("LABELED*"))


def test_key_does_not_leave_in_the_clear(
    turns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is not sent to another machine without encryption."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    result = invoke(
        turns, "--out", tmp_path / "out", "--model", "m", "--endpoint", "http://192.0.2.1/v1", code=2
    )
    assert "encryption" in result.output


def test_missing_turns_and_server_are_named(turns: Path, tmp_path: Path) -> None:
    """A file that is not there and a server that does not answer end with exit code 1 and their names."""
    to = ("--out", tmp_path / "out", "--model", "m", "--endpoint", "http://127.0.0.1:9/v1")
    assert "none.jsonl" in invoke(tmp_path / "none.jsonl", *to, code=1).output
    assert "--endpoint" in invoke(turns, *to, code=1).output


def test_no_turn_is_an_error(tmp_path: Path, server: ScriptedServer) -> None:
    """A file without turns gives exit code 1 and no set."""
    empty = write_turns(tmp_path / "empty.jsonl", [])
    for more in ((), ("--model", "m", "--endpoint", server.address)):
        invoke(empty, "--out", tmp_path / "out", *more, code=1)
    assert not list((tmp_path / "out").glob("LABELED*"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_goes_on_where_it_was(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C and a polite kill end with a sentence, keep all answers, and cost nothing at the next start."""

    def slow(_body: object, _number: int) -> None:
        time.sleep(0.05)

    many = write_turns(tmp_path / "turns.jsonl", [turn(f"Design number {i}.", i) for i in range(150)])
    with ScriptedServer(slow) as server:
        command = [sys.executable, "-m", "turnsmith", "judge", str(many), "--out", str(tmp_path / "out")]
        command += ["--model", "m", "--endpoint", server.address, "--concurrency", "4"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        while server.asked("number") < 20 and first.poll() is None:
            time.sleep(0.02)
        first.send_signal(how)
        _, said = first.communicate(timeout=30)
        assert first.returncode == 130
        assert said == "Stopped. All finished answers are kept; run the same command again to go on.\n"
        assert not list((tmp_path / "out").glob("LABELED*"))
        assert server.asked("number") < 120
        server.script = None
        subprocess.run(command, check=True, capture_output=True, env=environment)
        assert max(server.asked(f"number {i}.") for i in range(150)) <= 2  # one in ten is judged twice
    assert len(list(labeled_set.read(tmp_path / "out"))) == 150
