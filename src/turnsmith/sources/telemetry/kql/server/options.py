"""What a request asks for: database, query, parameters, and the options that Kusto knows and we honor."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from turnsmith.core.errors import UsageError
from turnsmith.sources.telemetry.kql.parameters import Value, declared_parameters, parse_value
from turnsmith.sources.telemetry.kql.server.faults import bad_request, semantic_error

MAX_ROWS = 500_000
MAX_BYTES = 64 << 20
TIMEOUT_SECONDS = 4 * 60.0
LONGEST_TIMEOUT_SECONDS = 60 * 60.0
_SET = re.compile(r"(?:\s|//[^\n]*\n)*(set\s+(\w+)\s*(?:=\s*([^;]*?))?\s*;)", re.IGNORECASE)
_IN_QUERY = {
    "notruncation", "truncationmaxrecords", "truncationmaxsize", "servertimeout", "norequesttimeout",
    "deferpartialqueryfailures",
}  # fmt: skip
_DAYS = re.compile(r"(\d+) days?, (.*)")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold how much a result may be; None is no limit."""

    rows: int | None = MAX_ROWS
    size: int | None = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Request:
    """Hold a request; `deferred` keeps failures out of the rows."""

    database: str | None
    text: str
    parameters: Mapping[str, Any]
    limits: Limits
    timeout: float
    query_now: datetime | None
    deferred: bool


def read_request(body: bytes, limits: Limits) -> Request:
    """Return the request of a body; raises RefusalError for one that can't be read.

    `properties` comes as an object or as JSON in a string; options may also be `set` in the query.
    """
    content = _object(_parsed(body), "the body")
    database, text = content.get("db"), content.get("csl")
    if not isinstance(text, str) or not isinstance(database, str | None):
        raise bad_request("a request needs 'csl', the text of the query, and 'db', the name of the database")
    properties = content.get("properties") or {}
    if isinstance(properties, str):
        properties = _parsed(properties)
    properties = _object(properties, "'properties'")
    options = _object(properties.get("Options") or {}, "'Options'")
    found = {name.lower(): value for name, value in options.items()}
    text = _take_set_statements(text, found)
    return Request(
        database or None,
        text,
        _object(properties.get("Parameters") or {}, "'Parameters'"),
        _limits(found, limits),
        _timeout(found),
        _option(found, "query_now", _datetime, None),
        _option(found, "deferpartialqueryfailures", _flag, False),
    )


def typed_parameters(text: str, given: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values of parameters, typed as the query declares them; raises RefusalError for a wrong one."""
    try:
        declared = {parameter.name: parameter.type for parameter in declared_parameters(text, "the query")}
        unknown = ", ".join(repr(name) for name in given if name not in declared)
        if unknown:
            raise semantic_error(f"the query declares no parameter {unknown}")
        return {name: _typed(value, declared[name], name) for name, value in given.items()}
    except UsageError as error:
        raise semantic_error(f"query parameter {error}") from error


def _typed(value: Any, kind: str, name: str) -> Value:
    """Return a value; text is a literal unless the parameter is a string."""
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    typed = parse_value(value if isinstance(value, str) else json.dumps(value), kind, name)
    return json.dumps(typed) if kind == "dynamic" else typed


def _take_set_statements(text: str, options: dict[str, Any]) -> str:
    """Move the options that a query sets at its start into `options`, and blank them there."""
    at = 0
    while match := _SET.match(text, at):
        name, at = match[2].lower(), match.end()
        if name in _IN_QUERY:
            options[name] = True if match[3] is None else match[3]
            blank = re.sub(r"[^\n]", " ", match[1])
            text = text[: match.start(1)] + blank + text[match.end(1) :]
    return text


def _limits(options: Mapping[str, Any], limits: Limits) -> Limits:
    if _option(options, "notruncation", _flag, False):
        return Limits(None, None)
    return Limits(
        _option(options, "truncationmaxrecords", _count, limits.rows),
        _option(options, "truncationmaxsize", _count, limits.size),
    )


def _timeout(options: Mapping[str, Any]) -> float:
    if _option(options, "norequesttimeout", _flag, False):
        return LONGEST_TIMEOUT_SECONDS
    return _option(options, "servertimeout", _seconds, TIMEOUT_SECONDS)


def _option(options: Mapping[str, Any], name: str, read: Callable[[str], T], default: T) -> T:
    value = options.get(name)
    if value is None:
        return default
    try:
        return read(value if isinstance(value, str) else json.dumps(value))
    except UsageError as error:
        raise bad_request(f"request option {name}: {value!r} is not understood") from error


def _flag(text: str) -> bool:
    return bool(parse_value(text, "bool", "option"))


def _count(text: str) -> int:
    value = parse_value(text, "long", "option")
    if not isinstance(value, int) or value < 0:
        raise UsageError("a count is not negative")
    return value


def _seconds(text: str) -> float:
    """Return the seconds of a timespan, also as Python prints one with days."""
    days = _DAYS.fullmatch(text)
    value = parse_value(days[2] if days else text, "timespan", "option")
    if not isinstance(value, timedelta) or value < timedelta():
        raise UsageError("a timeout is a timespan")
    return value.total_seconds() + (int(days[1]) * 86_400 if days else 0)


def _datetime(text: str) -> datetime | None:
    value = parse_value(text, "datetime", "option")
    return value if isinstance(value, datetime) else None


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_request("the request holds no valid JSON") from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_request(f"{what} must be a JSON object")
    return value
