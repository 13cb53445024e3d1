"""Measure how fast tokens are counted with the exact Qwen vocabulary, beside plain tiktoken, in one run.

    python benchmarks/lengths.py [--data ../shared/data] [--runs 5] [--write-docs]

The text is what people, models and tools wrote in real Claude Code sessions. Every way to count must give the same
counts, or the benchmark fails. Prints one table for the ways to count and one for the command.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import regex
import tiktoken
import tokenizers
from measuring import machine, markdown, side_by_side, write_between
from ranks_to_json import write_tokenizer_json

from turnsmith.curate.lengths.embedded import EmbeddedTokenizer
from turnsmith.curate.lengths.ranks import RanksTokenizer, read_ranks
from turnsmith.curate.lengths.vocabularies import QWEN

HERE = Path(__file__).parent
BAR = 10.0
BATCH = 64

Counts = list[int]
Way = Callable[[list[str]], Counts]


def main() -> None:
    """Read the text, measure every way, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/lengths.md")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: no such folder; name the shared data with --data")
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as folder:
        table = run(Path(folder), options.data, options.runs)
    print(table)
    if options.write_docs:
        write_between(HERE.parent / "docs" / "lengths.md", "lengths", f"\n{table}\n")


def run(folder: Path, data: Path, runs: int) -> str:
    """Return both tables."""
    ranks_file = data / "tokenizers" / "qwen.tiktoken"
    messages = list(messages_of(data / "claude_code" / "sessions"))
    texts = [message["content"] for message in messages]
    size = sum(len(text.encode()) for text in texts) / 1e6
    title = (
        f"{len(texts):,} messages of real sessions, {size:.1f} MB; medians of {runs} runs, on {machine()}. MB are of "
        f"text in UTF-8. The machine's load was {os.getloadavg()[0]:.1f} at the start: above the number of cores, "
        "only the figures per second of CPU mean something."
    )
    ways = measure_ways(folder, ranks_file, texts, size, runs)
    command = measure_command(folder, ranks_file, messages, size, runs)
    return f"{title}\n\n{ways}\n\n{command}"


