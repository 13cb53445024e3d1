"""An HTTP proxy in front of a Kusto server on loopback: it counts the questions, and spoils some answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

CANDIDATES, COUNTS = "candidates", "counts"


@dataclass(frozen=True)
class Asked:
    """Hold what was asked: which query, of which chunk, up to when, and what now() was to be."""

    query: str
    of: int
    number: int
    as_of: str
    query_now: str


@dataclass
class Plan:
    """Say which questions are spoiled, and how: the next `times` of a query, in any chunk or in one."""

    fault: Any
    query: str
    times: int
    chunk: tuple[int, int] | None


@dataclass
class Log:
    """Hold the questions and the plans; several threads use it."""

    asked: list[Asked] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)
    delay: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def chunks(self) -> list[tuple[int, int]]:
        """Return the chunks whose candidates were asked for, as (number, of), in order."""
        return [(each.number, each.of) for each in self.asked if each.query == CANDIDATES]

    def fault_for(self, asked: Asked) -> Any:
        """Note a question; return what is to happen to its answer, None for nothing."""
        with self.lock:
            self.asked.append(asked)
            for plan in self.plans:
                fits = plan.query == asked.query and plan.chunk in (None, (asked.number, asked.of))
                if plan.times and fits:
                    plan.times -= 1
                    return plan.fault
        return None


class Proxy(ThreadingHTTPServer):
    """Forward questions to the server at `uri`; `known` keeps its answers for the same questions again."""

    daemon_threads = True

    def __init__(self, uri: str, known: dict[str, tuple[int, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(uri)
        self.known = known
        self.log = Log()

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spoil(
        self, fault: Any, query: str = CANDIDATES, times: int = 1, chunk: tuple[int, int] | None = None
    ) -> None:
        """Let a fault happen to the next answers."""
        self.log.plans.append(Plan(fault, query, times, chunk))

    def handle_error(self, *_: Any) -> None:
        """Keep quiet about clients that went away."""


@contextlib.contextmanager
def proxied(uri: str, known: dict[str, tuple[int, bytes]] | None = None) -> Iterator[Proxy]:
    """Run a proxy in front of a server."""
    with Proxy(uri, {} if known is None else known) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    """Pass one question on, or not."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def do_GET(self) -> None:
        """Tell of no cloud, as a cluster of the public one may."""
        self.answer(404, b"")

    def do_POST(self) -> None:
        """Forward the question or let its fault happen."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request["properties"] = json.loads(request["properties"])
        # The machine may be busy: only a fault makes the server itself give up early.
        request["properties"]["Options"].pop("servertimeout", None)
        values = request["properties"]["Parameters"]
        query = CANDIDATES if "sft_candidates_hash_chunked" in request["csl"].split("\n", 1)[0] else COUNTS
        self.server.log.authorization.append(self.headers.get("Authorization"))
        now = request["properties"]["Options"]["query_now"]
        asked = Asked(query, values["num_chunks"], values["chunk"], values["as_of"], now)
        fault = self.server.log.fault_for(asked)
        time.sleep(self.server.log.delay)
        if fault is None:
            self.answer(*self.forwarded(request))
        else:
            fault(self, request)

    def forwarded(self, request: dict[str, Any]) -> tuple[int, bytes]:
        """Return the server's status and body."""
        question = json.dumps(request, sort_keys=True)
        if question not in self.server.known:
            self.server.known[question] = self._asked(request)
        return self.server.known[question]

    def _asked(self, request: dict[str, Any]) -> tuple[int, bytes]:
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), int(upstream.port or 80))
        with contextlib.closing(connection):
            connection.request("POST", self.path, json.dumps(request), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        """Send an answer, with a length of its own choice."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""
