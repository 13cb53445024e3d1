"""What goes wrong, in Kusto's own shapes: refusals with a status code, and failures amid a result."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

_EXCEPTIONS = "Kusto.Data.Exceptions."
_MESSAGE = "Request is invalid and cannot be executed."
_IGNORED = re.compile(r'//[^\n]*|@?"(?:[^"\\\n]|\\.)*"|@?\'(?:[^\'\\\n]|\\.)*\'')
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Ids:
    """Hold the ids that Kusto repeats in errors and completion rows."""

    client_request: str
    activity: str

    @classmethod
    def of(cls, client_request: str | None) -> "Ids":
        """Return the ids of a request; the client's own where it sent one."""
        return cls(client_request or f"unspecified;{uuid4()}", str(uuid4()))


class RefusalError(Exception):
    """Refuse a request with a status code and an error of Kusto's."""

    def __init__(self, message: str, code: str, kind: str, status: int = 400, permanent: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self._code, self._kind, self._permanent = code, kind, permanent

    def body(self, ids: Ids) -> dict[str, Any]:
        """Return the error as the response carries it."""
        return _error(self._code, self._kind, str(self), self._permanent, ids)


@dataclass(frozen=True, slots=True)
class Failure:
    """Hold why a result is partial: it goes with the rows, as the status line is sent already."""

    code: str
    kind: str
    event: str
    status: int
    status_name: str
    message: str

    def body(self, ids: Ids) -> dict[str, Any]:
        """Return the error as rows and completion frames carry it."""
        return _error(self.code, self.kind, self.message, False, ids)


def too_large(limit: str) -> Failure:
    """Return the failure of a result over a limit such as `500000 records`."""
    return Failure(
        "LimitsExceeded",
        "KustoServicePartialQueryFailureLimitsExceededException",
        "QueryLimitsExceeded",
        0x80DA0003 - (1 << 32),
        "Query result set too large (E_QUERY_RESULT_SET_TOO_LARGE). (-2133196797)",
        f"Query execution has exceeded the allowed limits (80DA0003): The results of this query exceed the set "
        f"limit of {limit}, so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). "
        "See https://aka.ms/kustoquerylimits for more information and possible solutions..",
    )


def low_memory() -> Failure:
    """Return the failure of a query that needs more memory than there is."""
    return Failure(
        "LowMemoryCondition",
        "KustoServicePartialQueryFailureLowMemoryConditionException",
        "QueryLowMemory",
        0x80DA0007 - (1 << 32),
        "Low memory condition (E_LOW_MEMORY_CONDITION). (-2133196793)",
        "Query execution lacks memory resources to complete (80DA0007): Partial query failure: Low memory "
        "condition (E_LOW_MEMORY_CONDITION).",
    )


def syntax_error(detail: str, line: int, position: int) -> RefusalError:
    """Return the refusal of a query that can't be parsed at a place."""
    text = (
        f"Syntax error: SYN0002: A recognition error occurred in the query. [line:position={line}:{position}]"
    )
    return RefusalError(f"{text}: {_short(detail)}", "BadRequest_SyntaxError", "SyntaxException")


def semantic_error(detail: str, place: tuple[int, int] | None = None) -> RefusalError:
    """Return the refusal of a query that parses and means nothing here."""
    where = f" [line:position={place[0]}:{place[1]}]" if place else ""
    text = f"Semantic error: SEM0100: {_short(detail)}{where}"
    return RefusalError(text, "General_BadRequest", "SemanticException")


def bad_request(detail: str) -> RefusalError:
    """Return the refusal of a request that is no query at all, or of one that fails for good."""
    return RefusalError(f"Bad request: {_short(detail)}", "General_BadRequest", "KustoBadRequestException")


def unknown_database(name: str) -> RefusalError:
    """Return the refusal of a database that is not there."""
    text = f"Bad request: Entity ID '{_short(name)}' of kind 'Database' was not found."
    return RefusalError(text, "BadRequest_EntityNotFound", "EntityNotFoundException")


def timed_out(seconds: float) -> RefusalError:
    """Return the refusal of a query that took longer than the request allows."""
    text = f"Request execution has timed out on the service side after {seconds:g} s (servertimeout)."
    return RefusalError(text, "RequestExecutionTimeout", "KustoServiceTimeoutException", 504, False)


def stopping() -> RefusalError:
    """Return the refusal of a request that comes too late."""
    return RefusalError("The server stops.", "ServiceUnavailable", "KustoServiceException", 503, False)


def place_of(name: str, text: str) -> tuple[int, int] | None:
    """Return line (from 1) and position (from 0) of a name in a query, not in its strings or comments."""
    code = _IGNORED.sub(lambda match: " " * len(match[0]), text)
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", code)
    if found is None:
        return None
    line = code.count("\n", 0, found.start()) + 1
    return line, found.start() - (code.rfind("\n", 0, found.start()) + 1)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _error(code: str, kind: str, message: str, permanent: bool, ids: Ids) -> dict[str, Any]:
    context = {
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "serviceAlias": "TURNSMITH",
        "clientRequestId": ids.client_request,
        "activityId": ids.activity,
        "subActivityId": ids.activity,
        "activityType": "GW.Http.CallContext",
        "parentActivityId": ids.activity,
    }
    return {
        "error": {
            "code": code,
            "message": _MESSAGE,
            "@type": _EXCEPTIONS + kind,
            "@message": message,
            "@context": context,
            "@permanent": permanent,
        }
    }
