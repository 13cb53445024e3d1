"""Repositories are opened for reading; names, branches, trees and contents."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.sources.code.git.repositories import CODE, Maker, started
from turnsmith.core.errors import InputError, UsageError
from turnsmith.sources.code.objects import UnreadableError
from turnsmith.sources.code.repository import (
    SUBMODULE,
    SYMLINK,
    is_repository,
    name_of,
    names_of,
    odd_path,
    opened,
)


def test_trees_list_every_entry_with_its_mode(tmp_path: Path) -> None:
    """Files, links and submodules come in the order of paths, with modes, sizes and odd names as they are."""
    inner = started(tmp_path / "inner")
    maker = started(tmp_path / "repo")
    (maker.folder / "link").symlink_to("rows.py")
    maker.git("submodule", "add", "-q", str(inner.folder), "sub")
    odd = os.fsencode(maker.folder) + b"/caf\xe9"
    Path(os.fsdecode(odd)).write_bytes(b"")
    maker.commit("More", {"a\nb": "x", "-dash": "y"})
    with opened(str(maker.folder)) as repository:
        entries = {entry.path: entry for entry in repository.tree(repository.resolve())}
    assert list(entries) == sorted(entries, key=os.fsencode)
    assert entries["rows.py"].size == len(CODE)
    assert (entries["link"].mode, entries["sub"].mode, entries["sub"].size) == (SYMLINK, SUBMODULE, 0)
    assert {path for path in entries if odd_path(path)} == {"a\nb", "caf\udce9"}


def test_contents_are_read_by_id(tmp_path: Path) -> None:
    """A content is read whole; a missing one, one that is too large, and a tree are told apart, and reading goes on."""
    maker = started(tmp_path / "repo")
    with opened(str(maker.folder)) as repository, repository.objects() as objects:
        entry = next(entry for entry in repository.tree(repository.resolve()) if entry.path == "rows.py")
        tree = maker.git("rev-parse", "HEAD^{tree}").decode().strip()
        for object_id, largest, words in (
            ("0" * 40, 100, "missing object"),
            (entry.object_id, len(CODE) - 1, "file too large"),
            (tree, 1000, "no file"),
        ):
            with pytest.raises(UnreadableError, match=words):
                objects.read(object_id, largest)
            assert objects.read(entry.object_id) == CODE.encode()


def test_a_corrupt_content_does_not_end_the_reading(tmp_path: Path) -> None:
    """The process that dies of a corrupt object is replaced."""
    maker = started(tmp_path / "repo")
    whole, broken = (
        maker.git("rev-parse", f"HEAD:{name}").decode().strip() for name in ("LICENSE", "rows.py")
    )
    path = maker.folder / ".git" / "objects" / broken[:2] / broken[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:20])
    with opened(str(maker.folder)) as repository, repository.objects() as objects:
        with pytest.raises(UnreadableError):
            objects.read(broken)
        assert objects.read(whole).startswith(b"MIT License")


def test_a_revision_is_a_branch_a_tag_or_an_id(tmp_path: Path) -> None:
    """Branches, remote branches, tags (annotated, too) and short ids resolve to a commit; a file's id does not."""
    maker = started(tmp_path / "repo")
    commit = maker.git("rev-parse", "HEAD").decode().strip()
    maker.git("tag", "-a", "v1", "-m", "one")
    maker.git("update-ref", "refs/remotes/origin/topic", commit)
    maker.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/topic")
    with opened(str(maker.folder)) as repository:
        for revision in ("HEAD", "main", "v1", "origin/topic", commit[:8]):
            assert repository.resolve(revision) == commit
        assert repository.branches() == {"main": commit, "remotes/origin/topic": commit}
        with pytest.raises(InputError, match="branches here: main"):
            repository.resolve("HEAD:rows.py")


def test_the_only_branch_counts_where_head_names_nothing(tmp_path: Path) -> None:
    """A bundle of one branch has no HEAD and needs no option; one of two branches says what to choose from."""
    maker = started(tmp_path / "repo")
    bundle = tmp_path / "repo.bundle"
    maker.git("bundle", "create", "-q", str(bundle), "main")
    with opened(str(bundle)) as repository:
        assert repository.resolve() == maker.git("rev-parse", "HEAD").decode().strip()
    maker.git("branch", "side")
    maker.git("bundle", "create", "-q", str(bundle), "main", "side")
    with opened(str(bundle)) as repository, pytest.raises(InputError, match="branches here: main, side"):
        repository.resolve()


def test_a_repository_with_sha256_can_be_read(tmp_path: Path) -> None:
    """The other hash that git knows makes no difference."""
    (tmp_path / "repo").mkdir()
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(tmp_path / "repo")], check=True)
    (tmp_path / "repo" / "x").write_bytes(b"x\n")
    for command in (["add", "x"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", str(tmp_path / "repo"), *command], check=True)
    with opened(str(tmp_path / "repo")) as repository, repository.objects() as objects:
        (entry,) = repository.tree(repository.resolve())
        assert len(entry.object_id) == 64
        assert objects.read(entry.object_id) == b"x\n"


def test_the_repository_is_not_written_to(tmp_path: Path) -> None:
    """Opening and reading changes no file of the repository, and works without the right to write."""
    maker = started(tmp_path / "repo")
    before = {path: path.stat().st_mtime_ns for path in maker.folder.rglob("*")}
    with opened(str(maker.folder)) as repository:
        assert list(repository.tree(repository.resolve()))
    assert {path: path.stat().st_mtime_ns for path in maker.folder.rglob("*")} == before


def test_names_are_the_last_part_of_the_path(tmp_path: Path) -> None:
    """`.git` and `.bundle` are no part of a name; alike names get the folder above; twice the same is refused."""
    assert [name_of(place) for place in ("/x/app", "/x/app/.git", "/x/app.git", "/x/app.bundle")] == [
        "app"
    ] * 4
    assert names_of(["/a/app", "/b/app.git", "/c/tool"]) == ["a/app", "b/app", "tool"]
    with pytest.raises(UsageError, match="given twice"):
        names_of(["/a/app", "/a/../a/app"])
    with pytest.raises(UsageError, match="would both be called a/app"):
        names_of(["/x/a/app", "/y/a/app"])
    assert is_repository(str(Maker(tmp_path / "repo").folder))
    assert not is_repository(str(tmp_path))
