"""Walk a history: one `git rev-list` for the ids, one `git diff-tree --stdin` for all commits.

A commit that git can't show is reported and passed over; the walk goes on behind it.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from turnsmith.core.errors import InputError
from turnsmith.sources.code.git.commit import Broken, Change, Commit
from turnsmith.sources.code.processes import start, words
from turnsmith.sources.code.repository import Repository

# Fields end with NUL, which no message can hold. The message is last.
FORMAT = "--format=%H%x00%P%x00%ct%x00%aN%x00%aE%x00%B%x00"
# After each id git reads this line, too, finds no id in it, and echoes it: the end of a commit, surely whole.
END = b"=\n"
CHUNK = 1 << 18
MOST_BROKEN_IN_A_ROW = 200


@dataclass(frozen=True, slots=True)
class Window:
    """Hold times in Unix seconds: `since <= commit time < until`; None is open."""

    since: int | None = None
    until: int | None = None

    def holds(self, time: int) -> bool:
        """Return whether a time lies inside."""
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)


@dataclass(slots=True)
class Listing:
    """Hold the ids of the commits to look at, in a file without a name, and counts of the others.

    `counted` is what `rev-list --count` says of the same history, None where git can't count it; `stopped` are
    git's words where the list ends early.
    """

    file: IO[bytes]
    width: int
    wanted: int = 0
    merges: int = 0
    outside: int = 0
    counted: int | None = None
    stopped: str = ""

    @property
    def listed(self) -> int:
        """Return the number of commits that were met."""
        return self.wanted + self.merges + self.outside

    def ids(self, first: int) -> Iterator[str]:
        """Yield the ids to look at, from a position on."""
        for position in range(first, self.wanted):
            yield os.pread(self.file.fileno(), self.width, self.place(position)).decode()

    def place(self, position: int) -> int:
        """Return where in the file a position's line begins."""
        return position * (self.width + 1 + len(END))


def list_commits(repository: Repository, tips: Sequence[str], window: Window, file: IO[bytes]) -> Listing:
    """Write the ids of all commits behind `tips` to a file, newest first, without merges."""
    listing = Listing(file, len(tips[0]))
    asked = repository.command("rev-list", "--timestamp", "--parents", *tips, "--")
    with tempfile.TemporaryFile() as errors, start(asked, stderr=errors) as process:
        assert process.stdout is not None
        for line in process.stdout:
            time, commit, *parents = line.split()
            if not window.holds(int(time)):
                listing.outside += 1
            elif len(parents) > 1:
                listing.merges += 1
            else:
                listing.wanted += 1
                file.write(commit + b"\n" + END)
        if process.wait():
            errors.seek(0)
            listing.stopped = words(errors.read())
    file.flush()
    if not listing.stopped:
        listing.counted = int(repository.run("rev-list", "--count", *tips, "--"))
    return listing


def walk(repository: Repository, listing: Listing, mailmap: str) -> Iterator[Commit | Broken]:
    """Yield every listed commit in order. `mailmap` names the blob with people's names, such as `HEAD:.mailmap`.

    Raises InputError where very many commits in a row can't be shown: such a clone lacks its trees.
    """
    position = broken = 0
    while position < listing.wanted:
        expected = listing.ids(position)
        for commit in _shown(repository, listing, position, mailmap):
            for missed in expected:
                position += 1
                if missed == commit.id:
                    break
                yield Broken(missed, "unreadable commit")
            broken = 0
            yield commit
        for missed in islice(expected, 1):
            position += 1
            broken += 1
            yield Broken(missed, "unreadable commit")
        if broken > MOST_BROKEN_IN_A_ROW:
            raise InputError(
                f"{repository.place}: git can't show {broken} commits in a row; is this a clone without trees "
                "(--filter=tree:0)? Clone it anew without a filter"
            )


def _shown(repository: Repository, listing: Listing, position: int, mailmap: str) -> Iterator[Commit]:
    """Yield commits from a position on, until git is done or fails."""
    os.lseek(listing.file.fileno(), listing.place(position), os.SEEK_SET)
    options = ["-r", "--root", "--always", "--raw", "-z", "--no-abbrev", "-M100%", FORMAT]
    asked = repository.command("-c", f"mailmap.blob={mailmap}", "diff-tree", "--stdin", *options)
    process = start(asked, stdin=listing.file)
    try:
        assert process.stdout is not None
        yield from _parsed(_tokens(process.stdout))
    finally:
        process.kill()
        process.communicate()


def _tokens(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what stands between NULs, the last piece, too."""
    rest = b""
    while chunk := os.read(stream.fileno(), CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    yield rest


def _parsed(tokens: Iterator[bytes]) -> Iterator[Commit]:
    """Yield whole commits; what a failing git left of another is passed over."""
    first = next(tokens, b"").removeprefix(END)
    while first:
        try:
            commit, first = _commit(first, tokens)
        except StopIteration:
            return
        yield commit


def _commit(object_id: bytes, tokens: Iterator[bytes]) -> tuple[Commit, bytes]:
    """Return a commit and the id of the next. Raises StopIteration where the commit is not whole."""
    parents, time, name, email, message = [next(tokens) for _ in range(5)]
    changes: list[Change] = []
    token = next(tokens)
    if not token:
        token = next(tokens).removeprefix(b"\n")
        while token.startswith(b":"):
            old_mode, new_mode, _, _, status = token[1:].decode().split(" ")
            old_path = path = os.fsdecode(next(tokens))
            if status[0] in "RC":
                path = os.fsdecode(next(tokens))
            changes.append(Change(old_mode, new_mode, status[0], old_path, path))
            token = next(tokens)
    token = token.removeprefix(b"\n")
    if not token.startswith(END):
        raise StopIteration
    while token.startswith(END):  # one more for each commit that git passed over with a mere warning
        token = token.removeprefix(END)
    author, address, said = (text(each) for each in (name, email, message))
    born_of = tuple(parents.decode().split())
    return Commit(object_id.decode(), born_of, int(time), author, address, said, tuple(changes)), token


def text(data: bytes) -> str:
    """Return bytes as text: UTF-8, else what Western Europe used before, which takes every byte."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
