"""The management commands that clients ask before they query."""

import re
from typing import Any

from turnsmith.sources.telemetry.kql.loading import COLUMN_TYPES, TABLE
from turnsmith.sources.telemetry.kql.server.engine import DATABASE
from turnsmith.sources.telemetry.kql.server.faults import syntax_error

Table = tuple[dict[str, str], list[list[Any]]]

# The public cloud's, which are the client's own defaults: signing in is neither needed nor looked at here.
AUTH_METADATA = {
    "AzureAD": {
        "LoginEndpoint": "https://login.microsoftonline.com",
        "LoginMfaRequired": False,
        "KustoClientAppId": "db662dc1-0cfe-4e1c-a843-19a68e65be58",
        "KustoClientRedirectUri": "https://microsoft/kustoclient",
        "KustoServiceResourceId": "https://kusto.kusto.windows.net",
        "FirstPartyAuthorityUrl": "https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    }
}
_SCHEMA = ",".join(f"{name}:{kind}" for name, kind in COLUMN_TYPES.items())
_COMMANDS: dict[str, Table] = {
    "show version": (
        {"BuildVersion": "string", "BuildTime": "datetime", "ServiceType": "string", "ProductVersion": "string"},
        [["1.0.0.0", "2000-01-01T00:00:00Z", "Engine", "turnsmith"]],
    ),
    "show cluster": (
        {"NodeId": "string", "Address": "string", "Name": "string", "IsCurrent": "bool"},
        [["1", "127.0.0.1", "turnsmith", True]],
    ),
    "show databases": (
        {"DatabaseName": "string", "PersistentStorage": "string", "Version": "string", "IsCurrent": "bool",
         "DatabaseAccessMode": "string", "PrettyName": "string"},
        [[DATABASE, "", "v1.0", True, "ReadOnly", None]],
    ),
    "show tables": (
        {"TableName": "string", "DatabaseName": "string", "Folder": "string", "DocString": "string"},
        [[TABLE, DATABASE, None, None]],
    ),
    "show database schema": (
        {"DatabaseName": "string", "TableName": "string", "ColumnName": "string", "ColumnType": "string"},
        [[DATABASE, TABLE, name, kind] for name, kind in COLUMN_TYPES.items()],
    ),
    f"show table {TABLE.lower()} cslschema": (
        {"TableName": "string", "Schema": "string", "DatabaseName": "string", "Folder": "string",
         "DocString": "string"},
        [[TABLE, _SCHEMA, DATABASE, None, None]],
    ),
}  # fmt: skip


def answer_command(text: str) -> Table:
    """Return the columns and rows of a command; raises RefusalError that names the ones there are."""
    code = re.sub(r"^\s*//[^\n]*$", "", text, flags=re.MULTILINE)
    name = " ".join(code.replace(";", " ").split()).removeprefix(".").lower()
    name = name.replace(f"database {DATABASE.lower()} ", "database ")
    if name not in _COMMANDS or not code.strip().startswith("."):
        known = ", ".join(f".{command}" for command in _COMMANDS)
        raise syntax_error(f"this server knows no such command; there is {known}", 1, 0)
    return _COMMANDS[name]
