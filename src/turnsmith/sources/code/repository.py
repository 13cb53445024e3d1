"""Open a git repository for reading only, so that nothing of its own can run.

Work is done in a bare repository of our own that borrows the objects (`objects/info/alternates`) and copies the
references. So neither configuration nor hooks nor attributes of the repository count, a partial clone fetches
nothing, and the owner of its files does not matter.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from turnsmith.core.errors import InputError, UsageError
from turnsmith.sources.code.objects import Objects
from turnsmith.sources.code.processes import run, words

BUNDLE = ".bundle"
# Larger files count as binary in a diff, so that git never holds two of them.
BIG_FILE = "4m"
# Of a large pack git maps no more than this at once; else its memory grows with the repository.
WINDOW, WINDOWS = "8m", "64m"
TREE, SYMLINK, SUBMODULE = "040000", "120000", "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold a file of a tree: mode as git writes it, object id, size in bytes (0 for a submodule), and path.

    Bytes of a path that are no UTF-8 stand as surrogates; `odd_path` tells.
    """

    mode: str
    object_id: str
    size: int
    path: str


class Repository:
    """Read one repository; `name` is for metadata, `shallow` tells that its history is cut off."""

    def __init__(self, name: str, place: str, git_dir: Path, *, shallow: bool) -> None:
        self.name = name
        self.place = place
        self.shallow = shallow
        self._git_dir = git_dir

    def command(self, *arguments: str) -> list[str]:
        """Return the arguments that make git work on this repository, for `processes.run` and `start`."""
        return [f"--git-dir={self._git_dir}", "--no-pager", *arguments]

    def run(self, *arguments: str) -> bytes:
        """Return what a git command prints. Raises InputError with git's own words where it fails."""
        done = run(self.command(*arguments))
        if done.returncode:
            raise InputError(f"{self.place}: git {arguments[0]} failed: {words(done.stderr)}")
        return done.stdout

    def resolve(self, revision: str = "HEAD") -> str:
        """Return the id of the commit that a revision names. Raises InputError where there is none.

        Where HEAD names nothing, as in a bundle of one branch, the only branch counts.
        """
        asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
        with contextlib.suppress(InputError):
            return self.run(*asked).decode().split()[-1]
        branches = self.branches()
        if not branches:
            raise InputError(f"{self.place}: the repository is empty: it has no commit on any branch")
        if revision == "HEAD" and len(branches) == 1:
            return next(iter(branches.values()))
        known = ", ".join(list(branches)[:5])
        raise InputError(f"{self.place}: no branch, tag or commit {revision!r}; branches here: {known}")

    def branches(self) -> dict[str, str]:
        """Return the commits of local and remote branches by name, in the order of names."""
        form = "--format=%(objectname) %(objecttype) %(refname)"
        listed = self.run("for-each-ref", "--sort=refname", form, "refs/heads", "refs/remotes")
        rows = [line.split(" ", 2) for line in listed.decode("utf-8", "replace").split("\n") if line]
        return {
            name.removeprefix("refs/heads/").removeprefix("refs/"): commit
            for commit, kind, name in rows
            if kind == "commit"
        }

    def tree(self, commit: str) -> Iterator[Entry]:
        """Yield the files of a commit in the order of paths; symbolic links and submodules, too, by their mode.

        Raises InputError where a tree can't be read.
        """
        asked = self.command("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        with tempfile.TemporaryFile() as listing:
            done = run(asked, output=listing)
            if done.returncode:
                raise InputError(
                    f"{self.place}: the files of {commit} can't be listed: {words(done.stderr)}; "
                    "a partial clone needs its trees (--filter=blob:none keeps them), a damaged one git fsck"
                )
            listing.seek(0)
            for record in _records(iter(lambda: listing.read(1 << 16), b"")):
                facts, _, path = record.partition(b"\t")
                mode, _, object_id, size = facts.decode().split()
                yield Entry(mode, object_id, int(size) if size.isdigit() else 0, os.fsdecode(path))

    @contextlib.contextmanager
    def objects(self) -> Iterator[Objects]:
        """Give the reader of file contents, one process for all of them."""
        reader = Objects(self.command("cat-file", "--batch"))
        try:
            yield reader
        finally:
            reader.close()


def odd_path(path: str) -> bool:
    """Return whether a path can't stand in an example: no UTF-8, or with control characters such as a line end."""
    return not path.isprintable()


@contextlib.contextmanager
def opened(place: str, name: str | None = None) -> Iterator[Repository]:
    """Open a working tree, a bare or mirror repository, or a bundle (by its suffix `.bundle`).

    `name` defaults to the one of the folder or bundle. Raises InputError for what is none of them, UsageError
    where there is no git.
    """
    if shutil.which("git") is None:
        raise UsageError("reading repositories needs git: install it, and see that it is in PATH")
    path = Path(place)
    if not path.exists():
        raise InputError(f"{place}: no such file or folder")
    if odd_path(str(path.resolve())):
        raise InputError(f"{place!r}: rename the folder; git can't borrow objects of one with such a name")
    with tempfile.TemporaryDirectory(prefix="turnsmith-git-") as folder:
        real = path
        if path.is_file():
            real = _unbundled(path, Path(folder) / "unbundled.git")
        git_dir = Path(folder) / "borrowing.git"
        shallow = _borrow(place, real, git_dir)
        yield Repository(name or name_of(place), place, git_dir, shallow=shallow)


def is_repository(place: str) -> bool:
    """Return whether a place is a bundle, a repository, or the top of a working tree."""
    path = Path(place)
    return (path.is_file() and path.suffix == BUNDLE) or _folder_of(path) is not None


def name_of(place: str) -> str:
    """Return the name of a repository for metadata: the last part of its path, without `.git` or `.bundle`."""
    path = Path(place).resolve()
    if path.name == ".git":
        path = path.parent
    return path.name.removesuffix(".git").removesuffix(BUNDLE) or "repository"


def names_of(places: Sequence[str]) -> list[str]:
    """Return a name for each place; those that would be alike get the folder above in front.

    Raises UsageError for a place that is given twice, and for names that stay alike.
    """
    resolved = [Path(place).resolve() for place in places]
    names = [name_of(place) for place in places]
    if twice := next(
        (place for place, path in zip(places, resolved, strict=True) if resolved.count(path) > 1), None
    ):
        raise UsageError(f"{twice}: this repository is given twice")
    names = [
        f"{path.parent.name}/{name}" if names.count(name) > 1 else name
        for name, path in zip(names, resolved, strict=True)
    ]
    if alike := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two repositories would both be called {alike}: rename a folder")
    return names


def _unbundled(bundle: Path, target: Path) -> Path:
    """Clone a bundle into a bare repository."""
    asked = ["clone", "--bare", "--quiet", "--template=", "--", str(bundle.resolve()), str(target)]
    done = run(asked, more={"GIT_ALLOW_PROTOCOL": "file"})
    if done.returncode:
        raise InputError(
            f"{bundle}: can't be read as a git bundle: {words(done.stderr)}; try git bundle verify"
        )
    return target


def _folder_of(path: Path) -> Path | None:
    """Return the git folder of a working tree or repository, None for another folder."""
    for folder in (path / ".git", path):
        if run([f"--git-dir={folder}", "rev-parse", "--git-dir"]).returncode == 0:
            return folder
    return None


def _borrow(place: str, path: Path, git_dir: Path) -> bool:
    """Make an empty repository that borrows objects and copies references; return whether history is cut off."""
    folder = _folder_of(path)
    if folder is None:
        raise InputError(
            f"{place}: no git repository; name the top folder of a working tree, a bare one or a bundle"
        )
    asked = ["--git-path", "objects", "--git-path", "shallow", "--show-object-format"]
    answer = run([f"--git-dir={folder}", "rev-parse", "--path-format=absolute", *asked]).stdout
    objects, cut_off, form, *_ = os.fsdecode(answer).split("\n")
    made = run(["init", "--bare", "--quiet", "--template=", f"--object-format={form}", "--", str(git_dir)])
    if made.returncode:
        raise InputError(f"{place}: can't be opened: {words(made.stderr)}")
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    (git_dir / "objects" / "info" / "alternates").write_bytes(os.fsencode(_quoted(objects)) + b"\n")
    _copy_references(place, folder, git_dir)
    shallow = Path(cut_off).is_file()
    if shallow:
        shutil.copyfile(cut_off, git_dir / "shallow")
    with (git_dir / "config").open("a", encoding="utf-8") as config:
        config.write(f"[core]\n\tbigFileThreshold = {BIG_FILE}\n\tquotePath = false\n")
        config.write(f"\tpackedGitWindowSize = {WINDOW}\n\tpackedGitLimit = {WINDOWS}\n")
    return shallow


def _quoted(path: str) -> str:
    """Quote a path as `alternates` reads it."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if escaped != path else path


def _copy_references(place: str, folder: Path, git_dir: Path) -> None:
    """Write the references of a repository to `packed-refs`, and its HEAD."""
    form = "--format=%(if)%(symref)%(then)%(else)%(objectname) %(refname)%(end)"
    listed = run([f"--git-dir={folder}", "for-each-ref", form])
    head = run([f"--git-dir={folder}", "rev-parse", "--verify", "--quiet", "HEAD"])
    if listed.returncode:
        raise InputError(f"{place}: its branches can't be listed: {words(listed.stderr)}")
    (git_dir / "packed-refs").write_bytes(
        b"".join(line for line in listed.stdout.splitlines(True) if line.strip())
    )
    if head.returncode == 0:
        (git_dir / "HEAD").write_bytes(head.stdout)


def _records(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what NUL ends in a stream of chunks."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
