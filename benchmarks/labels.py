"""Measure the way from a curated set to balanced training files: time, memory, and what tells the label after it.

    python benchmarks/labels.py [--turns 300000] [--total 100000] [--write-docs]

The set is made up: agents' requests of three words up to some hundred, of which long ones, first ones and those in
long conversations ask for more. Labels are the weak judge's. The baseline of balancing is the naive way, label counts
alone, in the same run. Prints one table for the steps and one for the probes.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import machine, markdown, measure, write_between

from turnsmith.core.chat import encode

HERE = Path(__file__).parent
TURNSMITH = str(HERE.parent / ".venv" / "bin" / "turnsmith")
BUCKETS = ((3, 5, "short_3_to_5_turns"), (6, 10, "medium_6_to_10_turns"), (11, 20, "long_11_to_20_turns"))
TASKS = (
    "why does {} fail in production", "refactor {} into smaller parts", "commit {}", "rename {}",
    "fix the typo in {}", "implement an option for {}", "what is {}", "run the tests of {}",
    "investigate the deadlock in {}", "thanks, {} works",
)  # fmt: skip
WORDS = (
    "session", "parser", "config", "cache", "worker", "queue", "token", "schema", "router", "branch", "upload",
    "timeout", "retry", "buffer", "layout", "when", "after", "because", "without", "instead", "so", "that", "the",
    "and", "with", "for", "every", "line", "file", "user", "server", "request", "again",
)  # fmt: skip


def main() -> None:
    """Make the set, run the steps, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=300_000)
    parser.add_argument("--total", type=int, default=100_000)
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/balance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as folder:
        table = run(Path(folder), options.turns, options.total)
    print(table)
    if options.write_docs:
        write_between(HERE.parent / "docs" / "balance.md", "labels", f"\n{table}\n")


def run(folder: Path, turns: int, total: int) -> str:
    """Return both tables."""
    with (folder / "set.jsonl").open("wb") as file:
        for conversation in conversations(turns):
            file.write(encode(conversation))
    balance = ["balance", str(folder / "labels"), "--total", str(total), "--format", "plain", "--out"]
    naive = ["--name", "naive", "--within", "none", *allowed("length", "bucket", "position", "language")]
    steps = {
        "turns": [
            "turns",
            str(folder / "set.jsonl"),
            "--unit",
            "every",
            "--out",
            str(folder / "turns.jsonl"),
        ],
        "judge --judge weak": [
            "judge",
            str(folder / "turns.jsonl"),
            "--judge",
            "weak",
            "--out",
            str(folder / "labels"),
        ],
        "balance, matched": [*balance, str(folder / "matched"), "--name", "matched"],
        "balance, label counts alone": [*balance, str(folder / "naive"), *naive],
    }
    rows = []
    for name, arguments in steps.items():
        seconds, peak = measure([TURNSMITH, *arguments])
        rows.append([name, f"{seconds:,.1f} s", f"{turns / seconds:,.0f}", f"{peak / 2**20:,.0f} MiB"])
    title = f"{turns:,} turns, {total:,} rows of train at 70:30, on {machine()}."
    steps_table = markdown(["step", "time", "turns/s", "peak memory"], rows)
    return f"{title}\n\n{steps_table}\n\n{probes(folder)}"


def allowed(*names: str) -> list[str]:
    """Return the options that let probes through."""
    return [word for name in names for word in ("--allow-probe", name)]


def probes(folder: Path) -> str:
    """Return the table of what tells the label of train without the text."""
    found: dict[str, dict[str, float]] = {}
    for name in ("naive", "matched"):
        manifest = json.loads((folder / name / f"{name}.manifest.json").read_text(encoding="utf-8"))
        found[name] = manifest["files"]["train"]["probes"]
    rows = [[name, f"{value:.3f}", f"{found['matched'][name]:.3f}"] for name, value in found["naive"].items()]
    return markdown(["AUC of", "label counts alone", "matched"], rows)


def conversations(turns: int) -> Iterator[dict[str, Any]]:
    """Yield curated conversations with about so many turns in all."""
    dice = random.Random(11)  # noqa: S311
    made = number = 0
    while made < turns:
        low, high, bucket = dice.choice(BUCKETS)
        count = min(dice.randint(low, high), turns - made)
        made += count
        number += 1
        split = "train" if number % 100 < 83 else "val" if number % 100 < 92 else "test"
        items = [turn(dice, number, index, high) for index in range(1, count + 1)]
        yield {
            "conversationId": f"conversation-{number:09}", "split": split, "bucket": bucket, "turnCount": count,
            "turnsArray": items,
        }  # fmt: skip


def turn(dice: random.Random, number: int, index: int, size: int) -> dict[str, Any]:
    """Return one turn; early ones and those of long conversations ask for more."""
    heavy = dice.random() < 0.3 + 0.2 * (index == 1) + 0.01 * size
    words = " ".join(dice.choices(WORDS, k=int(dice.lognormvariate(3.3 if heavy else 2, 0.8)) + 1))
    task = dice.choice(TASKS[:2] + TASKS[5:6] + TASKS[8:9]) if heavy else dice.choice(TASKS)
    calls = dice.randint(1, 30 if heavy else 4)
    return {
        "turnIndex": index, "messageId": f"message-{number:09}-{index:02}", "userMessage": task.format(words),
        "modelMessage": "Done. " * dice.randint(1, 40), "numRequests": calls,
        "llmCalls": [{"promptTokens": 9000 + 500 * n, "completionTokens": 150} for n in range(calls)],
        "toolCounts": {"read_file": calls // 2, "edit": calls // 3}, "responseType": "success",
    }  # fmt: skip


if __name__ == "__main__":
    main()
