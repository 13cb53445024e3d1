"""Import: `turnsmith import claude-code` against plain `json.loads` of every line, and its memory on more input.

    python benchmarks/import_logs.py [--data FOLDER] [--copies 3] [--runs 3]

The input is every session below the folder, several times under new session ids, so that none is a copy of another.
Speed is megabytes of transcript for each second of CPU time, of the whole process with its start. Where the real
transcripts are absent, the small ones of the tests stand in.
"""

import argparse
import re
import resource
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measuring import machine, markdown, measure

REPOSITORY = Path(__file__).resolve().parents[1]
REAL = REPOSITORY.parent / "shared" / "data" / "claude_code" / "sessions"
SMALL = REPOSITORY / "tests" / "sources" / "logs" / "claude_code"
SMALL_COPIES = 400
BAR_SPEED, BAR_MEMORY = 60, 1.10
BASELINE = """
import json, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    with path.open("rb") as file:
        for line in file:
            try:
                json.loads(line)
            except ValueError:
                pass
"""
SESSION = re.compile(rb'"sessionId":"([^"]+)"')


def main() -> None:
    """Run baseline and imports in turns and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=REAL if REAL.is_dir() else SMALL)
    parser.add_argument(
        "--copies", type=int, default=3, help="copies of each file in the input; ten times that later"
    )
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    copies = options.copies * (SMALL_COPIES if options.data == SMALL else 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once, ten = (_fill(folder / str(times), options.data, copies * times) for times in (1, 10))
        _report(folder, once, ten, options.runs)


def _fill(folder: Path, data: Path, copies: int) -> float:
    """Write copies of all transcripts, each a session of its own; return megabytes."""
    folder.mkdir()
    for path in sorted(data.rglob("*.jsonl")):
        content = path.read_bytes()
        for copy in range(copies):
            renamed = SESSION.sub(rb'"sessionId":"%d-\1"' % copy, content)
            (folder / f"{copy}-{path.name}").write_bytes(renamed)
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def _command(folder: Path, times: int, shape: str) -> Sequence[str]:
    out = folder / "out.jsonl"
    arguments = ["import", "claude-code", str(folder / str(times)), "--out", str(out), "--shape", shape]
    return [sys.executable, "-m", "turnsmith", *arguments]


def _measured(command: Sequence[str]) -> tuple[float, int]:
    """Run a command; return its CPU seconds and peak bytes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, peak = measure(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def _report(folder: Path, once: float, ten: float, runs: int) -> None:
    commands = {
        "json.loads of every line": (ten, [sys.executable, "-c", BASELINE, str(folder / "10")]),
        "import, pairs": (ten, _command(folder, 10, "pairs")),
        "import, conversation": (ten, _command(folder, 10, "conversation")),
        "import, trajectory": (ten, _command(folder, 10, "trajectory")),
        "import, trajectory, a tenth of the input": (once, _command(folder, 1, "trajectory")),
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, list[int]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, (_, command) in commands.items():
            cpu, peak = _measured(command)
            seconds[name].append(cpu)
            peaks[name].append(peak)
    speed = {name: size / statistics.median(seconds[name]) for name, (size, _) in commands.items()}
    high = {name: max(values) / 1e6 for name, values in peaks.items()}
    print(f"{ten:,.0f} MB of transcripts; medians of {runs} runs, on {machine()}.\n")
    rows = [
        [name, f"{size:,.0f}", f"{speed[name]:,.0f}", f"{high[name]:,.0f}"]
        for name, (size, _) in commands.items()
    ]
    print(markdown(["what", "MB", "MB for each CPU second", "peak MB"], rows), "\n")
    slowest = min(speed[name] for name in ("import, pairs", "import, conversation", "import, trajectory"))
    growth = high["import, trajectory"] / high["import, trajectory, a tenth of the input"]
    bars = [
        ["speed of the slowest shape", f"{slowest:,.0f} MB/s", f"at least {BAR_SPEED} MB/s"],
        ["speed / json.loads", f"{slowest / speed['json.loads of every line']:.2f}", "none"],
        ["peak memory, ten times the input / once", f"{growth:.2f}", f"at most {BAR_MEMORY:.2f}"],
    ]
    print(markdown(["figure", "measured", "bar"], bars))
    if slowest < BAR_SPEED or growth > BAR_MEMORY:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
