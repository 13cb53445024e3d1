"""A thin server for Files and Batches that lets another server answer the requests.

aimock answers every line of a batch with the same text. This one sends each line to `upstream`, a real chat
server, so that a batch can be held against the same requests asked one by one. Tests tell how the next batches
end: `completed`, `expired` or `cancelled` after so many lines, or `failed` in validation. Everything else,
such as a chat outside a batch, goes to `upstream` as it is.
"""

from __future__ import annotations

import email
import email.policy
import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_LINES = 50_000
MOST_BYTES = 200 << 20


@dataclass
class Ending:
    """Hold how a batch ends: its status, how many lines are answered before, how often it is asked before."""

    status: str = "completed"
    answered: int = MOST_LINES
    polls: int = 1


@dataclass
class Store:
    """Hold files, batches, and how they end."""

    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    ending_of: dict[str, Ending] = field(default_factory=dict)
    custom_ids: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add_file(self, content: bytes) -> str:
        """Keep a file; return its id."""
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name


class Batches(ThreadingHTTPServer):
    """Serve on a free port of loopback while the `with` block runs."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.store = Store()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Return the base address for clients, with /v1."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def end_next(self, *endings: Ending) -> None:
        """Say how the next batches end, in the order in which they are created; those after them complete."""
        self.store.endings += endings

    def ask(self, path: str, body: bytes | None) -> tuple[int, bytes]:
        """Send a request to the other server; return status and body."""
        request = urllib.request.Request(self.upstream + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Begin a batch."""
        store = self.store
        name = f"batch_{len(store.batches) + 1}"
        batch = {
            "id": name,
            "object": "batch",
            "status": "validating",
            "created_at": 0,
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            **wanted,
        }
        store.ending_of[name] = store.endings.pop(0) if store.endings else Ending()
        problem = _problem(store.files.get(wanted["input_file_id"]), wanted["endpoint"])
        if problem or store.ending_of[name].status == "failed":
            error = {"code": "invalid_file", "message": problem or "refused by the test", "line": 1}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [error]}}
        store.batches[name] = batch
        return batch

    def look(self, name: str) -> dict[str, Any] | None:
        """Return a batch; it is done when it has been looked at often enough."""
        batch = self.store.batches.get(name)
        if batch is None or batch["status"] not in ("validating", "in_progress"):
            return batch
        ending = self.store.ending_of[name]
        batch["status"] = "in_progress"
        ending.polls -= 1
        if ending.polls < 0:
            self._finish(batch, ending)
        return batch

    def _finish(self, batch: dict[str, Any], ending: Ending) -> None:
        lines = [json.loads(line) for line in self.store.files[batch["input_file_id"]].splitlines()]
        answered: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for index, line in enumerate(lines):
            self.store.custom_ids.append(line["custom_id"])
            outcome = {"id": f"batch_req_{index}", "custom_id": line["custom_id"]}
            if index >= ending.answered:
                error = {"code": f"batch_{ending.status}", "message": "not executed in time"}
                failed.append(outcome | {"response": None, "error": error})
                continue
            status, body = self.ask("/chat/completions", json.dumps(line["body"]).encode())
            response = {"status_code": status, "request_id": f"req_{index}", "body": json.loads(body)}
            (answered if status == 200 else failed).append(outcome | {"response": response, "error": None})
        # Results come in any order; clients must go by custom_id.
        for key, results in (("output_file_id", answered[::-1]), ("error_file_id", failed)):
            if results:
                batch[key] = self.store.add_file(
                    b"".join(json.dumps(each).encode() + b"\n" for each in results)
                )
        counts = {"total": len(lines), "completed": len(answered), "failed": len(failed)}
        batch |= {"status": ending.status, "request_counts": counts}


def _problem(content: bytes | None, endpoint: str) -> str | None:
    if content is None:
        return "no such input file"
    lines = [json.loads(line) for line in content.splitlines()]
    if not lines or len(lines) > MOST_LINES or len(content) > MOST_BYTES:
        return "the file is empty or too large"
    if len({line["custom_id"] for line in lines}) < len(lines):
        return "a custom_id stands twice"
    if any(line["url"] != endpoint or line["method"] != "POST" for line in lines):
        return "a line is for another endpoint"
    return "the lines ask several models" if len({line["body"]["model"] for line in lines}) > 1 else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Batches

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].split("/")[2:]
        with self.server.store.lock:
            if parts[0] == "files" and parts[-1] == "content" and parts[1] in self.server.store.files:
                self._answer(200, self.server.store.files[parts[1]])
            elif parts == ["batches"]:
                newest_first = [*self.server.store.batches.values()][::-1]
                self._answer(
                    200, json.dumps({"object": "list", "data": newest_first, "has_more": False}).encode()
                )
            elif parts[0] == "batches" and (batch := self.server.look(parts[1])):
                self._answer(200, json.dumps(batch).encode())
            elif parts[0] in ("files", "batches"):
                self._answer(
                    404, b'{"error": {"message": "no such object", "type": "invalid_request_error"}}'
                )
            else:
                self._answer(*self.server.ask("/" + "/".join(parts), None))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = self.path.split("/")[2:]
        if parts[0] not in ("files", "batches"):
            self._answer(*self.server.ask("/" + "/".join(parts), body))
            return
        with self.server.store.lock:
            if parts[0] == "files":
                self._answer(200, json.dumps(self._upload(body)).encode())
            else:
                self._answer(200, json.dumps(self.server.create(json.loads(body))).encode())

    def _upload(self, body: bytes) -> dict[str, Any]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        assert parts["purpose"].get_payload(decode=True) == b"batch"
        name = self.server.store.add_file(content)
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 0,
            "filename": parts["file"].get_filename(),
            "purpose": "batch",
            "status": "processed",
        }

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""
