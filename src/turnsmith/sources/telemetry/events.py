"""One event at a time: the tolerant reading of `AppEvents` rows.

Engines read ordinary rows in bulk. A row that is unusual in any way (long texts in parts, JSON inside a
string, half a surrogate pair, numbers with a fraction, a wrong type) comes here instead, so that one odd
row neither breaks a file nor is lost. What this module says of a row is the definition; a test holds the
bulk readers to it.
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from turnsmith.sources.telemetry import schema

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?"
)
_PART = re.compile(r"(.+)_(\d\d+)")
_NUMBER = re.compile(r"\s*[+-]?\d{1,400}(\.\d*)?([eE][+-]?\d{1,4})?\s*", re.ASCII)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class MalformedRowError(ValueError):
    """Say in a few words, without quoting the data, why a row is no event."""


class Nanoseconds(int):
    """Mark a time that a columnar file holds as such; a bare number in JSON tells no unit."""


@dataclass(frozen=True, slots=True)
class Window:
    """Bound event times: `after < time <= until`, nanoseconds since 1970 (contract §2.1)."""

    after: int
    until: int

    def holds(self, time: int) -> bool:
        """Say whether an event of this time is seen at all."""
        return self.after < time <= self.until


@dataclass(slots=True)
class Reading:
    """Tell what became of one row: its fate, and the flat row where it is used.

    `fate` is one of `used`, `other_name`, `outside_window`, `not_agent_mode`, `without_id`; `table` is
    `messages`, `llm_rows` or `turn_facts`; `wrong` names the fields whose values had a wrong type.
    """

    fate: str
    table: str | None = None
    row: dict[str, Any] | None = None
    wrong: list[str] = field(default_factory=list)


def parse_time(value: Any) -> int:
    """Return nanoseconds since 1970 of an ISO 8601 time (no zone means UTC) or of `Nanoseconds`.

    Raises MalformedRowError for anything else.
    """
    if isinstance(value, Nanoseconds):
        return int(value)
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise MalformedRowError("TimeGenerated is not an ISO 8601 time")
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone in (None, "Z", "z", "UTC") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
        return _nanoseconds(moment, int((fraction or "").ljust(9, "0")))
    except (ValueError, OverflowError) as error:
        raise MalformedRowError("TimeGenerated is not a real date and time") from error


def _nanoseconds(moment: datetime, fraction: int) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000 + fraction


def decode_line(line: str) -> dict[str, Any]:
    """Return the JSON object on a line; raises MalformedRowError for anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MalformedRowError(_json_reason(error)) from error
    if not isinstance(value, dict):
        raise MalformedRowError("not a JSON object")
    return value


def _json_reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg} at column {error.colno}"
    return "not valid JSON: nested too deeply" if isinstance(error, RecursionError) else "not valid JSON"


def read_event(event: dict[str, Any], window: Window) -> Reading:
    """Return what becomes of one event, a dict with the columns of `AppEvents`.

    Raises MalformedRowError where a column is missing or can't be read.
    """
    time = parse_time(event.get("TimeGenerated"))
    name = event.get("Name")
    if not isinstance(name, str):
        raise MalformedRowError("Name is missing" if name is None else "Name is not a string")
    if name not in schema.EVENT_NAMES:
        return Reading("other_name")
    values = Values(_bag(event.get("Properties"), "Properties"), {})
    direction = values.text("message_direction")
    if name == schema.MESSAGE_TEXT and values.text("source") not in schema.SOURCES:
        return Reading("other_name")
    if name == schema.MESSAGES_LENGTH and direction not in schema.DIRECTIONS:
        return Reading("other_name")
    if not window.holds(time):
        return Reading("outside_window")
    if name == schema.MESSAGE_TEXT:
        return _message(values, time)
    if name == schema.TOOL_CALL_DETAILS or direction == "output":
        values.measurements = _bag(event.get("Measurements"), "Measurements")
    return _llm_row(values, time) if name == schema.MESSAGES_LENGTH else _turn_facts(values, time)


def _bag(value: Any, column: str) -> dict[str, Any]:
    if isinstance(value, str):
        if not value.strip():
            return {}
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise MalformedRowError(f"{column} is a string that holds no JSON") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedRowError(f"{column} is not an object")
    return value


class Values:
    """Read typed values of one event; a value of a wrong type counts as absent and is noted in `wrong`."""

    def __init__(self, properties: dict[str, Any], measurements: dict[str, Any]) -> None:
        self.properties = join_parts(properties)
        self.measurements = measurements
        self.wrong: list[str] = []

    def text(self, key: str) -> str | None:
        """Return a property as text; what is no text in its JSON spelling, as Kusto's `tostring` does."""
        value = self.properties.get(key)
        if value is None:
            return None
        text = value if isinstance(value, str) else _json_spelling(value)
        return mend_surrogates(text)

    def identifier(self, key: str) -> str | None:
        """Return a property that identifies something; the empty text counts as absent."""
        return self.text(key) or None

    def number(self, key: str) -> int | None:
        """Return a measurement as a 64-bit integer, fractions cut off as Kusto's `tolong` does."""
        value = self.measurements.get(key)
        number = to_integer(value)
        if number is None and value is not None:
            self.wrong.append(key)
        return number

    def json_text(self, key: str, kind: type) -> str | None:
        """Return a property that holds JSON of `kind` (dict or list), as text."""
        text = self.text(key)
        value = _loads_or_none(text) if text else None
        if text is not None and not isinstance(value, kind):
            self.wrong.append(key)
            return None
        # Spelled anew: what Python takes for JSON, others need not.
        return None if value is None else mend_surrogates(json.dumps(value, ensure_ascii=False))


