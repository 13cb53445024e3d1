"""File contents of a repository by object id, through one `git cat-file --batch`."""

import contextlib
import subprocess
from collections.abc import Sequence

from turnsmith.core.errors import DataError
from turnsmith.sources.code.processes import start

LARGEST = 16 << 20
CHUNK = 1 << 20


class UnreadableError(DataError):
    """Report a content that can't be had; the message is the reason, fit to be counted."""


class Objects:
    """Read contents; a process that dies of a corrupt object is started anew."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, object_id: str, largest: int = LARGEST) -> bytes:
        """Return a content of at most `largest` bytes.

        Raises UnreadableError for an object that is missing, corrupt, larger or no file.
        """
        process = self._process or self._start()
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(object_id.encode() + b"\n")
            stdin.flush()
            header = stdout.readline().split()
        except BrokenPipeError:
            header = []
        if len(header) == 2:
            raise UnreadableError("missing object")
        if len(header) != 3:
            raise self._corrupt()
        size, is_file = int(header[2]), header[1] == b"blob"
        if size > largest or not is_file:
            self._skip(size + 1)
            raise UnreadableError("file too large" if is_file else "no file")
        content = stdout.read(size + 1)
        if len(content) != size + 1:
            raise self._corrupt()
        return content[:-1]

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()
            process.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = start(self._arguments)
        return self._process

    def _corrupt(self) -> UnreadableError:
        self.close()
        return UnreadableError("corrupt object")

    def _skip(self, size: int) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while size:
            piece = self._process.stdout.read(min(size, CHUNK))
            if not piece:
                raise self._corrupt()
            size -= len(piece)
