"""The HTTP side: routes of Kusto's REST, on loopback only, one line of log for each request."""

import contextlib
import json
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

from turnsmith.core.errors import UsageError
from turnsmith.sources.telemetry.kql.server.engine import DATABASE, Engine
from turnsmith.sources.telemetry.kql.server.faults import Ids, RefusalError, bad_request, unknown_database
from turnsmith.sources.telemetry.kql.server.frames import v1_body, v1_table, v2_body
from turnsmith.sources.telemetry.kql.server.management import AUTH_METADATA, answer_command
from turnsmith.sources.telemetry.kql.server.options import MAX_BYTES, MAX_ROWS, Limits, read_request

HOST = "127.0.0.1"
Log = Callable[[str], None]
_MANAGEMENT, _V1, _V2 = "/v1/rest/mgmt", "/v1/rest/query", "/v2/rest/query"
_METADATA = "/v1/rest/auth/metadata"
_LONGEST_BODY = 16 << 20


def serve(
    paths: Iterable[str],
    port: int = 0,
    max_rows: int = MAX_ROWS,
    max_bytes: int = MAX_BYTES,
    ready: Callable[[str], None] = lambda _uri: None,
    log: Log = lambda _line: None,
) -> None:
    """Answer queries about event files until interrupted; `ready` gets the address once there is one."""
    with (
        contextlib.closing(Engine(paths)) as engine,
        _Server(engine, port, max_rows, max_bytes, log) as server,
    ):
        loaded = engine.loaded
        ready(server.uri)
        log(f"{loaded.rows:,} rows read, {loaded.malformed:,} of them malformed and left out")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@contextlib.contextmanager
def running_server(
    paths: Iterable[str],
    port: int = 0,
    max_rows: int = MAX_ROWS,
    max_bytes: int = MAX_BYTES,
    log: Log = lambda _line: None,
) -> Iterator[str]:
    """Run a server beside the caller and give its address."""
    with (
        contextlib.closing(Engine(paths)) as engine,
        _Server(engine, port, max_rows, max_bytes, log) as server,
    ):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.uri
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    """Listen on loopback; each request has a thread."""

    def __init__(self, engine: Engine, port: int, max_rows: int, max_bytes: int, log: Log) -> None:
        self.engine, self.limits, self.log = engine, Limits(max_rows, max_bytes), log
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(f"--port {port}: can't listen there: {error}") from error

    def server_bind(self) -> None:
        """Bind without asking DNS for a name."""
        socketserver.TCPServer.server_bind(self)

    @property
    def uri(self) -> str:
        """Return the address for clients."""
        return f"http://{HOST}:{self.server_address[1]}"

    def handle_error(self, *_: Any) -> None:
        """Say that a connection broke; its request was the client's to give up."""
        self.log(f"connection lost: {type(sys.exc_info()[1]).__name__}")


class _Handler(BaseHTTPRequestHandler):
    """Answer the requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _started = 0.0

    def do_GET(self) -> None:
        """Answer what clients ask before they sign in."""
        self._answer(self._described)

    def do_POST(self) -> None:
        """Answer a query or a command."""
        self._answer(self._result)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Leave the log to `_send`: a malformed request line may hold anything."""

    @property
    def _mine(self) -> _Server:
        return cast(_Server, self.server)

    def _answer(self, make: Callable[[str, Ids], tuple[bytes, int | None]]) -> None:
        """Send what `make` returns, or its refusal."""
        self._started = monotonic()
        route = self.path.partition("?")[0].rstrip("/")
        ids = Ids.of(self.headers.get("x-ms-client-request-id"))
        try:
            self._check_host()
            body, rows = make(route, ids)
            status = 200
        except RefusalError as refusal:
            body, rows, status = json.dumps(refusal.body(ids)).encode(), None, refusal.status
        except Exception as error:  # noqa: BLE001 - a server goes on
            text = f"Internal service error: {type(error).__name__}"
            fault = RefusalError(text, "Internal service error", "KustoServiceException", 500, False)
            body, rows, status = json.dumps(fault.body(ids)).encode(), None, 500
        self._send(status, body, rows, ids, route)

    def _check_host(self) -> None:
        """Refuse what a page in a browser sends to a name of its own that leads here."""
        if urlsplit(f"//{self.headers.get('Host') or HOST}").hostname not in (HOST, "localhost"):
            self.close_connection = True
            raise bad_request("only requests to 127.0.0.1 are answered")

    def _described(self, route: str, _ids: Ids) -> tuple[bytes, int | None]:
        if route != _METADATA:
            raise RefusalError("There is nothing here.", "NotFound", "KustoBadRequestException", 404)
        return json.dumps(AUTH_METADATA).encode(), None

    def _result(self, route: str, ids: Ids) -> tuple[bytes, int | None]:
        body = self._body()
        if route not in (_MANAGEMENT, _V1, _V2):
            raise RefusalError("There is nothing here.", "NotFound", "KustoBadRequestException", 404)
        request = read_request(body, self._mine.limits)
        if request.database not in (None, DATABASE):
            raise unknown_database(request.database)
        if route == _MANAGEMENT:
            types, rows = answer_command(request.text)
            return v1_table(types, rows), len(rows)
        answer = self._mine.engine.answer(request)
        make = v1_body if route == _V1 else v2_body
        return make(answer, ids, request.deferred), len(answer.rows)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST_BODY:
            self.close_connection = True
            raise bad_request(f"a request has a body with a length of at most {_LONGEST_BODY} bytes")
        return self.rfile.read(int(length))

    def _send(self, status: int, body: bytes, rows: int | None, ids: Ids, route: str) -> None:
        known = route if route in (_MANAGEMENT, _V1, _V2, _METADATA) else "elsewhere"
        counted = "" if rows is None else f" {rows:,} rows"
        took = (monotonic() - self._started) * 1_000
        self._mine.log(f"{self.command} {known} {status}{counted} {len(body):,} bytes {took:,.0f} ms")
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-ms-activity-id", ids.activity)
        self.end_headers()
        self.wfile.write(body)