def messages_of(sessions: Path) -> Iterator[dict[str, str]]:
    """Yield role and text of each message in transcripts, tool calls and results included."""
    for path in sorted(sessions.rglob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                message = json.loads(line).get("message")
            except ValueError:
                continue  # some of the real files begin with a cut line
            if isinstance(message, dict):
                for text in texts_of(message.get("content")):
                    yield {"role": str(message.get("role")), "content": text}


def texts_of(value: Any) -> Iterator[str]:
    """Yield the strings inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value if isinstance(value, list) else value.values():
            yield from texts_of(item)


def measure_ways(folder: Path, ranks_file: Path, texts: list[str], size: float, runs: int) -> str:
    """Return the table of ways to count; stop where two of them disagree."""
    ranks = read_ranks(ranks_file)
    encoding = tiktoken.Encoding("qwen", pat_str=QWEN.pattern, mergeable_ranks=ranks, special_tokens={})
    write_tokenizer_json(folder / "tokenizer.json", ranks, QWEN)
    fast: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    fast.encode_special_tokens = True
    kept = RanksTokenizer("qwen", ranks, QWEN)
    kept_counts = [kept.count_plain(text) for text in texts]
    ways: dict[str, Way] = {
        "tiktoken, text by text (baseline)": lambda texts: [len(encoding.encode_ordinary(t)) for t in texts],
        "tiktoken, batch in 2 threads": lambda texts: [
            len(ids) for ids in encoding.encode_ordinary_batch(texts, num_threads=2)
        ],
        "tiktoken, 64 texts at a time in 2 threads": lambda texts: in_threads(encoding, texts),
        "tiktoken, into a NumPy array": lambda texts: [
            len(encoding.encode_to_numpy(text, disallowed_special=())) for text in texts
        ],
        "pre-tokens by regex, each remembered": lambda texts: by_pre_tokens(encoding, texts),
        "tokenizers (Hugging Face), text by text": lambda texts: [
            len(fast.encode(text, add_special_tokens=False).ids) for text in texts
        ],
        "turnsmith, nothing remembered yet": lambda texts: by_units(forgetful(kept), texts),
        "turnsmith, words remembered": lambda texts: by_units(kept, texts),
    }
    seconds = {name: timed(way, texts, runs, kept_counts) for name, way in ways.items()}
    o200k = EmbeddedTokenizer()
    seconds["turnsmith, embedded o200k (other vocabulary)"] = timed(
        lambda texts: [o200k.count_content(text) for text in texts], texts, runs, None
    )
    base = next(iter(seconds.values()))[0]
    rows = [
        [name, f"{size / cpu:.1f}", f"{size / wall:.1f}", f"{base / cpu:.2f}"]
        for name, (cpu, wall) in seconds.items()
    ]
    slowest = size / seconds["turnsmith, nothing remembered yet"][0]
    rows.append([f"bar: at least {BAR:.0f} MB/s", "met" if slowest >= BAR else "missed", "", ""])
    return markdown(["way to count", "MB per second of CPU", "MB/s, wall", "times the baseline (CPU)"], rows)


def forgetful(tokenizer: RanksTokenizer) -> RanksTokenizer:
    """Return a tokenizer after it has forgotten its words."""
    tokenizer.forget()
    return tokenizer


def by_units(tokenizer: RanksTokenizer, texts: list[str]) -> Counts:
    """Count as the product does."""
    return [tokenizer.count_plain(text) for text in texts]


def by_pre_tokens(encoding: tiktoken.Encoding, texts: list[str]) -> Counts:
    """Count by the vocabulary's own splitting, remembering the count of each piece."""
    split = regex.compile(QWEN.pattern)
    known: dict[str, int] = {}
    counts = []
    for text in texts:
        total = 0
        for piece in split.findall(text):
            if piece not in known:
                known[piece] = len(encoding.encode_ordinary(piece))
            total += known[piece]
        counts.append(total)
    return counts


def in_threads(encoding: tiktoken.Encoding, texts: list[str]) -> Counts:
    """Count some texts at a time in two threads."""

    def count(some: list[str]) -> Counts:
        return [len(encoding.encode_ordinary(text)) for text in some]

    batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
    with ThreadPoolExecutor(2) as pool:
        return [tokens for counts in pool.map(count, batches) for tokens in counts]


def timed(way: Way, texts: list[str], runs: int, expected: Counts | None) -> tuple[float, float]:
    """Return the median seconds of CPU and of wall time."""
    cpu, wall = [], []
    for _ in range(runs):
        started, cpu_started = time.perf_counter(), time.process_time()
        counts = way(texts)
        cpu.append(time.process_time() - cpu_started)
        wall.append(time.perf_counter() - started)
        if expected is not None and counts != expected:
            raise SystemExit("two ways to count disagree")
    return statistics.median(cpu), statistics.median(wall)


def measure_command(
    folder: Path, ranks_file: Path, messages: list[dict[str, str]], size: float, runs: int
) -> str:
    """Return the table of the whole command on files of examples."""
    lines = [json.dumps({"messages": messages[at : at + 8]}) for at in range(0, len(messages), 8)]
    repeats = {"once": 10, "twice": 20}
    for name, times in repeats.items():
        (folder / f"{name}.jsonl").write_text(
            "".join(f"{line}\n" for line in lines) * times, encoding="utf-8"
        )

    def command(name: str) -> list[str]:
        return [
            sys.executable, "-m", "turnsmith", "lengths", str(folder / f"{name}.jsonl"),
            "--tokenizer", str(ranks_file), "--json",
        ]  # fmt: skip

    commands: dict[str, Callable[[], Sequence[str]]] = {name: partial(command, name) for name in repeats}
    measured = side_by_side(commands, runs)
    rows = []
    for name, times in repeats.items():
        cpu = statistics.median(cpu_seconds(command(name)) for _ in range(runs))
        rows.append(
            [
                f"the same text {times} times, {size * times:.0f} MB",
                f"{size * times / cpu:.1f}",
                f"{size * times / measured[name].median:.1f}",
                f"{measured[name].peak / 1e6:.0f}",
            ]
        )
    return markdown(
        ["`turnsmith lengths`, start to end", "MB per second of CPU", "MB/s, wall", "peak MB"], rows
    )


def cpu_seconds(command: list[str]) -> float:
    """Run a command and return the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
