"""Upload: `turnsmith publish` against a bare parallel upload of the same bytes to the same Azurite.

    python benchmarks/upload.py [--megabytes 400] [--rounds 5]

Each upload is a process of its own; the two take turns, and the ratio is the median of the rounds' ratios.
Publishing also reads and hashes every file beforehand, hashes each block, sends its MD5 for the server to
check, and compares what arrived. Needs Node.js and `npm ci`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from measuring import machine, markdown, write_between
from servers import ACCOUNT, KEY, azurite, connection_string, make_container

THREADS = 4
MIB = 1 << 20
BAR_RATIO, BAR_MEMORY = 0.90, 300
SHARES = {
    "train/short.json": 25,
    "train/medium.json": 35,
    "train/long.json": 30,
    "val/short.json": 5,
    "x.json": 5,
}


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--child", nargs=3, metavar=("HOW", "FOLDER", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps({"bare": _bare, "publish": _publish}[options.child[0]](*options.child[1:])))
        return
    with tempfile.TemporaryDirectory() as folder:
        results = _rounds(Path(folder), options.megabytes, options.rounds)
    _report(results, write_docs=options.write_docs)


def _bare(folder: str, url: str) -> dict[str, float]:
    """Upload file after file as the client's documentation shows; return seconds and CPU seconds."""
    from azure.storage.blob import ContainerClient

    client = ContainerClient.from_container_url(url, credential={"account_name": ACCOUNT, "account_key": KEY})
    started, cpu = time.perf_counter(), time.process_time()
    for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
        with path.open("rb") as file:
            client.upload_blob(
                f"bare/{path.relative_to(folder)}", file, length=path.stat().st_size, max_concurrency=THREADS
            )
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}


def _publish(folder: str, url: str) -> dict[str, float]:
    """Publish the folder, checks included; return seconds and CPU seconds."""
    from azure.storage.blob import ContainerClient  # noqa: F401  imported by both before the clock starts

    from turnsmith.publish.blob import publish_dataset

    started, cpu = time.perf_counter(), time.process_time()
    publish_dataset(Path(folder), url, threads=THREADS)
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}


def _rounds(folder: Path, megabytes: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    data = folder / "set"
    size = _make(data, megabytes)
    results: dict[str, list[dict[str, float]]] = {"bare": [], "publish": []}
    for number in range(rounds + 1):
        order = ["bare", "publish"] if number % 2 else ["publish", "bare"]
        for how in order:
            result = _measure(how, data, folder) | {"size": size / 1e6}
            if number:  # the first round warms the page cache
                results[how].append(result)
    return results


def _make(folder: Path, megabytes: int) -> int:
    """Write files that can't be told from a data set by `publish`; return their bytes."""
    checksums = {}
    for name, share in SHARES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = random.Random(name)  # noqa: S311
        with path.open("wb") as file:
            for _ in range(megabytes * share // 100):
                file.write(noise.randbytes(MIB))
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        checksums[name] = {"sha256": digest, "bytes": path.stat().st_size}
    (folder / "metadata.json").write_text(json.dumps({"checksums": checksums}))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _measure(how: str, data: Path, folder: Path) -> dict[str, float]:
    """Run one upload against a fresh server; return seconds, CPU seconds and peak memory of the client."""
    with azurite(folder) as (server, endpoint):
        url = make_container(endpoint, "upload")
        command = [sys.executable, __file__, "--child", how, str(data), url]
        environment = os.environ | {"AZURE_STORAGE_CONNECTION_STRING": connection_string(endpoint)}
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        process, peak = psutil.Process(child.pid), 0
        while child.poll() is None:
            try:
                peak = max(peak, process.memory_info().rss)
            except psutil.Error:
                break
            time.sleep(0.02)
        output, _ = child.communicate()
        if child.returncode:
            raise SystemExit(f"{how} failed")
        result: dict[str, float] = json.loads(output)
        return result | {"memory": peak / 1e6, "server": sum(psutil.Process(server.pid).cpu_times()[:2])}


def _report(results: dict[str, list[dict[str, Any]]], *, write_docs: bool) -> None:
    """Print the table, put it into the docs if wanted, and exit with 1 where a bar is missed."""
    rows = []
    for how, each in results.items():
        seconds, cpu, server = (
            statistics.median(row[key] for row in each) for key in ("seconds", "cpu", "server")
        )
        peak, size = max(row["memory"] for row in each), each[0]["size"]
        rows.append(
            [how, f"{seconds:.2f}", f"{size / seconds:.0f}", f"{cpu:.2f}", f"{server:.2f}", f"{peak:.0f}"]
        )
    pairs = zip(results["bare"], results["publish"], strict=True)
    ratios = sorted(bare["seconds"] / publish["seconds"] for bare, publish in pairs)
    ratio, memory = statistics.median(ratios), max(row["memory"] for row in results["publish"])
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    headings = ["upload", "seconds", "MB/s", "client CPU s", "server CPU s", "peak MB of the client"]
    figures = [
        ["throughput, publish / bare", f"{ratio:.2f} (rounds {spread})", f"at least {BAR_RATIO:.2f}"],
        ["peak memory of publish", f"{memory:.0f} MB", f"under {BAR_MEMORY} MB"],
    ]
    size = results["bare"][0]["size"]
    text = "\n\n".join(
        [
            f"{size:.0f} MB to Azurite; medians of {len(ratios)} rounds, on {machine()}.",
            markdown(headings, rows),
            markdown(["figure", "measured", "bar"], figures),
        ]
    )
    print(text)
    if write_docs:
        write_between(Path(__file__).parents[1] / "docs" / "benchmarks.md", "upload", f"\n{text}\n")
    raise SystemExit(ratio < BAR_RATIO or memory >= BAR_MEMORY)


if __name__ == "__main__":
    main()
