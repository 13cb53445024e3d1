"""A commit's files with their contents before and after, and what the change does to them."""

from collections.abc import Sequence
from dataclasses import dataclass

from turnsmith.sources.code.git.definitions import Definition, Definitions
from turnsmith.sources.code.git.patches import FilePatch, blob_id, lines_of
from turnsmith.sources.code.git.selection import CODE, TEST, USED, kind_of_paths
from turnsmith.sources.code.languages import HEAD_BYTES
from turnsmith.sources.code.licenses import Licenses, Policy, Verdict
from turnsmith.sources.code.objects import Objects
from turnsmith.sources.code.paths import why_skipped
from turnsmith.sources.code.repository import SUBMODULE, SYMLINK

Selected = tuple[FilePatch, str]


@dataclass(frozen=True, slots=True)
class File:
    """Hold a file of an example: its patch, its kind (code, test, text), both sides and their lines, its license."""

    patch: FilePatch
    kind: str
    old: bytes
    new: bytes
    before: list[bytes]
    after: list[bytes]
    license: Verdict


class LeftOutError(Exception):
    """Report why a whole commit is left out; the message is the reason, fit to be counted."""


class Files:
    """Read the files that an example may be made of; find the definitions in them."""

    def __init__(self, objects: Objects, licenses: Licenses, policy: Policy) -> None:
        self._objects = objects
        self._licenses = licenses
        self._policy = policy
        self._denied: dict[str, str | None] = {}
        self._definitions = Definitions()

    def select(self, patches: Sequence[FilePatch]) -> tuple[list[Selected], list[str]]:
        """Return the patches to use with their kinds, by paths and modes, and why each of the others is left out."""
        kinds = [(patch, "binary" if patch.binary else _kind(patch)) for patch in patches]
        return [each for each in kinds if each[1] in USED], [kind for _, kind in kinds if kind not in USED]

    def read(self, selected: Sequence[Selected]) -> tuple[list[File], list[str]]:
        """Return the files to use, and why each of the others is left out by what stands in it.

        Raises UnreadableError for an object that can't be had, LeftOutError where a file that counts is no UTF-8,
        under a license that is not allowed, or where a patch does not give the content that the commit has.
        """
        found = [self._file(patch, kind) for patch, kind in selected]
        used = [each for each in found if isinstance(each, File)]
        return used, [each for each in found if isinstance(each, str)]

    def _file(self, patch: FilePatch, kind: str) -> File | str:
        """Return a file, or why it is left out."""
        content = b""
        if patch.old_path is not None and patch.hunks:
            content = self._objects.read(patch.old_id)
        before = lines_of(content)
        try:
            after = patch.apply(before)
        except ValueError as error:
            raise LeftOutError("patch does not fit") from error
        joined = b"".join(after)
        if patch.hunks and patch.new_path is not None and blob_id(joined, patch.new_id) != patch.new_id:
            raise LeftOutError("patch does not fit")
        head = (joined or content)[:HEAD_BYTES]
        if reason := why_skipped(patch.path, head):
            return reason
        verdict = self._licenses.of(patch.path, head)
        if verdict.expression not in self._denied:
            self._denied[verdict.expression] = self._policy.why_denied(verdict)
        if reason := self._denied[verdict.expression]:
            raise LeftOutError(f"file: {reason}")
        try:
            _ = content.decode(), joined.decode()
        except UnicodeDecodeError as error:
            raise LeftOutError("not UTF-8") from error
        return File(patch, kind, content, joined, before, after, verdict)

    def around(self, file: File, first: int, last: int) -> list[Definition]:
        """Return the definitions around lines of the file before the change."""
        path = file.patch.old_path
        return self._definitions.around(path, file.old, file.before, first, last) if path else []

    def new_definitions(self, file: File) -> int:
        """Return how many more definitions come than go where the file changes, blocks aside."""
        come: set[Definition] = set()
        gone: set[Definition] = set()
        path = file.patch.new_path
        for hunk in file.patch.hunks if path is not None else ():
            last = hunk.new_start + max(hunk.new_count - 1, 0)
            come.update(self._definitions.around(str(path), file.new, file.after, hunk.new_start, last))
        for hunk in file.patch.hunks:
            gone.update(self.around(file, hunk.old_start, hunk.old_start + max(hunk.old_count - 1, 0)))
        return sum(each.kind != "block" for each in come) - sum(each.kind != "block" for each in gone)


def _kind(patch: FilePatch) -> str:
    if SUBMODULE in (patch.old_mode, patch.new_mode):
        return "submodule"
    if SYMLINK in (patch.old_mode, patch.new_mode):
        return "symbolic link"
    return kind_of_paths(patch.old_path or patch.path, patch.path)


def sources(files: Sequence[File]) -> list[File]:
    """Return the files that are source code outside tests."""
    return [file for file in files if file.kind == CODE]


def tests(files: Sequence[File]) -> list[File]:
    """Return the files that are tests."""
    return [file for file in files if file.kind == TEST]
