"""Measure how fast fill-in-the-middle examples are mined, beside bare parsing of the same files, in one run.

    python benchmarks/mine_fim.py [REPO...] [--data ../shared/data] [--copies 60] [--runs 3] [--write-docs]

The source is that of the given repositories, or of the bundles in the shared data, as often as asked in folders of
their own, each copy a little different so that none is left out as a duplicate. The baseline reads the same objects
through the same git process and parses them with the same grammars, and does nothing else.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from measuring import machine, markdown, measure, write_between

from turnsmith.sources.code.languages import HEAD_BYTES, language_of, parser
from turnsmith.sources.code.paths import why_skipped
from turnsmith.sources.code.repository import SUBMODULE, SYMLINK, opened

HERE = Path(__file__).parent
BAR_SPEED, BAR_MEMORY = 8.0, 400.0
LARGEST = 500_000


def main() -> None:
    """Make the repositories, measure both ways, print the table."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("repositories", nargs="*", help="repositories to take source from")
    arguments.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    arguments.add_argument("--copies", type=int, default=60)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--write-docs", action="store_true", help="put the table into docs/fim.md")
    arguments.add_argument("--parse", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.parse:
        parse_only(options.parse)
        return
    places = options.repositories or sorted(map(str, (options.data / "git").glob("*.bundle")))
    if not places:
        raise SystemExit(
            f"{options.data}: no bundles there; name the shared data with --data, or repositories"
        )
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as folder:
        table = run(Path(folder), places, options.copies, options.runs)
    print(table)
    if options.write_docs:
        write_between(HERE.parent / "docs" / "fim.md", "fim", f"\n{table}\n")


def run(folder: Path, places: Sequence[str], copies: int, runs: int) -> str:
    """Return the table and its caption."""
    once, twice = folder / "once.git", folder / "twice.git"
    write_repository(once, places, copies)
    write_repository(twice, places, 2 * copies)
    out = str(folder / "out.jsonl")
    mine = [sys.executable, "-m", "turnsmith", "mine", "fim", "--per-folder", "0", "--json", "--out", out]
    commands = {
        "bare parsing, nothing else (baseline)": [sys.executable, __file__, "--parse", str(once)],
        "`turnsmith mine fim`": [*mine, str(once)],
        "`turnsmith mine fim`, twice the files": [*mine, str(twice)],
        "`turnsmith mine fim`, in tokens": [*mine, "--unit", "tokens", "--max-len", "512", str(once)],
    }
    reports = {name: json.loads(subprocess.check_output(command)) for name, command in commands.items()}
    rows, speeds, peaks = [], [], []
    taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(measured(command))
    base = 0.0
    for name, results in taken.items():
        size = reports[name]["bytes"] / 1e6
        cpu = size / statistics.median(cpu for cpu, _, _ in results)
        wall = size / statistics.median(wall for _, wall, _ in results)
        peak = max(peak for _, _, peak in results) / 1e6
        base = base or cpu
        examples = f"{reports[name]['examples']:,}" if "examples" in reports[name] else ""
        rows.append(
            [name, f"{size:.0f}", examples, f"{cpu:.1f}", f"{wall:.1f}", f"{cpu / base:.2f}", f"{peak:.0f}"]
        )
        speeds.append(cpu)
        peaks.append(peak)
    rows.append(
        [
            "bar: at least 8 MB/s of CPU time",
            "",
            "",
            "met" if speeds[1] >= BAR_SPEED else "missed",
            "",
            "",
            "",
        ]
    )
    rows.append(
        ["bar: under 400 MB", "", "", "", "", "", "met" if max(peaks[1:3]) < BAR_MEMORY else "missed"]
    )
    caption = (
        f"Source of {', '.join(Path(place).stem for place in places)}, {copies} times; medians of {runs} runs, start "
        f"and imports included, on {machine()}. MB are of files whose language is known. CPU time is that of all "
        f"processes, git's too. The machine's load was {os.getloadavg()[0]:.1f} at the start of the report: where it "
        "is above the number of cores, CPU time suffers as well."
    )
    headings = ["", "MB", "examples", "MB/s of CPU time", "MB/s, wall", "times the baseline", "peak MB"]
    return f"{caption}\n\n{markdown(headings, rows)}"


def measured(command: Sequence[str]) -> tuple[float, float, int]:
    """Run a command; return the seconds of CPU and of wall time, and the peak bytes of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, peak = measure(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, peak


def source_files(place: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the files of a repository whose language is known and that no name leaves out."""
    with opened(place) as repository, repository.objects() as objects:
        for entry in repository.tree(repository.resolve()):
            if entry.mode in (SYMLINK, SUBMODULE) or entry.size > LARGEST or why_skipped(entry.path, b""):
                continue
            if language_of(entry.path, b""):
                yield entry.path, objects.read(entry.object_id)


def parse_only(place: str) -> None:
    """Read and parse a repository's files, and print how many bytes they have."""
    size = 0
    for path, data in source_files(place):
        language = language_of(path, data[:HEAD_BYTES])
        found = parser(language) if language else None
        if found is not None:
            found.parse(data)
        size += len(data)
    print(json.dumps({"bytes": size}))


def write_repository(target: Path, places: Sequence[str], copies: int) -> None:
    """Make a bare repository with copies of the source of some others, under the MIT license."""
    from identify.vendor.licenses import LICENSES

    subprocess.run(["git", "init", "--quiet", "--bare", str(target)], check=True)
    with subprocess.Popen(
        ["git", "-C", str(target), "fast-import", "--quiet"], stdin=subprocess.PIPE
    ) as process:
        stream = process.stdin
        assert stream is not None
        stream.write(
            b"commit refs/heads/main\ncommitter Kim <kim@example.org> 1700000000 +0000\ndata 5\nBegin\n"
        )
        put(stream, "LICENSE", dict(LICENSES)["MIT"].encode())
        for place in places:
            for path, data in source_files(place):
                for copy in range(copies):
                    put(stream, f"copy_{copy}/{Path(place).stem}/{path}", data + b"\n" * (copy + 1))
    if process.returncode:
        raise SystemExit("git fast-import failed")
    subprocess.run(["git", "-C", str(target), "symbolic-ref", "HEAD", "refs/heads/main"], check=True)


def put(stream: IO[bytes], path: str, data: bytes) -> None:
    """Write a file into a stream of `git fast-import`."""
    stream.write(b"M 644 inline %s\ndata %d\n" % (path.encode(), len(data)) + data + b"\n")


if __name__ == "__main__":
    main()
