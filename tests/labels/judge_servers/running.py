"""Run `turnsmith judge` as users do, in a process of its own, and read what it left."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.labels.making import turn
from tests.labels.servers.llama import MODEL
from tests.labels.servers.words import EASY, HARD
from turnsmith.labels import labeled_set
from turnsmith.labels.judge.batch.running import collect_answers
from turnsmith.labels.judge.options import JudgeOptions
from turnsmith.labels.records import Label, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from turnsmith.labels.judge.batch import Collected

SECONDS = 120


def write_turns(path: Path, count: int, requests: Sequence[str] = ()) -> Path:
    """Write turns, each of a conversation of its own, with hard and easy words in them; return the path."""
    dice = random.Random(0)
    with path.open("wb") as file:
        for number in range(count):
            words = dice.sample(HARD, dice.randint(0, 2)) + dice.sample(EASY, dice.randint(0, 2))
            text = requests[number] if requests else f"Task {number}: {', '.join(words)}"
            made = turn(text)
            made.conversation_id = f"conversation {number}"
            file.write(encode(made))
    return path


@dataclass(frozen=True)
class Judging:
    """Hold what a run is given."""

    turns: Path
    out: Path
    url: str
    model: str = MODEL

    def command(self, *options: str) -> list[str]:
        """Return the command line."""
        told = ["--out", str(self.out), "--endpoint", self.url, "--model", self.model, "--json"]
        return [sys.executable, "-m", "turnsmith", "judge", str(self.turns), *told, *options]

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a run and return its process."""
        return subprocess.Popen(
            self.command(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        )

    def run(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Run to the end, hold the exit code, and return the report."""
        done = subprocess.run(self.command(*options), capture_output=True, env=environment(), timeout=SECONDS)
        assert done.returncode == code, done.stderr.decode()
        report: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": done.stderr.decode()}
        return report

    def collect(self) -> Collected:
        """Collect batches, in this process."""
        return collect_answers(self.out, JudgeOptions(model=self.model, endpoint=self.url))

    def labels(self) -> dict[str, Label]:
        """Return the labels by conversation."""
        (folder,) = self.out.glob("LABELED_*")
        return {label.conversation_id: label for label in labeled_set.read(folder)}

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """Return rows of the judge's SQLite file."""
        with sqlite3.connect(self.out / "judge.sqlite") as database:
            rows = database.execute(text).fetchall()
        database.close()
        return rows

    def answered_twice(self) -> list[tuple[Any, ...]]:
        """Return the keys that were answered more than once."""
        return self.query("SELECT hex(key) FROM attempts WHERE status = 200 GROUP BY key HAVING count(*) > 1")


def environment() -> dict[str, str]:
    """Return this process's environment with a key that is none, and without addresses of other servers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return kept | {"OPENAI_API_KEY": "test-key-of-no-one"}
