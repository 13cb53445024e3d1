"""Queries on a cluster, Azure Data Explorer or Log Analytics, with the official client.

One plain question and its whole answer: for a look, not for an extraction.
"""

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from turnsmith.core.errors import DataError, UsageError
from turnsmith.sources.telemetry.kql.catalog import Column
from turnsmith.sources.telemetry.kql.parameters import Value, inline_parameters, wire_value
from turnsmith.sources.telemetry.kql.result import Result

MISSING = "queries on a cluster need azure-kusto-data and azure-identity: pip install 'turnsmith[kusto]'"
EXAMPLE = "https://CLUSTER.REGION.kusto.windows.net"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run_on_cluster(
    uri: str,
    database: str,
    text: str,
    parameters: Mapping[str, Value] | None = None,
    query_now: datetime | None = None,
    name: str = "query",
) -> Result:
    """Return the result of a query; signs in as DefaultAzureCredential does, on loopback not at all.

    Raises UsageError for a query that the server does not understand, DataError for all other failures; a
    partial answer counts as one.
    """
    kusto, errors = import_client()
    properties = kusto.ClientRequestProperties()
    if takes_no_parameters(uri):
        text = inline_parameters(text, parameters or {}, name)
    else:
        for parameter, value in (parameters or {}).items():
            properties.set_parameter(parameter, wire_value(value))
    if query_now is not None:
        properties.set_option("query_now", query_now.isoformat())
    try:
        with kusto.KustoClient(connection_string(uri)) as client:
            response = client.execute_query(database, text, properties)
        if response.errors_count:
            raise DataError(f"{name}: the answer is partial: {'; '.join(response.get_exceptions())}")
        table = response.primary_results[0]
    except errors.KustoServiceError as error:
        wrong = error.is_semantic_error() or "syntax" in str(error).lower()
        raise (UsageError if wrong else DataError)(f"{name}: {_first_line(error)}") from error
    except (errors.KustoError, OSError, ValueError, IndexError) as error:
        raise DataError(f"{name}: {uri}: {_first_line(error)}") from error
    columns = [Column(column.column_name, column.column_type) for column in table.columns]
    return Result(columns, [tuple(row.to_list()) for row in table.rows])


def takes_no_parameters(uri: str) -> bool:
    """Say whether an address is one of Azure Monitor, whose queries declare no parameters."""
    host = urlsplit(uri).hostname or ""
    return host.endswith((".loganalytics.io", ".applicationinsights.io")) or ".loganalytics.azure." in host


def connection_string(uri: str, option: str = "--kusto") -> Any:
    """Return the client's connection string for an address; raises UsageError for one that can't be used."""
    builder = import_client()[0].KustoConnectionStringBuilder
    try:
        parts = urlsplit(uri)
        secret = parts.username or parts.password or parts.query or parts.fragment or ";" in uri
    except ValueError as error:
        raise UsageError(f"{option}: not an address such as {EXAMPLE}") from error
    if secret:
        raise UsageError(
            f"{option}: nothing but the address, such as {EXAMPLE}; credentials have no place in it"
        )
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return builder(uri)
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError(f"{option}: {uri!r} is no address such as {EXAMPLE}")
    from azure.identity import DefaultAzureCredential

    return builder.with_azure_token_credential(uri, DefaultAzureCredential())


def import_client() -> tuple[Any, Any]:
    """Return the client's module and that of its errors."""
    try:
        return import_module("azure.kusto.data"), import_module("azure.kusto.data.exceptions")
    except ImportError as error:
        raise DataError(MISSING) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
