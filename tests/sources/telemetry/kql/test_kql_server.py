"""The loopback Kusto server, through the official client."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.kusto.data import ClientRequestProperties, KustoClient
from azure.kusto.data._cloud_settings import CloudSettings
from azure.kusto.data.exceptions import KustoApiError, KustoMultiApiError, KustoServiceError

from turnsmith.core.errors import InputError, UsageError
from turnsmith.sources.telemetry.kql.catalog import find_query
from turnsmith.sources.telemetry.kql.local import LocalEvents
from turnsmith.sources.telemetry.kql.parameters import given_values
from turnsmith.sources.telemetry.kql.remote import run_on_cluster
from turnsmith.sources.telemetry.kql.result import check_result
from turnsmith.sources.telemetry.kql.server import running_server
from turnsmith.sources.telemetry.synth import DEFAULT_AS_OF, write_events

DATABASE = "NetDefaultDB"
TOO_LARGE = "E_QUERY_RESULT_SET_TOO_LARGE"
NUMBERS = "range x from 1 to 10 step 1"
SLOW = (
    "range a from 1 to 100000 step 1 | extend k = 1 "
    "| join kind=inner (range b from 1 to 100000 step 1 | extend k = 1) on k | summarize sum(a * b)"
)


@pytest.fixture(scope="module")
def events_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 60 conversations."""
    path = tmp_path_factory.mktemp("server") / "events.jsonl"
    write_events(path, 60, seed=3)
    return path


@pytest.fixture(scope="module")
def log() -> list[str]:
    """Give the lines that the server logs."""
    return []


@pytest.fixture(scope="module")
def uri(events_file: Path, log: list[str]) -> Iterator[str]:
    """Run a server."""
    with running_server([str(events_file)], log=log.append) as address:
        yield address


@pytest.fixture(scope="module")
def client(uri: str) -> Iterator[KustoClient]:
    """Connect the official client, without signing in."""
    with KustoClient(uri) as connected:
        yield connected


@pytest.fixture(scope="module")
def local(events_file: Path) -> Iterator[LocalEvents]:
    """Load the same events for local queries."""
    with LocalEvents([str(events_file)]) as events:
        yield events


def options(**given: Any) -> ClientRequestProperties:
    """Return properties with options."""
    properties = ClientRequestProperties()  # type: ignore[no-untyped-call]
    for name, value in given.items():
        properties.set_option(name, value)
    return properties


def raw(uri: str, route: str, csl: str, properties: Any = None, **headers: str) -> tuple[int, Any]:
    """Post a request without the client and return status and JSON."""
    connection = http.client.HTTPConnection(uri.removeprefix("http://"))
    body = json.dumps({"db": DATABASE, "csl": csl, "properties": properties})
    connection.request("POST", route, body, {"Content-Type": "application/json", **headers})
    with connection.getresponse() as response:
        content = json.loads(response.read())
    connection.close()
    return response.status, content


def status_of(error: KustoApiError) -> int:
    """Return the status code of a refused request."""
    response: Any = error.http_response
    return int(response.status_code)


def rows(client: KustoClient, csl: str, properties: ClientRequestProperties | None = None) -> list[list[Any]]:
    """Return the rows of a query."""
    return [row.to_list() for row in client.execute_query(DATABASE, csl, properties).primary_results[0]]


def test_plain_query_over_v2(client: KustoClient, local: LocalEvents) -> None:
    """A query answers as it does on files, with all frames of v2 and no errors."""
    query = "AppEvents | summarize n = count() by Name | sort by Name asc"
    response = client.execute_query(DATABASE, query)
    assert [tuple(row.to_list()) for row in response.primary_results[0]] == local.run(query).rows != []
    assert response.tables_names == ["@ExtendedProperties", "PrimaryResult", "QueryCompletionInformation"]
    assert response.errors_count == 0


def test_query_over_v1(uri: str) -> None:
    """The v1 endpoint gives result, properties, status and contents, which the client takes apart."""
    with KustoClient(uri) as client:
        client._query_endpoint = f"{uri}/v1/rest/query"
        response = client.execute_query(DATABASE, "print a = 1, b = true, c = 'x', d = dynamic({'k': [1]})")
    table = response.primary_results[0]
    assert table[0].to_list() == [1, True, "x", {"k": [1]}]
    assert [column["DataType"] for column in table.raw_columns] == ["Int64", "SByte", "String", "Object"]
    assert [str(t.table_kind.value) for t in response.tables] == [
        "PrimaryResult", "QueryProperties", "QueryCompletionInformation", "TableOfContents",
    ]  # fmt: skip
    assert response.errors_count == 0


