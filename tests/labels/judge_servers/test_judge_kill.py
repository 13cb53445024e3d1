"""kill -9 at any moment: the next run judges nothing twice that was kept, and loses nothing."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.labels.judge_servers.running import Judging, write_turns

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.labels.servers.batches import Batches

TURNS = 250

pytestmark = pytest.mark.slow


def kill_after(process: subprocess.Popen[bytes], judging: Judging, rows: int) -> None:
    """Kill -9 once so many attempts are kept."""
    deadline = time.monotonic() + 60
    while kept(judging) < rows:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()


def kept(judging: Judging) -> int:
    """Return how many attempts are in the cache of a run."""
    try:
        return int(judging.query("SELECT count(*) FROM attempts")[0][0])
    except sqlite3.OperationalError:
        return 0


def test_no_turn_is_judged_twice_and_none_is_lost(tmp_path: Path, llmock: Any) -> None:
    """Two kills: what was kept is never asked again, by the server's own log and by the cache."""
    llmock.reply("1", times=None).delay(0.05, times=None)
    judging = Judging(
        write_turns(tmp_path / "turns.jsonl", TURNS), tmp_path / "judged", llmock.base_url("openai"), "m"
    )
    known: set[str] = set()
    for rows in (60, 180):
        asked_before = len(llmock.requests)
        kill_after(judging.start("--concurrency", "16"), judging, rows)
        log = [record.fingerprint for record in llmock.requests[asked_before:]]
        assert not known & set(log)
        known = {record.fingerprint for record in finished(llmock, judging)}
        assert not list(judging.out.glob("LABELED_*"))
    report = judging.run("--concurrency", "16")
    assert report["states"] == {"labeled": TURNS}
    assert set(judging.labels()) == {f"conversation {number}" for number in range(TURNS)}
    assert judging.answered_twice() == []
    # Only what was under way at a kill, 16 at most, was sent to the server twice.
    sent = Counter(record.fingerprint for record in llmock.requests)
    assert sum(count - 1 for count in sent.values()) <= 2 * 16
    assert max(sent.values()) <= 3


def finished(llmock: Any, judging: Judging) -> list[Any]:
    """Return the log entries whose answers reached the cache: all but those of the last moment."""
    log = [record for record in llmock.requests if record.status == 200]
    return log[: max(0, kept(judging) - 48)]


def test_a_killed_run_ends_with_the_same_labels_as_an_undisturbed_one(tmp_path: Path, llama: str) -> None:
    """Against the real engine: digits and probabilities agree, whatever happened in between."""
    turns = write_turns(tmp_path / "turns.jsonl", 60)
    disturbed = Judging(turns, tmp_path / "disturbed", llama)
    calm = Judging(turns, tmp_path / "calm", llama)
    kill_after(disturbed.start("--concurrency", "4"), disturbed, 40)
    disturbed.run("--concurrency", "4")
    calm.run("--concurrency", "4")
    for name, label in calm.labels().items():
        other = disturbed.labels()[name]
        assert label.llm_vote == other.llm_vote or label.soft_label == pytest.approx(0.5, abs=0.01)
        assert label.soft_label == pytest.approx(other.soft_label, abs=0.01)


def test_a_killed_submission_creates_no_batch_twice(tmp_path: Path, batches: Batches) -> None:
    """Killed twice while files and batches are made, each request ends in exactly one batch."""
    judging = Judging(write_turns(tmp_path / "turns.jsonl", 60), tmp_path / "judged", batches.url)
    for created in (1, 4):
        process = judging.start("--batch", "submit", "--batch-size", "8")
        while len(batches.store.batches) < created:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.001)
        process.kill()
        process.communicate()
    judging.run("--batch", "submit", "--batch-size", "8")
    while judging.collect().open:
        pass
    report = judging.run()
    assert report["states"] == {"labeled": 60}
    assert report["traffic"]["attempts"] == 0
    assert max(Counter(batches.store.custom_ids).values()) == 1
    assert judging.answered_twice() == []


def test_a_killed_collection_keeps_each_answer_once(tmp_path: Path, batches: Batches) -> None:
    """Killed while answers are downloaded and kept, a batch counts as a whole or not at all."""
    judging = Judging(write_turns(tmp_path / "turns.jsonl", 60), tmp_path / "judged", batches.url)
    judging.run("--batch", "submit", "--batch-size", "8")
    assert judging.collect().open
    process = judging.start("--batch", "collect")
    while (found := collected(judging)) < 2:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert found < len(batches.store.batches)
    assert judging.query("SELECT count(*) % 8 FROM attempts WHERE kind <> 'probe'") == [(0,)]
    judging.collect()
    assert judging.run()["traffic"]["attempts"] == 0
    assert judging.answered_twice() == []


def collected(judging: Judging) -> int:
    """Return how many batches are collected."""
    return int(judging.query("SELECT count(*) FROM batches WHERE collected")[0][0])