def to_integer(value: Any) -> int | None:
    """Return a number or a text that holds one as a 64-bit integer, cut toward zero; None for others."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if any(sign in value for sign in ".eE") else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    whole = int(value)
    return whole if INT64_MIN <= whole <= INT64_MAX else None


def join_parts(properties: dict[str, Any]) -> dict[str, Any]:
    """Return properties with `name`, `name_02`, `name_03`, … joined in order to one text.

    Without `name_02` there are no parts: a client numbers them without a gap.
    """
    parts: dict[str, dict[int, str]] = {}
    for key, value in properties.items():
        match = _PART.fullmatch(key)
        if match and isinstance(value, str):
            parts.setdefault(match[1], {})[int(match[2])] = value
    joined = dict(properties) if parts else properties
    for name, numbered in parts.items():
        first = properties.get(name)
        if 2 in numbered and (first is None or isinstance(first, str)):
            joined[name] = (first or "") + "".join(numbered[number] for number in sorted(numbered))
    return joined


def mend_surrogates(text: str) -> str:
    """Return valid Unicode: a pair split over two parts becomes one character, a lone half U+FFFD."""
    if not _LONE_SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def estimates(text: str | None) -> dict[str, int | None] | None:
    """Return the client's size estimates summed by role, or None where `messagesJson` holds no messages.

    A sum beyond 64 bits is None.
    """
    messages = _loads_or_none(text) if text else None
    if not isinstance(messages, list) or not messages:
        return None
    sums = dict.fromkeys(schema.ROLES, 0)
    for message in messages:
        if isinstance(message, dict) and message.get("role") in sums:
            sums[message["role"]] += to_integer(message.get("content")) or 0
    return {role: to_integer(total) for role, total in sums.items()}


def _loads_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _message(values: Values, time: int) -> Reading:
    if values.text("mode") != schema.AGENT_MODE:
        return Reading("not_agent_mode")
    row = {
        "conversation_id": values.identifier("conversationId"),
        "message_id": values.identifier("messageId"),
        "source": values.text("source"),
        "text": values.text("messageText") or "",
        "user_name": values.identifier("common.userName"),
        "time": time,
    }
    if row["conversation_id"] is None or row["message_id"] is None:
        return Reading("without_id")
    return Reading("used", "messages", row, values.wrong)


def _llm_row(values: Values, time: int) -> Reading:
    direction = values.text("message_direction")
    message_id = values.identifier("headerRequestId")
    if message_id is None:
        return Reading("without_id")
    is_output = direction == "output"
    messages_json = None if is_output else values.text("messagesJson")
    sums = estimates(messages_json)
    if messages_json is not None and sums is None:
        values.wrong.append("messagesJson")
    tokens = {
        column: values.number(field) if is_output else None
        for column, field in {
            "prompt_tokens": "promptTokens",
            "completion_tokens": "completionTokens",
            "total_tokens": "totalTokens",
        }.items()
    }
    row = {
        "message_id": message_id,
        "direction": direction,
        "time": time,
        "model": values.text("baseModel"),
        **tokens,
        **{f"estimate_{role}": sums[role] if sums else None for role in schema.ROLES},
        "rest": rest(values.properties, values.measurements if is_output else {}),
    }
    return Reading("used", "llm_rows", row, values.wrong)


def _turn_facts(values: Values, time: int) -> Reading:
    message_id = values.identifier("messageId")
    if message_id is None:
        return Reading("without_id")
    row = {
        "message_id": message_id,
        "conversation_id": values.identifier("conversationId"),
        "time": time,
        "turn_index": values.number("turnIndex"),
        "num_requests": values.number("numRequests"),
        "turn_duration_ms": values.number("turnDuration"),
        "available_tool_count": values.number("availableToolCount"),
        "tool_counts": values.json_text("toolCounts", dict),
        "available_tools": values.json_text("availableTools", list),
        "response_type": values.text("responseType"),
        "turn_end_reason": values.text("turnEndReason"),
        "model": values.text("model"),
    }
    return Reading("used", "turn_facts", row, values.wrong)


def rest(properties: dict[str, Any], measurements: dict[str, Any]) -> str:
    """Return a digest of the fields that are not read ("" for none): what tells two alike LLM calls apart."""
    unread = sorted(
        f"{key}={_json_spelling(value)}\n"
        for bag in (properties, measurements)
        for key, value in bag.items()
        if key not in schema.CALL_FIELDS and value is not None
    )
    return hashlib.md5("".join(unread).encode("utf-8", "surrogatepass")).hexdigest() if unread else ""


def _json_spelling(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