def test_management(client: KustoClient, uri: str) -> None:
    """Clients learn of the database, the table, its columns, the version, and where to sign in."""
    assert client.execute_mgmt(DATABASE, ".show databases").primary_results[0][0]["DatabaseName"] == DATABASE
    assert client.execute_mgmt(DATABASE, ".show tables").primary_results[0][0]["TableName"] == "AppEvents"
    assert client.execute(DATABASE, ".show version").primary_results[0][0]["ServiceType"] == "Engine"
    schema = client.execute_mgmt(DATABASE, ".show table AppEvents cslschema").primary_results[0][0]["Schema"]
    assert schema == "TimeGenerated:datetime,Name:string,Properties:dynamic,Measurements:dynamic"
    assert CloudSettings.get_cloud_info_for_cluster(uri).login_endpoint.startswith("https://")
    with pytest.raises(KustoApiError, match=r"no such command"):
        client.execute_mgmt(DATABASE, ".drop table AppEvents")


@pytest.mark.parametrize("as_text", [True, False])
def test_parameters(uri: str, as_text: bool) -> None:
    """Parameters come in JSON or as JSON in a string, as literals or as values, typed by the declaration."""
    query = (
        "declare query_parameters(s: string, l: long, r: real, b: bool, t: timespan, d: datetime, j: dynamic, "
        "g: dynamic, n: long = 7); print s, l, r, b, t, d, j.k, g, n"
    )
    given = {
        "s": "long(5)' | take 1", "l": "long(5)", "r": 2.5, "b": "bool(true)", "t": "timespan(1.02:03:04.5000000)",
        "d": "datetime(2026-01-16T00:00:00.25Z)", "j": {"k": [1, None]}, "g": "dynamic(\"x\")",
    }  # fmt: skip
    properties: Any = {"Options": {}, "Parameters": given}
    status, frames = raw(uri, "/v2/rest/query", query, json.dumps(properties) if as_text else properties)
    assert status == 200
    assert frames[2]["Rows"] == [
        [
            "long(5)' | take 1",
            5,
            2.5,
            True,
            "1.02:03:04.5000000",
            "2026-01-16T00:00:00.2500000Z",
            [1, None],
            "x",
            7,
        ]
    ]


def test_wrong_parameters(uri: str) -> None:
    """A parameter that is unknown, missing or of another type is a semantic error."""
    query = "declare query_parameters(l: long);\nprint l"
    for given in ({}, {"l": "many"}, {"l": 1, "m": 2}):
        status, body = raw(uri, "/v2/rest/query", query, {"Parameters": given})
        assert (status, body["error"]["code"]) == (400, "General_BadRequest")
        assert body["error"]["@message"].startswith("Semantic error: ")


def test_values(client: KustoClient) -> None:
    """Every type has Kusto's shape on the wire and its column type."""
    query = (
        "print a = datetime(2026-01-16), b = datetime(2026-01-16 01:02:03.1234567), c = -25h, "
        "d = long(9007199254740993), e = int(3), f = real(nan), g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), "
        "h = bool(null), i = bag_pack('k', pack_array(1, 'é')), j = long(null), k = 1.5"
    )
    table = client.execute_query(DATABASE, query).primary_results[0]
    assert table.raw_rows == [
        [
            "2026-01-16T00:00:00Z", "2026-01-16T01:02:03.1234560Z", "-1.01:00:00", 9007199254740993, 3, "NaN",
            "74be27de-1e4e-49d9-b579-fe0b331d3642", None, {"k": [1, "é"]}, None, 1.5,
        ]
    ]  # fmt: skip
    assert table[0]["a"] == datetime(2026, 1, 16, tzinfo=UTC)
    assert table[0]["c"] == timedelta(hours=-25)
    types = "datetime datetime timespan long int real guid bool dynamic long real"
    assert " ".join(column.column_type for column in table.columns) == types


