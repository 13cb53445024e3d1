"""Measure `turnsmith judge` on loopback: speed against bare clients, a quota, memory, a run from the cache.

    python benchmarks/judge.py --write-docs

The server answers after 50 ms and takes 200 requests at a time, in a process of its own. Rates and CPU are those
between a small and a large run, so that the start of the programs does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import machine, markdown, measure, write_between

from turnsmith.labels.judge.prompts import load_prompt
from turnsmith.labels.judge.request import RequestBuilder
from turnsmith.labels.records import Signals, Turn, encode

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "judging.md"
CONCURRENCY = 200
LATENCY = 0.05
MODEL = "latency"
BURST = 600  # requests a minute of the quota, which are there at once; then 10 a second
PARAMETERS = {"max_tokens": 1, "temperature": 0, "seed": 1, "logprobs": True, "top_logprobs": 20}

Row = tuple[str, str, str]


@dataclass
class Cost:
    """Hold what a command took: seconds of wall time and of CPU."""

    wall: float
    cpu: float


def main() -> None:
    """Measure all, print the tables, and put them into the docs on request."""
    parser = argparse.ArgumentParser(description="Measure turnsmith judge.")
    parser.add_argument("--requests", type=int, default=10_000, help="requests of the larger speed run")
    parser.add_argument("--turns", type=int, default=300_000, help="turns of the larger memory run")
    parser.add_argument("--quota", type=int, default=900, help="turns of the run under a quota")
    parser.add_argument("--runs", type=int, default=3, help="repetitions of the speed runs")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/judging.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnsmith-judge-") as name:
        folder = Path(name)
        tables = [
            speed(folder, options.requests, options.runs),
            markdown(["under a quota", "measured", "bar"], quota(folder, options.quota)),
            memory(folder, options.turns),
        ]
    text = "\n\n".join([f"Measured on {machine()}.", *tables])
    print(text)
    if options.write_docs:
        write_between(DOCS, "judge", text)


def speed(folder: Path, requests: int, runs: int) -> str:
    """Return the table of requests a second and CPU, beside two clients that only send."""
    small, large = requests // 5, requests
    for count in (small, large):
        write_turns(folder / f"turns-{count}.jsonl", count)
        write_bodies(folder / f"bodies-{count}.jsonl", folder / f"turns-{count}.jsonl")
    with latency_server() as url:
        ways: dict[str, Callable[[int], Sequence[str]]] = {
            "aiohttp alone": lambda count: bare("aiohttp", url, folder / f"bodies-{count}.jsonl"),
            "the openai client in asyncio": lambda count: bare(
                "openai", url, folder / f"bodies-{count}.jsonl"
            ),
            "turnsmith judge": lambda count: judging(
                folder / f"turns-{count}.jsonl", Path(tempfile.mkdtemp(dir=folder)), url
            ),
        }
        found = {name: between(way, small, large, runs) for name, way in ways.items()}
    baseline = found["the openai client in asyncio"]
    rows = [
        [name, f"{1 / cost.wall:,.0f}", f"{cost.cpu * 1e3:.2f}", f"{baseline.wall / cost.wall:.0%}"]
        for name, cost in found.items()
    ]
    heading = f"{CONCURRENCY} at a time, {LATENCY * 1e3:.0f} ms each"
    return markdown([heading, "requests/s", "ms CPU a request", "of the bare openai client"], rows)


def between(way: Callable[[int], Sequence[str]], small: int, large: int, runs: int) -> Cost:
    """Return the seconds per request between a small and a large run, the medians of some."""
    costs: dict[int, list[Cost]] = {small: [], large: []}
    for _ in range(runs):
        for count, seen in costs.items():
            seen.append(timed(way(count)))
    wall, cpu = (
        statistics.median(getattr(cost, kind) for cost in costs[large])
        - statistics.median(getattr(cost, kind) for cost in costs[small])
        for kind in ("wall", "cpu")
    )
    return Cost(wall / (large - small), cpu / (large - small))


def quota(folder: Path, turns: int) -> list[Row]:
    """Return what a run under a quota lost, sent and took, beside the least that the quota allows."""
    write_turns(folder / "quota.jsonl", turns)
    with llmock_server(BURST) as root:
        post(f"{root}/_llmock/scenario", {"behaviors": [{"type": "reply", "text": "1", "times": None}]})
        report = json.loads(
            subprocess.run(
                judging(folder / "quota.jsonl", folder / "quota", f"{root}/v1"),
                check=True, stdout=subprocess.PIPE, env=environment(),
            ).stdout
        )  # fmt: skip
        log = get(f"{root}/_llmock/requests")["requests"]
        verdict = get(f"{root}/_llmock/verdict")
    answered = [each for each in log if each["status"] == 200]
    took = max(each["ended_at"] for each in log) - min(each["started_at"] for each in log)
    floor = (len(answered) - BURST) / (BURST / 60)
    lost = turns - report["states"].get("labeled", 0)
    return [
        ("turns without a label", f"{lost} of {turns:,}", "0"),
        ("attempts for each answer", f"{len(log) / len(answered):.3f}", "at most 1.1"),
        ("seconds over the floor", f"{took:.1f} over {floor:.1f} ({took / floor - 1:+.1%})", "within 10%"),
        ("verdict of llmock", "passed" if verdict["passed"] else str(verdict["findings"]), "passed"),
    ]


def memory(folder: Path, turns: int) -> str:
    """Return the table of peak memory by the number of turns, asked and from the cache."""
    rows = []
    from_cache: dict[int, float] = {}
    for count in (turns // 10, turns):
        path, out = folder / "many.jsonl", folder / f"many-{count}"
        write_turns(path, count)
        with latency_server() as url:
            asked, peak = measure(judging(path, out, url))
            again, peak_again = measure(judging(path, out, url))
        from_cache[count] = again
        rows.append([f"{count:,} turns", f"{asked:,.0f}", mib(peak), f"{again:.1f}", mib(peak_again)])
    small, large = from_cache
    rate = (large - small) / (from_cache[large] - from_cache[small])
    table = markdown(["", "seconds, asked", "peak MiB", "seconds, from the cache", "peak MiB"], rows)
    return f"{table}\n\nFrom the cache: {rate:,.0f} turns a second between the two sizes (bar: 20,000)."


def mib(size: int) -> str:
    """Return bytes as MiB."""
    return f"{size / 2**20:,.0f}"


def judging(turns: Path, out: Path, url: str) -> Sequence[str]:
    """Return the command of a run."""
    told = ["--out", str(out), "--endpoint", url, "--model", MODEL, "--json"]
    return [sys.executable, "-m", "turnsmith", "judge", str(turns), *told, "--concurrency", str(CONCURRENCY)]


def bare(client: str, url: str, bodies: Path) -> Sequence[str]:
    """Return the command of a client that only sends."""
    told = ["--client", client, "--url", url, "--concurrency", str(CONCURRENCY)]
    return [sys.executable, str(HERE / "bare_client.py"), *told, str(bodies)]


def timed(command: Sequence[str]) -> Cost:
    """Run a command to its end and return what it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def environment() -> dict[str, str]:
    """Return this process's environment without keys and addresses of other servers."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}


@contextlib.contextmanager
def latency_server() -> Iterator[str]:
    """Run the server of fixed latency; give its address."""
    command = [sys.executable, str(HERE / "latency_server.py"), "--latency", str(LATENCY)]
    server = subprocess.Popen([*command, "--room", str(CONCURRENCY)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def llmock_server(rpm: int) -> Iterator[str]:
    """Run llmock with a quota; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    llmock = str(Path(sys.executable).with_name("llmock"))
    command = [llmock, "serve", "--port", str(port), "--rpm", str(rpm), "--log-level", "error"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                get(f"{root}/health")
                break
            time.sleep(0.1)
        yield root
    finally:
        server.kill()
        server.wait()


def get(url: str) -> Any:
    """Return the JSON at an address."""
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310
        return json.load(response)


def post(url: str, value: Any) -> None:
    """Send JSON to an address."""
    body = json.dumps(value).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass


def write_turns(path: Path, count: int) -> None:
    """Write turns, each with a request of some 600 characters of its own."""
    dice = random.Random(count)  # noqa: S311
    words = [f"{''.join(dice.choices('etaoinshrdlu', k=dice.randint(2, 9)))}" for _ in range(2_000)]
    with path.open("wb") as file:
        for number in range(count):
            file.write(encode(_turn(number, " ".join(dice.choices(words, k=90)))))


def write_bodies(path: Path, turns: Path) -> None:
    """Write the bodies that the judge makes of turns, for the clients that only send."""
    import msgspec

    builder = RequestBuilder(model=MODEL, prompt=load_prompt(), parameters=PARAMETERS, secret=b"benchmark")
    with path.open("wb") as file:
        for line in turns.read_bytes().splitlines():
            file.write(builder.voting(builder.show(msgspec.json.decode(line, type=Turn))).body + b"\n")


def _turn(number: int, request: str) -> Turn:
    signals = Signals(
        llm_call_count=3, tool_counts={"read_file": 2}, tool_call_count=2, tool_variety=1,
        available_tool_count=20, completion_tokens=700, prompt_tokens=21_000, prompt_growth=4_000,
        duration_ms=30_000, model="m", response_type="success", turn_end_reason="stopped",
    )  # fmt: skip
    return Turn(
        conversation_id=f"{number:012x}", message_id=f"m{number}", turn_index=1, turn_count=4, split="train",
        bucket="short_3_to_5_turns", request=request, response="Done.", signals=signals,
        is_likely_reasoning=False, complexity_bucket="moderate", dataset="benchmark", unit="first",
    )  # fmt: skip


if __name__ == "__main__":
    main()
