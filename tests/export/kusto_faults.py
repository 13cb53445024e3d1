"""What a server, a network or a proxy may do to an answer; each in the shape that the real thing has."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from turnsmith.sources.telemetry.kql.server.engine import Answer
from turnsmith.sources.telemetry.kql.server.faults import Failure, Ids, low_memory
from turnsmith.sources.telemetry.kql.server.frames import v2_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from .kusto_proxy import Handler

Request = dict[str, Any]
PASSING = Failure("General", "SomethingPassing", "QueryFailed", 1, "Odd (1)", "something odd happened")


def throttled(handler: Handler, _: Request) -> None:
    """Answer 429 with Retry-After, and no JSON."""
    handler.answer(429, b"slow down", {"Retry-After": "1"})


def unavailable(handler: Handler, _: Request) -> None:
    """Answer 503 as a gateway does that speaks HTML."""
    handler.answer(503, b"<html>Service Unavailable</html>")


def gateway_timeout(handler: Handler, _: Request) -> None:
    """Answer 504 as a gateway does."""
    handler.answer(504, b"")


def server_timeout(handler: Handler, request: Request) -> None:
    """Let the server's own timeout be very short."""
    request["properties"]["Options"]["servertimeout"] = "00:00:00.001"
    handler.answer(*handler.forwarded(request))


def silence(handler: Handler, _: Request) -> None:
    """Say nothing for longer than the client waits."""
    time.sleep(9)
    handler.close_connection = True


def no_answer(handler: Handler, _: Request) -> None:
    """Close the connection before a byte of the answer."""
    handler.close_connection = True


def cut_connection(handler: Handler, request: Request) -> None:
    """Close the connection in the middle of the answer."""
    status, body = handler.forwarded(request)
    handler.answer(status, body[: len(body) // 2], length=len(body))
    handler.close_connection = True


def truncated_json(handler: Handler, request: Request) -> None:
    """Give half of the answer, with the length of that half."""
    status, body = handler.forwarded(request)
    handler.answer(status, body[: len(body) // 2])


def lost_completion(handler: Handler, request: Request) -> None:
    """Leave out the last frame."""
    _with_frames(handler, request, lambda frames: frames[:-1])


def empty_answer(handler: Handler, request: Request) -> None:
    """Leave out all rows without a word: what a proxy makes of an over-long query."""

    def emptied(frames: list[Any]) -> list[Any]:
        return [{**f, "Rows": []} if f.get("TableKind") == "PrimaryResult" else f for f in frames]

    _with_frames(handler, request, emptied)


def lost_row(handler: Handler, request: Request) -> None:
    """Leave out one row without a word."""

    def shorter(frames: list[Any]) -> list[Any]:
        return [{**f, "Rows": f["Rows"][1:]} if f.get("TableKind") == "PrimaryResult" else f for f in frames]

    _with_frames(handler, request, shorter)


def errors_in_last_frame_only(handler: Handler, request: Request) -> None:
    """Set `HasErrors` and nothing else, which the official client does not even count."""
    _with_frames(handler, request, lambda frames: [*frames[:-1], {**frames[-1], "HasErrors": True}])


def over_limit(handler: Handler, request: Request) -> None:
    """Get the server's own partial answer: an object among the rows, `HasErrors`, no completion information."""
    request["properties"]["Options"]["truncationmaxrecords"] = 1
    handler.answer(*handler.forwarded(request))


def over_limit_deferred(handler: Handler, request: Request) -> None:
    """Get the server's other partial answer: clean rows, `HasErrors` false, a row of level 2."""
    request["properties"]["Options"]["deferpartialqueryfailures"] = True
    over_limit(handler, request)


def partial_with_low_memory(handler: Handler, _: Request) -> None:
    """Answer in part, for lack of memory."""
    handler.answer(200, v2_body(Answer([], [], 0, low_memory()), Ids.of(None), False))


def partial_for_now(handler: Handler, _: Request) -> None:
    """Answer in part, for a reason that passes."""
    handler.answer(200, v2_body(Answer([], [], 0, PASSING), Ids.of(None), False))


def other_chunk(handler: Handler, request: Request) -> None:
    """Answer for another chunk with as many rows, as a cache in between may."""
    frames = json.loads(handler.forwarded(request)[1])
    count = sum(len(f["Rows"]) for f in frames if f.get("TableKind") == "PrimaryResult")
    parameters = request["properties"]["Parameters"]
    parameters["chunk"] = 1 - parameters["chunk"]

    def filled(frames: list[Any]) -> list[Any]:
        return [
            {**f, "Rows": (f["Rows"] * 9)[:count]} if f.get("TableKind") == "PrimaryResult" else f
            for f in frames
        ]

    _with_frames(handler, request, filled)


def drip(handler: Handler, request: Request) -> None:
    """Begin an answer and never end it."""
    status, body = handler.forwarded(request)
    handler.answer(status, body[:100], length=len(body))
    handler.wfile.flush()
    silence(handler, request)


def semantic(handler: Handler, request: Request) -> None:
    """Get the server's own word on a query with an unknown table."""
    request["csl"] = request["csl"].replace("AppEvents", "AppEventz")
    handler.answer(*handler.forwarded(request))


def forbidden(handler: Handler, _: Request) -> None:
    """Answer 403, as for a login without rights."""
    handler.answer(403, json.dumps({"error": {"code": "Forbidden", "message": "no rights"}}).encode())


def _with_frames(handler: Handler, request: Request, change: Callable[[list[Any]], list[Any]]) -> None:
    status, body = handler.forwarded(request)
    handler.answer(status, json.dumps(change(json.loads(body))).encode())
