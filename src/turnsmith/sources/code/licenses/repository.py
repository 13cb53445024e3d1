"""The licenses of a repository: of all of it, of folders with a license of their own, of single files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from turnsmith.sources.code.licenses.expressions import allowed
from turnsmith.sources.code.licenses.manifests import READERS, declared_license, header_license
from turnsmith.sources.code.licenses.texts import is_license_file, license_of_text
from turnsmith.sources.code.licenses.verdict import UNREADABLE, Verdict, both
from turnsmith.sources.code.objects import Objects, UnreadableError
from turnsmith.sources.code.paths import is_vendored
from turnsmith.sources.code.repository import SYMLINK, Repository

MOST_HOPS = 8
REUSE_FOLDER = "LICENSES"

Read = Callable[[str], bytes | None]
"""Returns what lies at a path: a file's bytes, or a symbolic link's target; None where it can't be read."""


@dataclass(frozen=True, slots=True)
class Licenses:
    """Hold the verdict of a repository, and those of folders that have their own (by path, `""` is the root)."""

    verdict: Verdict
    folders: Mapping[str, Verdict] = field(default_factory=dict)

    def of(self, path: str, head: bytes = b"") -> Verdict:
        """Return the verdict of a file: its own header's, else the nearest folder's, else the repository's.

        `head` is the beginning of the file (4 KiB are enough).
        """
        header = header_license(head, path)
        if header is not None:
            return header
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self.folders:
                return self.folders[folder]
        return self.verdict


def licenses_at(repository: Repository, commit: str, objects: Objects) -> Licenses:
    """Return the licenses of a commit's files. Raises InputError where its tree can't be read."""
    entries = {entry.path: entry for entry in repository.tree(commit) if _tells(entry.path)}

    def read(path: str) -> bytes | None:
        try:
            return objects.read(entries[path].object_id)
        except UnreadableError:
            return None

    for _ in range(
        MOST_HOPS
    ):  # what links point to, which may have any name; a large tree is never held whole
        links = [path for path, entry in entries.items() if entry.mode == SYMLINK]
        wanted = {_target(path, read(path)) for path in links} - entries.keys() - {None}
        if not wanted:
            break
        entries |= {entry.path: entry for entry in repository.tree(commit) if entry.path in wanted}
    return licenses_of({path: entry.mode for path, entry in entries.items()}, read)


def licenses_of(modes: Mapping[str, str], read: Read) -> Licenses:
    """Return the licenses of the files of one revision.

    `modes` has every path with its mode as git writes it (`120000` is a symbolic link); `read` gives their bytes.
    A license file that is a link stands for what it points to inside the repository.
    """
    texts: dict[str, list[Verdict]] = {}
    declared: dict[str, list[Verdict]] = {}
    for path in sorted(modes):
        folder, _, name = path.rpartition("/")
        if not _tells(path):
            continue
        if name not in READERS or folder == REUSE_FOLDER:
            data = _followed(path, modes, read)
            home = "" if folder == REUSE_FOLDER else folder
            verdict = Verdict(file=path, source=UNREADABLE) if data is None else license_of_text(data, path)
            texts.setdefault(home, []).append(verdict)
        elif modes[path] != SYMLINK:
            data = read(path)
            verdict = declared_license(data, path) if data is not None else Verdict()
            if verdict.is_known:
                declared.setdefault(folder, []).append(verdict)
    folders = {
        folder: _combined(texts.get(folder, []), declared.get(folder, []))
        for folder in sorted({*texts, *declared})
    }
    return Licenses(folders.pop("", Verdict()), folders)


def _tells(path: str) -> bool:
    """Return whether a file may tell a license of code that is used, as that in vendored folders never is."""
    folder, _, name = path.rpartition("/")
    tells = folder == REUSE_FOLDER or is_license_file(name) or name in READERS
    return tells and not is_vendored(path, b"")


def _followed(path: str, modes: Mapping[str, str], read: Read) -> bytes | None:
    """Return the bytes of a file, symbolic links followed within the repository; None where one leads out of it."""
    for _ in range(MOST_HOPS):
        data = read(path)
        if data is None or modes[path] != SYMLINK:
            return data
        target = _target(path, data)
        if target is None or target not in modes:
            return None
        path = target
    return None


def _target(path: str, link: bytes | None) -> str | None:
    """Return the path that a symbolic link at `path` points to, None where that is outside of the repository."""
    target = (link or b"/").decode("utf-8", "replace")
    if target.startswith("/"):
        return None
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _combined(texts: list[Verdict], declared: list[Verdict]) -> Verdict:
    """Return one verdict of a folder's license files and manifests.

    A choice that a manifest declares (`MIT OR Apache-2.0`) explains the files that lie beside it. Whatever else
    differs holds together. A license file that is unknown or unreadable makes all unknown: it may ask for more.
    """
    if unknown := next((text for text in texts if not text.is_known), None):
        return unknown
    claims = [*declared, *(text for text in texts if not any(_chosen(text, each) for each in declared))]
    verdict = Verdict()
    for claim in sorted(claims, key=lambda each: (each.source != "text", each.file)):
        verdict = both(verdict, claim)
    return verdict


def _chosen(text: Verdict, declared: Verdict) -> bool:
    """Return whether a license's text is one side of a choice that a manifest declares."""
    name = text.expression  # a text of the GPL does not say which versions may follow
    return " OR " in declared.expression and allowed(
        declared.expression, {name, f"{name}-only", f"{name}-or-later"}
    )
