"""A loopback server that speaks chat completions over real HTTP, answers by keywords, and fails when told to.

It obeys the meanings that the system message gives the digits, so that a client that decodes them wrongly gets wrong
labels.
"""

import json
import math
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.labels.judge.making import reply

Response = tuple[int, dict[str, str], Any]
Script = Callable[[dict[str, Any], int], Response | None]

_HARD = re.compile(r"deadlock|migrat|shards|Kalman|optimizer|prove|design", re.IGNORECASE)


def judged(body: dict[str, Any]) -> Any:
    """Return the reply of a judge that sees reasoning in some words."""
    system, data = (message["content"] for message in body["messages"])
    named = re.search(r"The digit is ([01])", data)
    if named:
        digit, sure = named[1], 0.99
    elif "decision" in system:
        return reply("It names a hard thing.")
    else:
        hard = bool(_HARD.search(data))
        flipped = "Answer 1: a reasoning" in system
        digit, sure = str(int(hard == flipped)), 0.9
    if not body.get("logprobs"):
        return reply(digit)
    other = "1" if digit == "0" else "0"
    noise = len(data) % 7 / 1000  # no two questions have quite the same answer
    return reply(
        digit, {digit: math.log(sure - noise), other: math.log(1 - sure), "x": math.log(noise / 2 + 1e-9)}
    )


class ScriptedServer:
    """Serve on a free port; `script` may answer a request itself, `seen` holds the bodies in order."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # headers and body are two writes

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer._lock:
                    outer.seen.append(body)
                    outer.keys.append(self.headers["authorization"])
                    number = len(outer.seen)
                answer = outer.script(body, number) if outer.script else None
                status, headers, content = answer or (200, {}, judged(body))
                if status == 0:
                    self.close_connection = True
                    return
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def asked(self, text: str) -> int:
        """Return how many requests held a text in their data."""
        return sum(text in body["messages"][-1]["content"] for body in self.seen)


def error(status: int, message: str = "no", **more: str) -> Response:
    """Return an error response in OpenAI's format; words ending in `_header` become headers."""
    headers = {
        name.removesuffix("_header").replace("_", "-"): more.pop(name)
        for name in list(more)
        if name.endswith("_header")
    }
    return status, headers, {"error": {"message": message, **more}}
