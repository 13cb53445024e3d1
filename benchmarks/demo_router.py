"""Make a router's training files from generated telemetry, twice: `make demo-router`.

First offline, with the built-in rules as judge; then with a model behind a server on loopback. The model is tiny
and made by hand (see tests/labels/servers/tiny_model.py), the engine is llama.cpp. Each command is printed, then
run. Where people would vote on a sample, the model's labels stand in for their votes, to show what `agreement`
prints; the price of the model is made up, to show where costs stand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import markdown

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.labels.servers.llama import MODEL, llama_server  # noqa: E402
from tests.labels.servers.words import WORDS  # noqa: E402
from turnsmith.labels import labeled_set  # noqa: E402

AS_OF = "2026-01-16T00:00:00Z"
PRICES = f"dated: 2026-01-01\nmodels:\n  {MODEL}: {{input: 0.15, output: 0.60}}  # made up\n"


def main() -> None:
    """Run all commands and print what came out."""
    parser = argparse.ArgumentParser(description="Make a router's training files, twice.")
    parser.add_argument("--conversations", type=int, default=3_000)
    parser.add_argument("--out", type=Path, help="folder that keeps the files; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnsmith-router-") as name:
        folder = options.out or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        turns = make_turns(folder, options.conversations)
        weak = judge_and_balance(folder, "weak", turns, "--judge", "weak")
        (folder / "prices.yaml").write_text(PRICES, encoding="utf-8")
        with llama_server(folder, WORDS) as url:
            told = ["--endpoint", url, "--model", MODEL, "--prices", str(folder / "prices.yaml")]
            model = judge_and_balance(
                folder, "model", turns, *told, "--budget-usd", "1", "--concurrency", "8"
            )
        agreement = hold_together(folder)
        print_all({"weak": weak, "model": model}, agreement)


def make_turns(folder: Path, conversations: int) -> Path:
    """Generate telemetry, curate it, and write its turns."""
    events, turns = folder / "events.jsonl", folder / "turns.jsonl"
    run("synth", "--conversations", conversations, "--out", events)
    run("export", "--events", events, "--out", folder / "sets", "--as-of", AS_OF, "--mode", "test")
    (dataset,) = (folder / "sets").glob("*/metadata.json")
    run("turns", dataset.parent, "--unit", "every", "--out", turns)
    return turns


def judge_and_balance(folder: Path, name: str, turns: Path, *told: str) -> dict[str, Any]:
    """Label all turns and write training files; return the reports of both."""
    labels, out = folder / name, folder / f"router-{name}"
    judged = read("judge", turns, "--out", labels, *told)
    balanced = read("balance", labels, "--name", "datav3", "--out", out, "--turns", turns)
    files = sorted(path for path in out.iterdir() if path.suffix == ".jsonl")
    return {"judged": judged, "balanced": balanced, "files": files}


def hold_together(folder: Path) -> dict[str, Any]:
    """Draw a sample of the weak labels, let the model vote on it, and return the agreement."""
    sample, votes = folder / "review.jsonl", folder / "votes.jsonl"
    run("review", "sample", folder / "weak", "--out", sample, "--share", 0.5)
    (labeled,) = (folder / "model").glob("LABELED_*")
    answers = {(each.conversation_id, each.message_id): each.llm_vote for each in labeled_set.read(labeled)}
    with sample.open(encoding="utf-8") as rows, votes.open("w", encoding="utf-8") as file:
        for row in map(json.loads, rows):
            row |= {"rater": "model", "vote": answers.get((row["conversationId"], row["messageId"]))}
            file.write(json.dumps(row) + "\n")
    return read("agreement", folder / "weak", "--votes", votes)


def run(*arguments: object) -> None:
    """Print a command and run it; its output goes to the terminal."""
    subprocess.run(_shown(arguments), check=True)


def read(*arguments: object) -> dict[str, Any]:
    """Print a command, run it, and return the JSON that it prints."""
    done = subprocess.run(_shown((*arguments, "--json")), check=True, stdout=subprocess.PIPE)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _shown(arguments: tuple[object, ...]) -> list[str]:
    command = [str(argument) for argument in arguments]
    print(f"\n$ turnsmith {' '.join(command)}", flush=True)
    return [sys.executable, "-m", "turnsmith", *command]


def print_all(runs: dict[str, dict[str, Any]], agreement: dict[str, Any]) -> None:
    """Print label shares, cost, agreement and file names."""
    rows = []
    for name, each in runs.items():
        labels = each["judged"]["labels"]
        traffic = each["judged"].get("traffic") or {}
        cost = traffic.get("all_runs", {}).get("cost_usd") or "0"
        sent = traffic.get("attempts", 0)
        rows.append(
            [
                name,
                f"{labels['0']:,}",
                f"{labels['1']:,}",
                f"{labels['reasoning_share']:.1%}",
                f"{sent:,}",
                cost,
            ]
        )
    print(
        "\n" + markdown(["judge", "reasoning", "not", "share of reasoning", "requests", "US dollars"], rows)
    )
    figures = agreement["agreement"]
    print(f"\nThe two judges agree on {figures['raw']:.1%} of the sample, kappa {figures['kappa']:.2f}.\n")
    for each in runs.values():
        for path in each["files"]:
            with path.open("rb") as lines:
                print(f"{path}: {sum(1 for _ in lines):,} examples")


if __name__ == "__main__":
    main()