def test_query_now(client: KustoClient) -> None:
    """The option `query_now` fixes what now() says; without it the clock runs on."""
    now = datetime(2026, 1, 2, 3, tzinfo=UTC)
    assert rows(client, "print now()", options(query_now=now.isoformat())) == [[now]]
    assert rows(client, "print now()") < rows(client, "print now()")


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("AppEvents\n| sumarize count()", "BadRequest_SyntaxError", r"Syntax error: .*\[line:position=2:0\]"),
        ("Missing | count", "General_BadRequest", r"Semantic error: .*'Missing' \[line:position=1:0\]"),
        ("AppEvents // Foo\n| where Foo == 1", "General_BadRequest", r"Semantic error: .*'Foo' \[line:position=2:8\]"),
        ("print nosuch(1)", "General_BadRequest", r"Semantic error: .*nosuch.*\[line:position=1:6\]"),
        ("['/etc/passwd.csv'] | count", "General_BadRequest", "Bad request: .*disabled by configuration"),
    ],
)  # fmt: skip
def test_wrong_queries(client: KustoClient, query: str, code: str, message: str) -> None:
    """A wrong query is refused with Kusto's code and the place; no SQL shows."""
    with pytest.raises(KustoApiError, match=message) as caught:
        client.execute_query(DATABASE, query)
    error = caught.value.get_api_error()
    assert (error.code, error.permanent) == (code, True)
    assert caught.value.is_semantic_error() == message.startswith("Semantic")
    assert status_of(caught.value) == 400
    assert "SELECT" not in str(caught.value)


def test_databases(client: KustoClient) -> None:
    """Another database is unknown; this one may be named in the query."""
    with pytest.raises(KustoApiError, match="Entity ID 'Elsewhere' of kind 'Database' was not found"):
        client.execute_query("Elsewhere", "AppEvents | count")
    there = rows(client, f'database("{DATABASE}").AppEvents | count')
    assert there == rows(client, "AppEvents | count") != [[0]]


@pytest.mark.parametrize(
    ("max_rows", "max_bytes", "limit"),
    [(4, 1 << 30, "4 records"), (500_000, 1 << 20, "1 MB"), (500, 20, "20 bytes")],
)
def test_limits(events_file: Path, max_rows: int, max_bytes: int, limit: str) -> None:
    """Over a limit the result is partial: the client raises, and completion and last record say why."""
    query = "AppEvents | project TimeGenerated, Name, Properties, Measurements"
    with running_server([str(events_file)], 0, max_rows, max_bytes) as uri, KustoClient(uri) as client:
        with pytest.raises(KustoMultiApiError, match=f"set limit of {limit}.*{TOO_LARGE}") as caught:
            client.execute_query(DATABASE, query)
        status, frames = raw(uri, "/v2/rest/query", query)
    assert [error.code for error in caught.value.get_api_errors()] == ["LimitsExceeded"]
    assert status == 200
    assert frames[-1]["FrameType"] == "DataSetCompletion"
    assert frames[-1]["HasErrors"] is True
    assert TOO_LARGE in frames[-1]["OneApiErrors"][0]["error"]["@message"]
    *whole, last = frames[2]["Rows"]
    assert "OneApiErrors" in last
    assert len(whole) <= max_rows
    size = sum(len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()) for row in whole)
    assert size <= max_bytes


def test_limits_over_v1(uri: str) -> None:
    """In v1 a partial result carries its exceptions."""
    with KustoClient(uri) as client:
        client._query_endpoint = f"{uri}/v1/rest/query"
        with pytest.raises(KustoMultiApiError):
            client.execute_query(DATABASE, NUMBERS, options(truncationmaxrecords=3))
    _, body = raw(uri, "/v1/rest/query", NUMBERS, {"Options": {"truncationmaxrecords": 3}})
    assert TOO_LARGE in body["Exceptions"][0]
    assert body["Tables"][0]["Rows"][:3] == [[1], [2], [3]]


def test_deferred_failures(client: KustoClient) -> None:
    """With deferred failures the rows are clean, and only the completion information counts an error."""
    deferred = options(truncationmaxrecords=3, deferpartialqueryfailures=True)
    response = client.execute_query(DATABASE, NUMBERS, deferred)
    assert [row[0] for row in response.primary_results[0]] == [1, 2, 3]
    assert response.errors_count == 1
    assert TOO_LARGE in response.get_exceptions()[0]


def test_truncation_options(events_file: Path) -> None:
    """A request may change the limits or lift them, by option or in the query."""
    with running_server([str(events_file)], max_rows=2) as uri, KustoClient(uri) as client:
        assert len(rows(client, NUMBERS, options(notruncation=True))) == 10
        assert len(rows(client, f"set notruncation;\n{NUMBERS}")) == 10
        assert len(rows(client, f"set truncationmaxrecords = 10; {NUMBERS}")) == 10
        assert len(rows(client, f"{NUMBERS} | take 2")) == 2
        for given in (options(truncationmaxrecords=9), options(truncationmaxrecords=99, truncationmaxsize=8)):
            with pytest.raises(KustoMultiApiError, match=TOO_LARGE):
                client.execute_query(DATABASE, NUMBERS, given)
        with pytest.raises(KustoApiError, match="truncationmaxsize: 'big' is not understood"):
            client.execute_query(DATABASE, NUMBERS, options(truncationmaxsize="big"))


