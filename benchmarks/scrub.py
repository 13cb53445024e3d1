"""Scrubbing: speed against one regular expression of everything, false hits on source code, and what survives.

    python benchmarks/scrub.py [--data ../shared/data/claude_code] [--rounds 3]

The speed is that of `Scrubber.scrub` in one process, by CPU time, over the decoded text of every field of the
transcripts, an example being one transcript. The baseline is one pass of one alternation over the same texts: it
has no validators, no placeholders, and knows no context. The source code is what is installed beside Python.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from turnsmith.core.chat import decode
from turnsmith.curate.scrub import Names, Scrubber
from turnsmith.curate.scrub.leaves import walk

REPOSITORY = Path(__file__).resolve().parents[1]
TRANSCRIPTS = REPOSITORY.parent / "shared" / "data" / "claude_code"
SOURCE_BYTES = 5_000_000
LONGEST_SOURCE = 300_000
BAR_SPEED, BAR_FALSE = 10.0, 2.0

# The same kinds of values in one expression, as a first attempt would have it.
BASELINE = re.compile(
    r"(?P<token>\b(?:AKIA[A-Z0-9]{16}|gh[pousr]_\w{36}|github_pat_\w{36,}|xox[abprs]-[\w-]{16,}|[sr]k_live_\w{24}"
    r"|sk-(?:ant-|proj-)?[\w-]{20,}|AIza[\w-]{35}|GOCSPX-[\w-]{28}|npm_\w{36}|pypi-[\w-]{40,}|hf_\w{34})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*|://[^\s/:@]*:[^\s/@]+@)"
    r"|(?P<assigned>(?i:password|passwd|secret|token|api_?key)[\"']?\s*[:=]\s*[\"']?[^\s\"']{8,})"
    r"|(?P<person>[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:/Users/|/home/)[\w.-]+|\+[1-9][\d -]{7,15}\d"
    r"|\b\d{3}-\d{2}-\d{4}\b|\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b"
    r"|\b(?:\d[ -]?){13,19}\b|\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b)"
)
_HOME = re.compile(r"(?:/Users/|/home/|\\Users\\)([A-Za-z][\w.-]+)")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
# Documented examples, machines and roles, which are left alone on purpose.
_NOBODY = re.compile(
    r"(?:test|user|name|username|runner)|.*@(?:.*\.)?example\.com|test@test\.com|git@github\.com|noreply@.*|.*\+Copilot@.*"
)


def main() -> None:
    """Measure, print the tables, and fail where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=TRANSCRIPTS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: no transcripts there; give their folder with --data")
    examples = list(transcripts(options.data))
    results = [_speed(examples, options.rounds), _false_hits(), survivors(examples)]
    raise SystemExit(not all(results))


def transcripts(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield one example for each transcript of a folder: its records as they are."""
    for path in sorted(folder.rglob("*.jsonl")):
        records = []
        for line in path.read_bytes().splitlines():
            try:
                records.append(decode(line))
            except ValueError:
                continue  # cut lines are part of the sample
        yield {"messages": records}


def texts_of(example: dict[str, Any]) -> list[str]:
    """Return the decoded text of every field of an example."""
    texts: list[str] = []

    def visit(text: str, _name: str) -> str:
        texts.append(text)
        return text

    walk(example, visit)
    return texts


def _speed(examples: list[dict[str, Any]], rounds: int) -> bool:
    texts = [text for example in examples for text in texts_of(example)]
    size = sum(len(text.encode("utf-8", "replace")) for text in texts) / 1e6
    names = Names.collect(examples)
    scrubber = Scrubber(names)
    ways: dict[str, Callable[[], object]] = {
        "one alternation, found only": lambda: [sum(1 for _ in BASELINE.finditer(text)) for text in texts],
        "names collected": lambda: Names.collect(examples),
        "scrubbed, all rules": lambda: [scrubber.scrub(example) for example in examples],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            way()
            seconds[name].append(time.process_time() - started)
    print(f"{len(examples)} transcripts, {size:.1f} MB of decoded text, medians of {rounds} rounds\n")
    print(f"{'':<30}{'CPU s':>8}{'MB/s':>8}{'ratio':>8}")
    baseline = statistics.median(seconds["one alternation, found only"])
    for name, measured in seconds.items():
        median = statistics.median(measured)
        print(f"{name:<30}{median:>8.2f}{size / median:>8.1f}{baseline / median:>8.2f}")
    speed = size / statistics.median(seconds["scrubbed, all rules"])
    print(f"speed: {speed:.1f} MB/s per core (bar: >= {BAR_SPEED:.0f})\n")
    return speed >= BAR_SPEED


def _false_hits() -> bool:
    scrubber, counts, baseline, size = Scrubber(), Counter[str](), 0, 0
    for text in source_code():
        counts.update(scrubber.scrub({"text": text})[1])
        baseline += sum(1 for _ in BASELINE.finditer(text))
        size += len(text)
    print(f"{size / 1e6:.1f} MB of source code: Python's library, installed packages, node_modules\n")
    print(f"{'hits':<30}{'count':>8}{'per 100 kB':>12}")
    for kind, count in counts.most_common():
        print(f"{kind:<30}{count:>8}{count / size * 1e5:>12.3f}")
    rate = sum(counts.values()) / size * 1e5
    print(f"{'all rules':<30}{sum(counts.values()):>8}{rate:>12.3f}")
    print(f"{'one alternation':<30}{baseline:>8}{baseline / size * 1e5:>12.3f}")
    print(f"false hits: at most {rate:.2f} per 100 kB, true ones counted too (bar: < {BAR_FALSE:.0f})\n")
    return rate < BAR_FALSE


def source_code() -> Iterator[str]:
    """Yield source files in a fixed random order until there are 5 MB of them."""
    paths = sysconfig.get_paths()
    files = {*Path(paths["stdlib"]).rglob("*.py"), *Path(paths["purelib"]).rglob("*.py")}
    for pattern in ("*.js", "*.ts"):
        files |= set((REPOSITORY / "node_modules").resolve().rglob(pattern))
    chosen = sorted(files)
    random.Random(0).shuffle(chosen)  # noqa: S311
    size = 0
    for path in chosen:
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        if len(text) > LONGEST_SOURCE or ".min." in path.name:
            continue
        yield text
        size += len(text)
        if size >= SOURCE_BYTES:
            return


def survivors(examples: list[dict[str, Any]]) -> bool:
    """Collect home folders and addresses by expressions of their own, scrub, and look for them again."""
    found: set[str] = set()
    for example in examples:
        for text in texts_of(example):
            found.update(_HOME.findall(text))
            found.update(_ADDRESS.findall(text))
    wanted = sorted(value for value in found if not _NOBODY.fullmatch(value))
    scrubber = Scrubber(Names.collect(examples))
    words: set[str] = set()
    for example in examples:
        for text in texts_of(scrubber.scrub(example)[0]):
            words.update(value for value in wanted if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text))
    print(f"{len(wanted)} names of home folders and e-mail addresses; {len(words)} survive (bar: 0)")
    return not words


if __name__ == "__main__":
    main()
