"""One question to a cluster and its raw answer, through the official client; nothing is tried twice here.

The client signs in, checks that the cluster is one of Azure's, and sends. What it would make of the answer is
left aside: it hides the completion frames, and holds a result three times over. So the body is read here, with
a deadline and a limit, and can be cut short from another thread.
"""

from __future__ import annotations

import json
import socket
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from turnsmith.core.errors import DataError
from turnsmith.core.retrying import StoppedError, retry_after
from turnsmith.sources.telemetry.kql.answer import Answer, read_answer
from turnsmith.sources.telemetry.kql.catalog import Query
from turnsmith.sources.telemetry.kql.failures import (
    RIGHTS,
    NoConnectionError,
    TooMuchError,
    TryAgainError,
    of_status,
)
from turnsmith.sources.telemetry.kql.parameters import Value, inline_parameters, wire_value
from turnsmith.sources.telemetry.kql.remote import connection_string, import_client, takes_no_parameters

LONGEST_BODY = 4 * (64 << 20)  # Kusto's limit is 64 MB in its own counting; JSON takes more
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Hold where and how long to ask: the cluster's address, its database, and the two timeouts."""

    uri: str
    database: str
    server_timeout: timedelta
    client_timeout: timedelta

    @property
    def host(self) -> str:
        """Return the cluster's host and port, which is all that may be shown of its address."""
        parts = urlsplit(self.uri)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


class Client:
    """Ask one cluster, from several threads at once; close it, or use it in a `with` statement."""

    def __init__(self, place: Place) -> None:
        """Prepare to ask; raises UsageError for an address that can't be used, DataError without the client."""
        self.place = place
        self._kusto, self._errors = import_client()
        self._sockets = _Sockets()
        self._client = self._raw_client()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def cut(self) -> None:
        """End all questions under way; their threads get StoppedError."""
        self._sockets.cut()

    def ask(self, query: Query, values: Mapping[str, Value], query_now: datetime) -> Answer:
        """Return the whole answer to a query, asked once.

        Raises TryAgainError, TooMuchError, UsageError for a query that the cluster does not understand, and
        DataError where asking again is in vain.
        """
        text, properties = self._request(query, values, query_now)
        started = time.monotonic()
        try:
            response = self._client.execute_query(self.place.database, text, properties)
            with response:
                return read_answer(self._body(response, started))
        except (TryAgainError, TooMuchError, DataError):
            raise
        except Exception as error:
            raise self._explained(error, query.name) from error

    def _request(self, query: Query, values: Mapping[str, Value], query_now: datetime) -> tuple[str, Any]:
        properties = self._kusto.ClientRequestProperties()
        properties.set_option(properties.request_timeout_option_name, self.place.server_timeout)
        properties.set_option("query_now", query_now.isoformat())
        if takes_no_parameters(self.place.uri):
            return inline_parameters(query.text, values, query.name), properties
        for name, value in values.items():
            properties.set_parameter(name, wire_value(value))
        return query.text, properties

    def _body(self, response: Any, started: float) -> bytes:
        """Return the body within the client's timeout; raises TooMuchError beyond it, or beyond the size."""
        body = bytearray()
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > LONGEST_BODY:
                raise TooMuchError(f"the result is too large (over {LONGEST_BODY >> 20} MB of JSON)")
            if time.monotonic() - started > self.place.client_timeout.total_seconds():
                raise TooMuchError("the query takes too long (the answer did not end in time)")
        return bytes(body)

    def _explained(self, error: Exception, name: str) -> Exception:
        """Return what an exception of the client, or of what lies below it, means."""
        import requests
        import urllib3.exceptions
        from azure.core.exceptions import AzureError

        chain = _chain(error)
        if self._sockets.are_cut:
            return StoppedError()
        response = _response_of(error)
        if response is not None and not response.ok:
            asked = retry_after(response.headers.get("Retry-After"))
            return of_status(response.status_code, _json_of(response), asked, self.place.host, name)
        if any(isinstance(each, self._errors.KustoAuthenticationError | AzureError) for each in chain):
            return DataError(f"{self.place.host}: this machine has no Azure login that can be used. {RIGHTS}")
        if isinstance(error, self._errors.KustoClientInvalidConnectionStringException):
            return DataError(f"{self.place.host} is no cluster of Azure's; nothing was sent to it")
        if any(
            isinstance(each, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError) for each in chain
        ):
            return TooMuchError("the query takes too long (no answer within the client's timeout)")
        if isinstance(error, self._errors.KustoError | requests.RequestException | OSError | ValueError):
            cause = type(chain[-1]).__name__
            if isinstance(error, self._errors.KustoNetworkError):
                return NoConnectionError(f"no connection to {self.place.host}, or no answer ({cause})")
            return TryAgainError(f"the connection to {self.place.host} was cut ({cause})")
        return error

    def _raw_client(self) -> Any:
        """Return the official client, made to hand over its responses unread."""

        class RawClient(self._kusto.KustoClient):  # type: ignore[misc, name-defined]
            def _execute(
                self, endpoint: str, request: Any, properties: Any = None, stream_response: bool = False
            ) -> Any:
                del stream_response  # always: the body is for us to read
                return super()._execute(endpoint, request, properties, stream_response=True)

        client = RawClient(connection_string(self.place.uri, "--cluster"))
        # What the client adds to the server's timeout to get its own; it bounds each wait for bytes.
        client._client_server_delta = self.place.client_timeout - self.place.server_timeout
        self._sockets.watch(client._session)
        return client


class _Sockets:
    """Know the open connections of a session, to be able to cut them."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.are_cut = False

    def watch(self, session: Any) -> None:
        """Know each connection that the session opens from now on."""
        import urllib3.connectionpool as pools

        remember = self._remember

        def pool_class(base: Any) -> Any:
            class Connection(base.ConnectionCls):  # type: ignore[misc]
                def connect(self) -> None:
                    super().connect()
                    remember(self.sock)

            return type(base.__name__, (base,), {"ConnectionCls": Connection})

        watched = {
            "http": pool_class(pools.HTTPConnectionPool),
            "https": pool_class(pools.HTTPSConnectionPool),
        }
        for prefix in ("http://", "https://"):
            session.get_adapter(prefix).poolmanager.pool_classes_by_scheme = watched

    def _remember(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        if self.are_cut:
            self.cut()

    def cut(self) -> None:
        """Shut all connections; whoever waits for bytes of one wakes up."""
        self.are_cut = True
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and all that it came from."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _response_of(error: BaseException) -> Any:
    """Return the HTTP response that an exception, or one behind it, carries."""
    for each in _chain(error):
        for found in (getattr(each, "http_response", None), getattr(each, "response", None), *each.args):
            if hasattr(found, "status_code"):
                return found
    return None


def _json_of(response: Any) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError, RuntimeError):
        return None
