"""Answer chat completions after a fixed latency: a server that is never the bottleneck of a benchmark.

    python benchmarks/latency_server.py --latency 0.05 --room 200

It prints its address, and speaks as much HTTP/1.1 as clients of the OpenAI protocol need: requests with a
Content-Length over connections that stay open. At most `room` requests are under way; more wait for their
turn. `GET /stats` tells how many were answered, and how many were under way at most.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from collections import deque
from typing import Any

END_OF_HEAD = b"\r\n\r\n"
P_ONE = 0.3


class Service:
    """Hold the counts, and who waits."""

    def __init__(self, latency: float, room: int) -> None:
        self.latency = latency
        self.room = room
        self.waiting: deque[Connection] = deque()
        self.under_way = 0
        self.most = 0
        self.answered = 0
        self.answer = _response(_completion())

    def enter(self, connection: Connection) -> None:
        """Let a request begin its wait, or stand in line."""
        if self.under_way >= self.room:
            self.waiting.append(connection)
            return
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        asyncio.get_running_loop().call_later(self.latency, self._leave, connection)

    def _leave(self, connection: Connection) -> None:
        self.under_way -= 1
        self.answered += 1
        connection.send(self.answer)
        if self.waiting:
            self.enter(self.waiting.popleft())

    def stats(self) -> bytes:
        """Return the counts as a response."""
        return _response({"answered": self.answered, "most": self.most})


class Connection(asyncio.Protocol):
    """Cut the bytes of one connection into requests."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget where answers went."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Take bytes; begin every request that is whole."""
        self.buffer += data
        while (end := self.buffer.find(END_OF_HEAD)) >= 0:
            head = self.buffer[:end]
            size = end + len(END_OF_HEAD) + _content_length(head)
            if len(self.buffer) < size:
                return
            self.buffer = self.buffer[size:]
            if head.startswith(b"GET /stats"):
                self.send(self.service.stats())
            else:
                self.service.enter(self)

    def send(self, response: bytes) -> None:
        """Send a response, if there is still someone to read it."""
        if self.transport is not None:
            self.transport.write(response)


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def _completion() -> dict[str, Any]:
    top = [
        {"token": digit, "logprob": math.log(share), "bytes": list(digit.encode())}
        for digit, share in (("0", 1 - P_ONE), ("1", P_ONE))
    ]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "0"},
        "logprobs": {"content": [top[0] | {"top_logprobs": top}]},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 400, "completion_tokens": 1, "total_tokens": 401}
    return {
        "id": "chatcmpl-latency",
        "object": "chat.completion",
        "created": 0,
        "model": "latency",
        "choices": [choice],
        "usage": usage,
    }


def _response(body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def serve(latency: float, room: int) -> None:
    """Serve until the process ends."""
    service = Service(latency, room)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="Answer chat completions after a fixed latency.")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per answer")
    parser.add_argument("--room", type=int, default=200, help="requests under way at once")
    options = parser.parse_args()
    asyncio.run(serve(options.latency, options.room))


if __name__ == "__main__":
    main()
