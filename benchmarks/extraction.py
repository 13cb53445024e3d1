"""Extraction: what the client itself costs while a cluster works, its memory, and whether chunks run side by side.

    python benchmarks/extraction.py [--conversations 2000] [--write-docs]

The server is `turnsmith kusto serve`, the client a process of its own; between them a proxy that keeps the
answers, so that the runs with latency wait for nothing else. The client asks for filtered conversations, too:
more bytes for the same question.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from measuring import machine, markdown, write_between
from servers import Replay, kusto, last_line

HERE = Path(__file__).resolve().parent
AS_OF = datetime(2026, 1, 16, tzinfo=UTC)
CHUNKS, PARALLEL = 40, 4
LATENCY = 2.0
BAR_CPU, BAR_MEMORY, BAR_PARALLEL = 0.15, 1.10, 1.15


def main() -> None:
    """Run everything and print the table; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--conversations", type=int, default=2_000)
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument(
        "--child", nargs=4, metavar=("URI", "OUT", "CHUNKS", "PARALLEL"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.child:
        uri, out, chunks, parallel = options.child
        print(json.dumps(_pull(uri, Path(out), int(chunks), int(parallel))))
        return
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as folder:
        table, passed = _run(Path(folder), options.conversations)
    print(table)
    if options.write_docs:
        write_between(HERE.parent / "docs" / "benchmarks.md", "extraction", f"\n{table}\n")
    raise SystemExit(not passed)


def _pull(uri: str, out: Path, chunks: int, parallel: int) -> dict[str, Any]:
    """Pull all chunks; return wall and CPU seconds, and memory as each chunk was done."""
    from turnsmith.core.progress import Phases
    from turnsmith.core.runs import hold
    from turnsmith.curate.buckets import DEFAULT_BUCKETS
    from turnsmith.curate.split import DEFAULT_SPLITS
    from turnsmith.sources.telemetry.assembly import Rules
    from turnsmith.sources.telemetry.kql.asking import Asker
    from turnsmith.sources.telemetry.kql.chunked import ChunkedExtractor
    from turnsmith.sources.telemetry.kql.client import Client, Place
    from turnsmith.sources.telemetry.kql.question import Question

    failed = ("failed", "cancelled", "networkError")
    rules = Rules(DEFAULT_BUCKETS, DEFAULT_SPLITS, failed, 0, keep_dropped=True)
    question = Question(AS_OF, timedelta(days=15), "longest", failed, DEFAULT_BUCKETS, include_filtered=True)
    place = Place(uri, "NetDefaultDB", timedelta(minutes=30), timedelta(minutes=35))
    with hold(out, "benchmark") as run, Client(place) as client:
        run.prepare({})
        watcher = _Memory(run.path / "chunks")
        started, cpu = time.perf_counter(), time.process_time()
        extractor = ChunkedExtractor(run, Phases(), Asker(client, AS_OF), question, rules, chunks, parallel)
        found = extractor.pull()
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
        watcher.stop()
        run.finish()
    return {
        "seconds": seconds,
        "cpu": used,
        "peaks": watcher.peaks,
        "conversations": found.counts.conversations,
    }


class _Memory:
    """Keep the peak of resident bytes by how many chunks were done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.peaks: dict[int, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._done.wait(0.05):
            done = sum(1 for _ in self._folder.glob("*.parquet"))
            self.peaks[done] = max(self.peaks.get(done, 0), process.memory_info().rss)


def _run(folder: Path, conversations: int) -> tuple[str, bool]:
    """Return the table, and whether all bars are met."""
    events = folder / "events.jsonl"
    synth = [
        sys.executable,
        "-m",
        "turnsmith",
        "synth",
        "--conversations",
        str(conversations),
        "--out",
        str(events),
    ]
    subprocess.run(synth, check=True, stdout=subprocess.DEVNULL)
    with kusto(events, folder) as uri, Replay(uri) as replay:
        working = _child(replay.uri, folder, CHUNKS, PARALLEL)
        size = replay.bytes_known
        replay.latency = LATENCY
        serial = _child(replay.uri, folder, CHUNKS, 1)
        parallel = _child(replay.uri, folder, CHUNKS, PARALLEL)
    title = (
        f"{conversations:,} generated conversations, {working['conversations']:,} of them in the window and "
        f"{size / 1e6:,.0f} MB of answers in {CHUNKS} chunks, {PARALLEL} at a time; on {machine()}."
    )
    peaks = {int(done): peak for done, peak in working["peaks"].items()}
    early = max(peak for done, peak in peaks.items() if done <= CHUNKS // 2)
    late = max(peak for done, peak in peaks.items() if done > CHUNKS // 2)
    times = [
        [f"{CHUNKS} chunks, the server at work", working],
        [f"{CHUNKS} chunks one by one, {LATENCY:g} s latency", serial],
        [f"{CHUNKS} chunks {PARALLEL} at a time, {LATENCY:g} s latency", parallel],
    ]
    rows = [
        [name, f"{r['seconds']:.1f}", f"{r['cpu']:.2f}", f"{max(r['peaks'].values()) / 1e6:,.0f}"]
        for name, r in times
    ]
    ratios = [
        (
            "client CPU / time that the chunks take, the server at work",
            working["cpu"] / working["seconds"],
            BAR_CPU,
        ),
        ("the same with latency, 4 at a time", parallel["cpu"] / parallel["seconds"], BAR_CPU),
        ("peak memory, chunks 21 to 40 / chunks 1 to 20", late / early, BAR_MEMORY),
        (
            f"{PARALLEL} at a time / a quarter of one by one",
            parallel["seconds"] / (serial["seconds"] / PARALLEL),
            BAR_PARALLEL,
        ),
    ]
    bars = [[name, f"{value:.2f}", f"at most {bar:.2f}"] for name, value, bar in ratios]
    tables = [
        markdown(["what", "seconds", "CPU seconds", "peak MB"], rows),
        markdown(["ratio", "measured", "bar"], bars),
    ]
    text = "\n\n".join([title, *tables])
    return text, all(value <= bar for _, value, bar in ratios)


def _child(uri: str, folder: Path, chunks: int, parallel: int) -> Any:
    command = [sys.executable, __file__, "--child", uri, str(folder / "out"), str(chunks), str(parallel)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the client failed:\n{done.stderr}")
    return last_line(done.stdout)


if __name__ == "__main__":
    main()
