"""Import: `turnsmith import claude-code` against plain `json.loads` of every line, and its memory on more input.

    python benchmarks/import_logs.py [--data FOLDER] [--copies 3] [--runs 3] [--write-docs]

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

from measuring import machine, markdown, measure, write_between

REPOSITORY = Path(__file__).resolve().parents[1]
REAL = REPOSITORY.parent / "shared" / "data" / "claude_code" / "sessions"
SMALL = REPOSITORY / "tests" / "sources" / "logs" / "claude_code"
SMALL_COPIES = 400
SHAPES = ("pairs", "conversation", "trajectory")
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
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    copies = options.copies * (SMALL_COPIES if options.data == SMALL else 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once, ten = (_fill(folder / str(times), options.data, copies * times) for times in (1, 10))
        text, held = _report(folder, once, ten, options.runs)
    print(text)
    if options.write_docs:
        write_between(REPOSITORY / "docs" / "benchmarks.md", "import", f"\n{text}\n")
    if not held:
        raise SystemExit(1)


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


def _report(folder: Path, once: float, ten: float, runs: int) -> tuple[str, bool]:
    """Measure everything in turns; return the tables and whether the bars are met."""
    baseline, small = "`json.loads` of every line", "import, trajectory, a tenth of the input"
    commands: dict[str, Sequence[str]] = {baseline: [sys.executable, "-c", BASELINE, str(folder / "10")]}
    commands |= {f"import, {shape}": _command(folder, 10, shape) for shape in SHAPES}
    commands[small] = _command(folder, 1, "trajectory")
    sizes = dict.fromkeys(commands, ten) | {small: once}
    results: dict[str, list[tuple[float, int]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            results[name].append(_measured(command))
    speed = {
        name: sizes[name] / statistics.median(cpu for cpu, _ in found) for name, found in results.items()
    }
    peak = {name: max(peak for _, peak in found) / 1e6 for name, found in results.items()}
    slowest = min(speed[f"import, {shape}"] for shape in SHAPES)
    growth = peak["import, trajectory"] / peak[small]
    rows = [[name, f"{sizes[name]:,.0f}", f"{speed[name]:,.0f}", f"{peak[name]:,.0f}"] for name in commands]
    bars = [
        ["speed of the slowest shape", f"{slowest:,.0f} MB/s", f"at least {BAR_SPEED} MB/s"],
        ["speed / `json.loads`", f"{slowest / speed[baseline]:.2f}", "none"],
        ["peak memory, ten times the input / once", f"{growth:.2f}", f"at most {BAR_MEMORY:.2f}"],
    ]
    parts = [
        f"{ten:,.0f} MB of Claude Code transcripts; medians of {runs} runs, on {machine()}.",
        markdown(["what", "MB", "MB for each CPU second", "peak MB"], rows),
        markdown(["figure", "measured", "bar"], bars),
    ]
    return "\n\n".join(parts), slowest >= BAR_SPEED and growth <= BAR_MEMORY


if __name__ == "__main__":
    main()
