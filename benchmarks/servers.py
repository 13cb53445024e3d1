"""Servers for benchmarks and rehearsals: Azurite, our Kusto server, and a proxy that replays its answers late."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

AZURITE = (
    Path(__file__).resolve().parents[1] / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
)
ACCOUNT = "bench"
KEY = "YmVuY2gta2V5LW9mLWEtc2VydmVyLW9uLXRoaXMtbWFjaGluZQ=="


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run Azurite with everything in memory; give its process and the address of the account."""
    if not AZURITE.exists():
        raise SystemExit("Azurite is not installed: npm ci")
    log = folder / "azurite.log"
    command = ["node", str(AZURITE), "--silent", "--blobHost", "127.0.0.1", "--blobPort", "0"]
    command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    environment = os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        yield server, f"http://127.0.0.1:{_port(log)}/{ACCOUNT}"
    finally:
        server.terminate()
        server.wait(20)


def _port(log: Path) -> int:
    for _ in range(600):
        if match := re.search(r"successfully listens on \S+:(\d+)", log.read_text()):
            return int(match[1])
        time.sleep(0.05)
    raise SystemExit(f"Azurite did not start: {log.read_text()}")


def connection_string(endpoint: str) -> str:
    """Return a connection string for the account at `endpoint`."""
    return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint}"


def make_container(endpoint: str, name: str) -> str:
    """Make a container and return its address."""
    from azure.storage.blob import ContainerClient

    credential = {"account_name": ACCOUNT, "account_key": KEY}
    with ContainerClient(endpoint, name, credential=credential) as client:
        client.create_container()
    return f"{endpoint}/{name}"


@contextlib.contextmanager
def kusto(events: Path, folder: Path) -> Iterator[str]:
    """Run `turnsmith kusto serve` as a process of its own; give its address."""
    command = [sys.executable, "-m", "turnsmith", "kusto", "serve", "--events", str(events)]
    with (folder / "kusto.log").open("w") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(20)


class Replay(ThreadingHTTPServer):
    """Forward questions to a Kusto server once, and give the same answers again; each takes `latency` seconds."""

    daemon_threads = True

    def __init__(self, uri: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(uri)
        self.known: dict[bytes, tuple[int, bytes]] = {}
        self.latency = 0.0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def uri(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def bytes_known(self) -> int:
        """Return the size of all answers."""
        return sum(len(body) for _, body in self.known.values())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Replay

    def do_POST(self) -> None:
        """Answer a question."""
        started = time.monotonic()
        question = self.rfile.read(int(self.headers["Content-Length"]))
        if question not in self.server.known:
            self.server.known[question] = self._asked(question)
        status, body = self.server.known[question]
        time.sleep(max(0.0, self.server.latency - (time.monotonic() - started)))
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _asked(self, question: bytes) -> tuple[int, bytes]:
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), int(upstream.port or 80))
        with contextlib.closing(connection):
            connection.request("POST", self.path, question, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""


def last_line(text: str) -> Any:
    """Return the JSON value in the last line of what a process printed."""
    return json.loads(text.strip().splitlines()[-1])
