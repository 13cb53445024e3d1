"""Run commands side by side: wall time and peak memory of the whole process tree."""

import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

POLL_SECONDS = 0.02


@dataclass
class Measured:
    """Hold the runs of one command: wall seconds and peak bytes, one each per run."""

    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Return the median wall time in seconds."""
        return statistics.median(self.seconds)

    @property
    def peak(self) -> int:
        """Return the highest peak of all runs in bytes."""
        return max(self.peaks)


def measure(command: Sequence[str]) -> tuple[float, int]:
    """Run a command to its end; return wall seconds and the peak resident bytes of its process tree."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks = [0]
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    _, errors = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{errors.decode()}")
    return seconds, peaks[0]


def _watch(process: subprocess.Popen[bytes], peaks: list[int]) -> None:
    try:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            tree = [root, *root.children(recursive=True)]
            peaks[0] = max(peaks[0], sum(each.memory_info().rss for each in tree))
            time.sleep(POLL_SECONDS)
    except psutil.Error:
        pass  # it ended between two looks


def side_by_side(commands: dict[str, Callable[[], Sequence[str]]], runs: int) -> dict[str, Measured]:
    """Run every command `runs` times, in turns, so that a slow minute of the machine hits all alike."""
    measured = {name: Measured() for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seconds, peak = measure(command())
            measured[name].seconds.append(seconds)
            measured[name].peaks.append(peak)
    return measured


def machine() -> str:
    """Return the machine in a line, for the table's caption."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_between(path: Path, name: str, text: str) -> None:
    """Put text between `<!-- benchmark:name -->` and `<!-- /benchmark:name -->` of a Markdown file."""
    begin, end = f"<!-- benchmark:{name} -->", f"<!-- /benchmark:{name} -->"
    content = path.read_text(encoding="utf-8")
    head, _, tail = content.partition(begin)
    path.write_text(f"{head}{begin}\n{text}\n{end}{tail.partition(end)[2]}", encoding="utf-8")
