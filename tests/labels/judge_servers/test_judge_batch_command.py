"""`turnsmith judge --batch submit|collect` as a person sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tests.labels.judge_servers.running import write_turns
from tests.labels.servers.batches import Batches, Ending
from tests.labels.servers.llama import MODEL
from turnsmith.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, batches: Batches, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give what runs the command over 12 turns, with options added."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    turns = write_turns(tmp_path / "turns.jsonl", 12)
    told = [
        "judge",
        str(turns),
        "--out",
        str(tmp_path / "judged"),
        "--model",
        MODEL,
        "--endpoint",
        batches.url,
    ]
    return lambda *options: CliRunner().invoke(app, [*told, *options])


def test_two_calls_and_a_run_without_batch_give_labels(run: Run, tmp_path: Path) -> None:
    """Submit, collect until nothing is open, and a last run that asks nothing."""
    submitted = run("--batch", "submit")
    assert submitted.exit_code == 0, submitted.output
    assert "batch_1" in submitted.output
    assert "--batch collect" in submitted.output
    assert "collect again later" in run("--batch", "collect").output
    collected = run("--batch", "collect")
    assert "batch_1: completed" in collected.output
    assert "No batch is open" in collected.output
    assert "Sent: 0 requests" in run().output
    assert list((tmp_path / "judged").glob("LABELED_*/*/*.jsonl"))


def test_a_run_beside_an_open_batch_is_refused(run: Run, tmp_path: Path, batches: Batches) -> None:
    """What is in a batch would be paid for twice, so a run without --batch waits until all are collected."""
    run("--batch", "submit")
    asked = sum(content.count(b"\n") for content in batches.store.files.values())
    assert asked
    refused = run()
    assert refused.exit_code == 2
    assert "paid for twice" in refused.output
    assert "--batch collect" in refused.output
    assert not list((tmp_path / "judged").glob("LABELED_*"))
    run("--batch", "collect")
    run("--batch", "collect")
    assert "Sent: 0 requests" in run().output


def test_a_refused_batch_is_a_finding(run: Run, batches: Batches) -> None:
    """The server's reason is shown, and the exit code is 1."""
    batches.end_next(Ending("failed"))
    run("--batch", "submit")
    collected = run("--batch", "collect")
    assert collected.exit_code == 1
    assert "Warning: batch_1 in line 1: invalid_file: refused by the test" in collected.output


def test_a_used_up_budget_is_a_finding(run: Run, tmp_path: Path, batches: Batches) -> None:
    """What is not affordable is not submitted, the exit code is 1, and a higher budget goes on."""
    prices = tmp_path / "prices.yaml"
    prices.write_text(f"dated: 2026-01-01\nbatch: 0.5\nmodels:\n  {MODEL}: {{input: 100, output: 100}}\n")
    submitted = run("--batch", "submit", "--prices", str(prices), "--budget-usd", "2")
    assert submitted.exit_code == 1
    assert "the budget allows no more requests" in submitted.output
    first = sum(content.count(b"\n") for content in batches.store.files.values())
    assert 0 < first < 36
    assert run("--batch", "submit", "--prices", str(prices), "--budget-usd", "100").exit_code == 0


def test_options_that_do_not_fit_are_wrong_usage(run: Run) -> None:
    """Rationales need labels first, the weak judge no batches, and collecting needs a submission."""
    assert run("--batch", "submit", "--rationales").exit_code == 2
    assert run("--batch", "submit", "--judge", "weak").exit_code == 2
    nothing = run("--batch", "collect")
    assert nothing.exit_code == 1
    assert "--batch submit" in nothing.output


def test_a_server_without_batches_is_told_of(
    tmp_path: Path, llama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """llama.cpp has no Files: the error names the step and the status, and nothing is lost."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    turns = write_turns(tmp_path / "turns.jsonl", 3)
    told = ["judge", str(turns), "--out", str(tmp_path / "judged"), "--model", MODEL, "--endpoint", llama]
    refused = CliRunner().invoke(app, [*told, "--batch", "submit"])
    assert refused.exit_code == 1
    assert "uploading batch-" in refused.output
    assert "404" in refused.output
