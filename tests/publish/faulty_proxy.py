"""A TCP proxy on loopback that slows, cuts, damages and counts what goes through it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

HEAD = re.compile(rb"(?:GET|PUT|HEAD|DELETE) (\S+) HTTP/1\.1\r\n")
CHUNK = 1 << 16


class Proxy:
    """Forward connections to a port; the attributes may be set at any time.

    `rate`: bytes per second and connection towards the server. `cuts`: how many requests are still to be
    cut off in the middle of their body. `flips`: how many blocks are still to be damaged. `refusals`: how many
    requests are still to be answered with 503 and a Retry-After. `lose_answer_to`: a text; the answer to the
    next request whose target contains it is lost. `targets`: what was asked for, in order.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.rate: float | None = None
        self.cuts = self.flips = self.refusals = 0
        self.lose_answer_to = ""
        self.targets: list[str] = []
        self.bytes_sent = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Cut all connections, whatever is still on its way in them."""
        for connection in self._open:
            _shut(connection)
        self._open.clear()

    def count(self, part: str) -> int:
        """Return how many requests had `part` in their target."""
        return sum(part in target for target in self.targets)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                lost = threading.Event()
                threading.Thread(target=self._forth, args=(client, server, lost), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client, lost), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        """Carry requests; a head always starts a chunk or follows another request's end within one."""
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                if not self._pass(data, client, lost):
                    break
                server.sendall(self._damaged(data))
                with self._lock:
                    self.bytes_sent += len(data)
                if self.rate:
                    time.sleep(len(data) / self.rate)
        _shut(client)
        _shut(server)

    def _pass(self, data: bytes, client: socket.socket, lost: threading.Event) -> bool:
        """Note the requests in `data`; tell whether it may pass."""
        with self._lock:
            found = [match.decode() for match in HEAD.findall(data)]
            self.targets += found
            if found and self.refusals:
                self.refusals -= 1
                client.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
                return False
            if found and self.lose_answer_to and self.lose_answer_to in found[-1]:
                self.lose_answer_to = ""
                lost.set()
            if not found and self.cuts:
                self.cuts -= 1
                return False
        return True

    def _damaged(self, data: bytes) -> bytes:
        with self._lock:
            if HEAD.search(data) or not self.flips:
                return data
            self.flips -= 1
        return bytes([data[0] ^ 1]) + data[1:]

    def _back(self, server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                if lost.is_set():
                    break
                client.sendall(data)
        _shut(client)
        _shut(server)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
