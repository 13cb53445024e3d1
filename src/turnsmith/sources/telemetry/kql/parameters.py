"""Query parameters: what a query declares, values from text, and their spelling on the wire.

A value is given as plain text (`15d`, `2026-01-16T00:00:00Z`, `true`) or as a KQL literal
(`timespan(15d)`, `datetime(2026-01-16)`). Kusto wants literals for all types but string and long.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from turnsmith.core.errors import UsageError

Value = str | int | float | bool | datetime | timedelta | list[Any] | dict[str, Any] | None

_ALIASES = {
    "date": "datetime", "time": "timespan", "double": "real", "boolean": "bool", "int64": "long",
    "uuid": "guid", "uniqueid": "guid",
}  # fmt: skip
_DECLARE = re.compile(r"\bdeclare\s+query_parameters\s*\(", re.IGNORECASE)
_STRING = re.compile(r'@?"(?:[^"\\\n]|\\.)*"|@?\'(?:[^\'\\\n]|\\.)*\'')
_DECLARED = re.compile(r"\s*(?:\[\s*['\"])?(\w+)(?:['\"]\s*\])?\s*:\s*(\w+)\s*(?:=\s*(.*?))?\s*", re.DOTALL)
_LITERAL = re.compile(
    r"(datetime|timespan|time|long|int|real|double|decimal|bool|guid|dynamic)\((.*)\)", re.DOTALL
)
_CLOCK = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?")
_SPAN = re.compile(r"(-)?(\d+(?:\.\d+)?)\s*(d|h|m|s|ms)")
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}
_EXAMPLES = {"datetime": "2026-01-16T00:00:00Z", "timespan": "15d or 1.12:30:00", "bool": "true or false"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """Hold a declared parameter; `default` is the literal in the query, None where a value must be given."""

    name: str
    type: str
    default: str | None = None
    text: str = ""


def declared_parameters(text: str, where: str) -> list[Parameter]:
    """Return what `declare query_parameters(...)` declares, in order; an empty list without it.

    Raises UsageError for a declaration that can't be read; `where` names the query in it.
    """
    code = _without_comments(text)
    start = _DECLARE.search(code)
    if start is None:
        return []
    found = []
    for part in _parts(code, start.end(), where):
        match = _DECLARED.fullmatch(part)
        if match is None:
            raise UsageError(f"{where}: can't read the declared parameter {part.strip()!r}")
        kind = match[2].lower()
        found.append(Parameter(match[1], _ALIASES.get(kind, kind), match[3]))
    return found


def _without_comments(text: str) -> str:
    """Return the query with its comments blanked, strings left alone."""
    pattern = re.compile(rf"{_STRING.pattern}|//[^\n]*")
    return pattern.sub(lambda m: " " * len(m[0]) if m[0].startswith("//") else m[0], text)


def _parts(code: str, start: int, where: str) -> Iterator[str]:
    """Yield the text between commas up to the closing bracket."""
    begin = start
    for end in _ends(code, start, where):
        if code[begin:end].strip():
            yield code[begin:end]
        begin = end + 1


def _ends(code: str, start: int, where: str) -> Iterator[int]:
    """Yield where each of the commas is, and last the closing bracket."""
    depth, at = 1, start
    while at < len(code):
        if match := _STRING.match(code, at):
            at = match.end()
            continue
        sign = code[at]
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 or (sign == "," and depth == 1):
            yield at
        if depth == 0:
            return
        at += 1
    raise UsageError(f"{where}: declare query_parameters( is never closed")


def given_values(parameters: tuple[Parameter, ...], texts: Mapping[str, str], where: str) -> dict[str, Value]:
    """Return typed values of what was given as text.

    Raises UsageError for an unknown parameter, a wrong value, or one that is missing and has no default.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in texts:
        if name not in known:
            names = ", ".join(known) or "none"
            raise UsageError(f"{where} has no parameter {name!r}; its parameters are {names}")
    for name, parameter in known.items():
        if parameter.default is None and name not in texts:
            raise UsageError(f"{where} needs a value for {name}: --param {name}=... ({parameter.type})")
    return {name: parse_value(text, known[name].type, name) for name, text in texts.items()}


def parse_value(text: str, kind: str, name: str) -> Value:
    """Return the Python value of a text or literal of a Kusto type.

    Datetimes carry UTC. Raises UsageError that names the parameter and shows an example.
    """
    if kind == "string":
        return text
    literal = _LITERAL.fullmatch(text.strip())
    content = literal[2].strip() if literal else text.strip()
    try:
        return _PARSERS[kind](content)
    except KeyError as error:
        raise UsageError(f"{name}: the type {kind} is not supported") from error
    except (ValueError, OverflowError) as error:
        example = f", such as {_EXAMPLES[kind]}" if kind in _EXAMPLES else ""
        raise UsageError(f"{name}: {text!r} is no {kind}{example}") from error


def wire_value(value: Value) -> str | int:
    """Return a value as the request carries it: strings and integers bare, all else as a KQL literal."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return f"datetime({moment.replace(tzinfo=None).isoformat()}Z)"
    if isinstance(value, timedelta):
        return f"timespan({timespan_text(value)})"
    if isinstance(value, float):
        return f"real({value!r})"
    return f"dynamic({json.dumps(value)})"


def inline_parameters(text: str, values: Mapping[str, Value], where: str) -> str:
    """Return the query with `let` statements of literals in place of its declaration.

    For endpoints that take no query parameters; strings are escaped, so a value stays a value.
    """
    parameters = declared_parameters(text, where)
    code = _without_comments(text)
    start = _DECLARE.search(code)
    if start is None:
        return text
    *_, end = _ends(code, start.end(), where)
    lets = [
        f"let {p.name} = {_literal(values[p.name], p.type) if p.name in values else p.default};"
        for p in parameters
    ]
    return text[: start.start()] + "\n".join(lets) + text[code.index(";", end) + 1 :]


def _literal(value: Value, kind: str) -> str:
    if isinstance(value, str):
        return json.dumps(value) if kind == "string" else f"{kind}({value})"
    return f"{kind}({value})" if isinstance(value, int) else str(wire_value(value))


def timespan_text(value: timedelta) -> str:
    """Return a timespan as Kusto spells it: [-][d.]hh:mm:ss[.fffffff]."""
    size = abs(value)
    hours, rest = divmod(size.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{size.days}." if size.days else ""
    fraction = f".{size.microseconds:06d}0" if size.microseconds else ""
    return f"{'-' if value < timedelta() else ''}{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"


def _datetime(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip("'\""))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _timespan(text: str) -> timedelta:
    if match := _SPAN.fullmatch(text):
        span = timedelta(**{_UNITS[match[3]]: float(match[2])})
    elif match := _CLOCK.fullmatch(text):
        _, days, hours, minutes, seconds, fraction = match.groups()
        micros = int((fraction or "").ljust(6, "0")[:6])
        span = timedelta(int(days or 0), int(seconds or 0), micros, 0, int(minutes), int(hours))
    else:
        raise ValueError(text)
    return -span if match[1] else span


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "1", "false", "0"):
        raise ValueError(text)
    return text.lower() in ("true", "1")


def _long(text: str) -> int:
    return int(text, 0)


_PARSERS: dict[str, Callable[[str], Value]] = {
    "datetime": _datetime, "timespan": _timespan, "bool": _bool, "long": _long, "int": _long, "real": float,
    "guid": str, "decimal": str, "dynamic": json.loads,
}  # fmt: skip
