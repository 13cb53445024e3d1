"""Run aimock on loopback: Files and Batches of the OpenAI protocol, written by others."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).resolve().parents[3] / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)")
START_SECONDS = 60


class Aimock:
    """Hold where the server listens; `url` is the base address for clients, with /v1."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/v1"

    def journal(self, **wanted: str) -> list[dict[str, Any]]:
        """Return the requests that the server saw, filtered by `path`, `method` or `service`."""
        query = "&".join(f"{name}={value}" for name, value in wanted.items())
        with urllib.request.urlopen(f"{self.root}/__aimock/journal?{query}", timeout=10) as response:
            entries: list[dict[str, Any]] = json.load(response)
        return entries


@contextlib.contextmanager
def aimock(folder: Path, answer: str = "1") -> Iterator[Aimock]:
    """Run the server; it says `answer` to every chat. Its log lies in `folder`."""
    if not PROGRAM.exists():
        raise RuntimeError("aimock is not installed: make node_modules/.stamp")
    fixtures = folder / "aimock.json"
    fixtures.write_text(json.dumps({"fixtures": [{"match": {}, "response": {"content": answer}}]}))
    log = folder / "aimock.log"
    command = ["node", str(PROGRAM), "--port", "0", "--fixtures", str(fixtures)]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={"PATH": os.environ["PATH"]}
        )
    try:
        yield Aimock(_port(server, log))
    finally:
        server.kill()
        server.wait(20)


def _port(server: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if match := LISTENS.search(log.read_text(errors="replace")):
            return int(match[1])
        time.sleep(0.05)
    raise RuntimeError(f"aimock did not start: {log.read_text(errors='replace')}")
