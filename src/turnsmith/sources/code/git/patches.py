"""Patches as git prints them, taken to pieces and put together again."""

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

NO_NEWLINE = b"\\ No newline at end of file\n"
# Lines of a hunk begin with a mark, so nothing else begins like this.
_PIECE = re.compile(rb"^(?:diff --git |@@ )", re.MULTILINE)
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class Hunk:
    """Hold a hunk: the first line and the number of lines before and after, and its lines with their marks."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    body: bytes

    @functools.cached_property
    def lines(self) -> list[bytes]:
        """Return the lines with their marks and ends."""
        return lines_of(self.body)

    @property
    def changed(self) -> int:
        """Return the number of lines that go or come."""
        return sum(self.body.count(b"\n" + mark) + self.body.startswith(mark) for mark in (b"-", b"+"))

    def text(self) -> bytes:
        """Return the hunk as in a diff, without what git guesses to be its heading."""
        old, new = _range(self.old_start, self.old_count), _range(self.new_start, self.new_count)
        return f"@@ -{old} +{new} @@\n".encode() + self.body

    def touched(self) -> Iterator[tuple[int, int]]:
        """Yield (first, last) of the old lines around each run of changes.

        For lines that go, those lines; for lines that only come, the old line in front of them and the one behind.
        """
        line, first = self.old_start - (self.old_count > 0), None
        gone = 0
        for mark in [*(each[:1] for each in self.lines), b" "]:
            if mark in b"-+":
                first = line if first is None else first
                gone += mark == b"-"
            elif mark == b" " and first is not None:
                yield (first + 1, first + gone) if gone else (first, first + 1)
                first, gone = None, 0
            line += mark in b" -"


@dataclass(slots=True)
class FilePatch:
    """Hold what a commit does to one file; a path is None, and a mode empty, where there is no such side."""

    old_path: str | None = None
    new_path: str | None = None
    old_mode: str = ""
    new_mode: str = ""
    old_id: str = ""
    new_id: str = ""
    binary: bool = False
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return the path after the change, or that of a deleted file."""
        return self.new_path or self.old_path or ""

    @property
    def changed(self) -> int:
        """Return the number of lines that go or come."""
        return sum(hunk.changed for hunk in self.hunks)

    def text(self) -> bytes:
        """Return the file's part of a diff, as `git apply` takes it, without object ids."""
        old, new = self.old_path, self.new_path
        head = [f"diff --git a/{old or new} b/{new or old}"]
        if old is None:
            head.append(f"new file mode {self.new_mode}")
        elif new is None:
            head.append(f"deleted file mode {self.old_mode}")
        elif self.old_mode != self.new_mode:
            head += [f"old mode {self.old_mode}", f"new mode {self.new_mode}"]
        if old and new and old != new:
            head += [f"rename from {old}", f"rename to {new}"]
        if self.hunks:
            head += [f"--- {_side('a', old)}", f"+++ {_side('b', new)}"]
        lines = "".join(f"{line}\n" for line in head).encode()
        return b"".join([lines, *(hunk.text() for hunk in self.hunks)])

    def apply(self, before: list[bytes]) -> list[bytes]:
        """Return the lines after the change. Raises ValueError where `before` is not what the patch was made for."""
        after: list[bytes] = []
        position = 0
        for hunk in self.hunks:
            first = hunk.old_start - (hunk.old_count > 0)
            after += before[position:first]
            lines = list(_joined(hunk.lines)) if NO_NEWLINE in hunk.body else hunk.lines
            old = [line[1:] for line in lines if line[:1] != b"+"]
            position = first + len(old)
            if before[first:position] != old:
                raise ValueError("the patch does not fit")
            after += [line[1:] for line in lines if line[:1] != b"-"]
        return after + before[position:]


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines of a file with their ends, as git counts them: only LF ends one."""
    if b"\r" not in content:
        return content.splitlines(keepends=True)
    *whole, rest = content.split(b"\n")
    lines = [line + b"\n" for line in whole]
    return [*lines, rest] if rest else lines


def blob_id(content: bytes, like: str) -> str:
    """Return the object id of a content, by the hash that another id was made with."""
    hashed = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return hashed(b"blob %d\0" % len(content) + content).hexdigest()


def parse(text: bytes) -> list[FilePatch]:
    """Return the parts of a diff as git prints it, with full object ids and the usual prefixes."""
    files: list[FilePatch] = []
    starts = [found.start() for found in _PIECE.finditer(text)]
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        head, _, rest = text[begin:end].partition(b"\n")
        if found := _HUNK.match(head):
            old, old_count, new, new_count = (1 if each is None else int(each) for each in found.groups())
            files[-1].hunks.append(Hunk(old, old_count, new, new_count, rest))
        else:
            files.append(_opened(head))
            for line in rest.decode("utf-8", "surrogateescape").split("\n"):
                _read_header(files[-1], line)
    return files


def _opened(head: bytes) -> FilePatch:
    """Return an empty patch; its header names one path twice, unless it is a rename, which says so below."""
    names = head.decode("utf-8", "surrogateescape").removeprefix("diff --git ")
    path = names[2 : 2 + (len(names) - 5) // 2]
    return FilePatch(path, path)


def _read_header(file: FilePatch, line: str) -> None:
    words = line.split(" ")
    if line.startswith("index "):
        file.old_id, _, file.new_id = words[1].partition("..")
        if len(words) > 2:
            file.old_mode = file.new_mode = words[2]
    elif line.startswith("new file mode "):
        file.old_path, file.new_mode = None, words[-1]
    elif line.startswith("deleted file mode "):
        file.new_path, file.old_mode = None, words[-1]
    elif line.startswith("old mode "):
        file.old_mode = words[-1]
    elif line.startswith("new mode "):
        file.new_mode = words[-1]
    elif line.startswith("rename from "):
        file.old_path = line.removeprefix("rename from ")
    elif line.startswith("rename to "):
        file.new_path = line.removeprefix("rename to ")
    elif line.startswith("Binary files "):
        file.binary = True


def _joined(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Yield a hunk's lines, without the line end where git notes that there is none."""
    for line, following in zip(lines, [*lines[1:], b""], strict=True):
        if line != NO_NEWLINE:
            yield line.removesuffix(b"\n") if following == NO_NEWLINE else line


def _range(start_line: int, count: int) -> str:
    return str(start_line) if count == 1 else f"{start_line},{count}"


def _side(letter: str, path: str | None) -> str:
    """Return a path as `---` and `+++` have it: a tab ends one with spaces."""
    if path is None:
        return "/dev/null"
    return f"{letter}/{path}\t" if " " in path else f"{letter}/{path}"
