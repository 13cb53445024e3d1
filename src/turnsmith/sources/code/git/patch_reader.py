"""The patches of commits, through one `git diff-tree --stdin`, which works ahead while examples are built."""

import contextlib
import os
from collections import deque
from subprocess import Popen

from turnsmith.sources.code.git.patches import FilePatch, parse
from turnsmith.sources.code.objects import UnreadableError
from turnsmith.sources.code.processes import start
from turnsmith.sources.code.repository import Repository

# Git finds no id in this line behind each id, and echoes it. No line of a diff can be like it.
END = b"=\n"
# A larger patch is too large for any example.
MOST_BYTES = 16 << 20
CHUNK = 1 << 18
OPTIONS = (
    "-p", "-r", "--root", "--format=", "-M", "-l400", "-U3", "--full-index", "--no-color", "--no-ext-diff",
    "--no-textconv", "--diff-algorithm=histogram", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip


class Patches:
    """Read patches of commits in the order they were asked for; a git that dies of an object is started anew.

    Ask for a few dozen at most before the first answer is read, so that neither side waits for the other forever.
    """

    def __init__(self, repository: Repository) -> None:
        self._arguments = repository.command("diff-tree", "--stdin", *OPTIONS)
        self._process: Popen[bytes] | None = None
        self._asked: deque[str] = deque()
        self._unread = bytearray()

    def ask(self, commit: str) -> None:
        """Ask for the patches of a commit's files against its first parent."""
        self._asked.append(commit)
        self._send(commit)

    def answer(self) -> list[FilePatch]:
        """Return the patches of the commit that was asked for first.

        Raises UnreadableError for a missing or corrupt object, and for a patch of more than 16 MiB.
        """
        self._asked.popleft()
        text = self._until_end()
        if text is None:
            self.close()
            for commit in self._asked:
                self._send(commit)
            raise UnreadableError("missing or corrupt object")
        if len(text) > MOST_BYTES:
            raise UnreadableError("patch too large")
        return parse(text)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        self._unread.clear()
        if process is not None:
            process.kill()
            process.communicate()

    def __enter__(self) -> "Patches":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, commit: str) -> None:
        if self._process is None:
            self._process = start(self._arguments)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died; the answer that is read next says so
            self._process.stdin.write(commit.encode() + b"\n" + END)
            self._process.stdin.flush()

    def _until_end(self) -> bytes | None:
        """Return what git prints up to END, None where it dies before; of a huge patch only that it is huge."""
        assert self._process is not None
        assert self._process.stdout is not None
        text, searched, huge = self._unread, 0, False
        while True:
            if text.startswith(END) and not huge:
                del text[: len(END)]
                return b""
            end = text.find(b"\n" + END, max(searched - len(END), 0)) + 1
            if end:
                found = bytes(MOST_BYTES + 1) if huge else bytes(text[:end])
                del text[: end + len(END)]
                return found
            if huge or len(text) > MOST_BYTES:
                huge = True
                del text[: -len(END)]
            searched = len(text)
            chunk = os.read(self._process.stdout.fileno(), CHUNK)
            if not chunk:
                return None
            text += chunk
