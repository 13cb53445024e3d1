"""Queries over the wire with the official client, against a loopback server that answers from event files."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from turnsmith.core.errors import DataError, UsageError
from turnsmith.sources.telemetry.kql.catalog import find_query
from turnsmith.sources.telemetry.kql.output import json_text
from turnsmith.sources.telemetry.kql.parameters import given_values
from turnsmith.sources.telemetry.kql.remote import run_on_cluster
from turnsmith.sources.telemetry.kql.result import check_result

from .rows import ROW_AS_OF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnsmith.sources.telemetry.kql.local import LocalEvents

BROKEN = {
    "error": {"code": "E", "message": "broken", "@message": "broken", "@type": "Fault", "@permanent": True}
}
SEMANTIC = {
    "error": {
        "code": "General_BadRequest",
        "message": "Request is invalid and cannot be executed.",
        "@type": "Kusto.Data.Exceptions.SemanticException",
        "@permanent": True,
        "@message": "Semantic error: SEM0100: 'count' operator: Failed to resolve table 'Nothing'",
    }
}


class Server(ThreadingHTTPServer):
    """Answer `/v2/rest/query` from the events; `partial` adds an error to the completion frame."""

    partial = False
    seen: dict[str, Any]

    def __init__(self, events: LocalEvents) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.events = events
        self.seen = {}

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def frames(self, text: str) -> list[dict[str, Any]]:
        """Return the frames of the answer; parameters are looked up as the client sent them."""
        query = find_query("discover_events")
        texts = {name: str(value) for name, value in self.seen["properties"]["Parameters"].items()}
        result = self.events.run(text, given_values(query.parameters, texts, query.name))
        columns = [{"ColumnName": column.name, "ColumnType": column.type} for column in result.columns]
        rows: list[Any] = [list(row.values()) for row in json.loads(json_text(result))]
        if self.partial:
            rows.append({"OneApiErrors": [BROKEN]})
        table = {
            "FrameType": "DataTable", "TableId": 1, "TableName": "PrimaryResult", "TableKind": "PrimaryResult",
            "Columns": columns, "Rows": rows,
        }  # fmt: skip
        done = {"FrameType": "DataSetCompletion", "HasErrors": self.partial, "Cancelled": False}
        return [{"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"}, table, done]


class Handler(BaseHTTPRequestHandler):
    """Speak just enough of Kusto's REST."""

    server: Server

    def do_GET(self) -> None:
        """Tell the client that no sign-in is needed."""
        self.answer(404, {})

    def do_POST(self) -> None:
        """Answer a query, or refuse it where it is wrong."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        properties = request.get("properties") or "{}"
        request["properties"] = json.loads(properties) if isinstance(properties, str) else properties
        self.server.seen = request
        if "AppEvents" not in request["csl"]:
            self.answer(400, SEMANTIC)
            return
        self.answer(200, self.server.frames(request["csl"]))

    def answer(self, status: int, content: Any) -> None:
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""


@pytest.fixture
def server(odd_events: LocalEvents) -> Iterator[Server]:
    """Start a server."""
    with Server(odd_events) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(server: Server) -> Any:
    """Ask which events there are."""
    query = find_query("discover_events")
    values = given_values(query.parameters, {"as_of": ROW_AS_OF, "window": "30d"}, query.name)
    return run_on_cluster(server.uri, "NetDefaultDB", query.text, values, name=query.name)


def test_same_answer_over_the_wire(server: Server, odd_events: LocalEvents) -> None:
    """The official client carries parameters as literals and brings back the same values."""
    query = find_query("discover_events")
    values = given_values(query.parameters, {"as_of": ROW_AS_OF, "window": "30d"}, query.name)
    result = ask(server)
    check_result(query, result)
    assert result.rows == odd_events.run(query.text, values).rows
    assert server.seen["db"] == "NetDefaultDB"
    assert server.seen["properties"]["Parameters"] == {
        "as_of": "datetime(2026-02-17T00:00:00Z)", "window": "timespan(30.00:00:00)",
    }  # fmt: skip


def test_partial_answers_are_failures(server: Server) -> None:
    """An answer with errors in it is no answer."""
    server.partial = True
    with pytest.raises(DataError, match="discover_events"):
        ask(server)


def test_refused_and_unreachable(server: Server) -> None:
    """A wrong query is wrong usage, an unreachable server is not."""
    with pytest.raises(UsageError, match="mine: "):
        run_on_cluster(server.uri, "NetDefaultDB", "Nothing | count", name="mine")
    with pytest.raises(DataError, match="mine: "):
        run_on_cluster("http://127.0.0.1:9", "NetDefaultDB", "AppEvents | count", name="mine")