def test_server_timeout(client: KustoClient) -> None:
    """A query over the request's time ends with 504, and the server goes on."""
    with pytest.raises(KustoApiError, match="timed out") as caught:
        client.execute_query(DATABASE, SLOW, options(servertimeout=timedelta(milliseconds=300)))
    assert status_of(caught.value) == 504
    assert caught.value.get_api_error().permanent is False
    assert rows(client, "print 1", options(servertimeout=timedelta(days=1, minutes=1))) == [[1]]


def test_two_queries_at_once(client: KustoClient) -> None:
    """A slow query does not keep others waiting, and each gets its own answer."""
    with ThreadPoolExecutor(4) as pool:
        slow = pool.submit(client.execute_query, DATABASE, SLOW, options(servertimeout=timedelta(seconds=2)))
        found = list(pool.map(lambda n: rows(client, f"range x from 1 to {n} step 1 | count"), range(1, 9)))
        assert not slow.done()
        assert found == [[[n]] for n in range(1, 9)]
        with pytest.raises(KustoApiError, match="timed out"):
            slow.result()


def test_stops_amid_a_query(events_file: Path) -> None:
    """A server that stops ends its queries with an error instead of waiting for them."""
    with ThreadPoolExecutor(1) as pool:
        with running_server([str(events_file)]) as uri, KustoClient(uri) as client:
            slow = pool.submit(client.execute_query, DATABASE, SLOW)
            time.sleep(0.5)
            assert not slow.done()
        with pytest.raises(KustoServiceError, match="server stops"):
            slow.result(timeout=5)


def test_candidates_as_on_files(uri: str, local: LocalEvents) -> None:
    """The candidate query gives, chunk by chunk, what it gives on files."""
    query = find_query("sft_candidates_hash_chunked")
    found = 0
    for chunk in ("0", "1"):
        texts = {"as_of": DEFAULT_AS_OF.isoformat(), "window": "60d", "num_chunks": "2", "chunk": chunk}
        values = given_values(query.parameters, texts, query.name)
        result = run_on_cluster(uri, DATABASE, query.text, values, name=query.name)
        check_result(query, result)
        assert result.rows == local.run(query.text, values).rows
        found += len(result.rows)
    assert found > 5


def test_broken_requests(uri: str) -> None:
    """What is no request is refused in Kusto's shape, and so is a name that leads here from elsewhere."""
    for properties in ("{", [1], {"Options": 5}):
        assert raw(uri, "/v2/rest/query", "print 1", properties)[0] == 400
    assert raw(uri, "/v2/rest/query", "print 1", None, Host="example.org")[0] == 400
    assert raw(uri, "/v2/rest/query", "print 1", None, Host="localhost:1")[0] == 200
    status, body = raw(uri, "/v1/rest/ingest", "print 1")
    assert (status, set(body)) == (404, {"error"})


def test_log_holds_no_data(uri: str, log: list[str]) -> None:
    """Each request is a line with its route, outcome, size and time: no text, no value."""
    log.clear()
    raw(uri, "/v2/rest/query", "print secret = 'hunter2'")
    raw(uri, "/hunter2?hunter2", "print 1")
    assert [line.split(" bytes")[0].rpartition(" ")[0] for line in log] == [
        "POST /v2/rest/query 200 1 rows", "POST elsewhere 404",
    ]  # fmt: skip


def test_refused_to_start(tmp_path: Path, events_file: Path, uri: str) -> None:
    """Files that are not there and a port that is taken are named."""
    with pytest.raises(InputError, match="nothing"), running_server([str(tmp_path / "nothing.jsonl")]):
        pass
    port = int(uri.rpartition(":")[2])
    with pytest.raises(UsageError, match=f"--port {port}"), running_server([str(events_file)], port=port):
        pass


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_command(events_file: Path, stop: signal.Signals) -> None:
    """The command prints its address first, logs to stderr, and stops cleanly when told."""
    code = "from turnsmith.cli.kusto import kusto_app; kusto_app()"
    command = [sys.executable, "-c", code, "serve", "--events", str(events_file), "--max-rows", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        uri = process.stdout.readline().strip()
        with KustoClient(uri) as client:
            assert rows(client, "range x from 1 to 3 step 1 | count") == [[3]]
        os.kill(process.pid, stop)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert "POST /v2/rest/query 200 1 rows" in err
