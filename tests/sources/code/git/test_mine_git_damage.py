"""Damaged, partial and hostile repositories: a clear message or a counted skip, and the walk goes on."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sources.code.git.repositories import (
    CODE,
    FIX_SUBJECT,
    FIXED,
    Maker,
    by_kind,
    dropped,
    mined,
    read,
    run,
    started,
)

GUARDED = CODE.replace("result = 0", "result = rows[0] * 0 if rows else 0")


def two_fixes(folder: Path) -> tuple[Maker, str, str]:
    """Make a repository with two fixes; return their ids."""
    maker = started(folder)
    first = maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    second = maker.commit(
        "Fix wrong type of total for floats", {"rows.py": GUARDED.replace(CODE[:20], FIXED[:20])}
    )
    return maker, first, second


def damage(maker: Maker, what: str) -> None:
    """Write garbage over a loose object."""
    name = maker.git("rev-parse", what).decode().strip()
    path = maker.folder / ".git" / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"this is no zlib stream")


def test_a_corrupt_file_is_counted_and_the_walk_goes_on(tmp_path: Path) -> None:
    """A commit whose file can't be unpacked is bad, with its id; the commits around it give examples."""
    maker, first, second = two_fixes(tmp_path / "repo")
    third = maker.commit(
        "Fix missing name of the module", {"name.py": "NAME = 'rows'\n", "rows.py": "X = 1\n" + FIXED}
    )
    damage(maker, f"{second}:rows.py")
    examples, report = mined(tmp_path / "repo")
    assert dropped(report)["missing or corrupt object"] == 2  # the third has it as its before
    assert {example["meta"]["commit"] for example in examples} == {first}
    samples = report["repositories"][0]["commits"]["samples"]["missing or corrupt object"]
    assert samples == [f"repo@{third[:12]}", f"repo@{second[:12]}"]
    assert report["repositories"][0]["seen"] == report["repositories"][0]["rev_list_count"] == 4


def test_a_corrupt_tree_is_counted_and_the_walk_goes_on(tmp_path: Path) -> None:
    """A commit whose list of files can't be unpacked is bad; older and newer commits are still walked."""
    maker, first, second = two_fixes(tmp_path / "repo")
    for number in range(3):
        maker.commit(f"Fix wrong number {number} in the module", {"rows.py": f"X = {number}\n" + FIXED})
    damage(maker, f"{second}^{{tree}}")
    examples, report = mined(tmp_path / "repo")
    assert dropped(report)["unreadable commit"] == 2
    commits = {example["meta"]["commit"] for example in examples}
    assert first in commits
    assert len(commits) == 3
    assert report["repositories"][0]["seen"] == report["repositories"][0]["rev_list_count"] == 6


def test_a_corrupt_commit_cuts_the_history_and_says_so(tmp_path: Path) -> None:
    """What lies behind a commit that can't be read is out of reach; what lies before it is mined, with a warning."""
    maker, first, _ = two_fixes(tmp_path / "repo")
    third = maker.commit("Fix wrong name of the module", {"rows.py": "NAME = 1\n" + GUARDED})
    damage(maker, first)
    result = run(tmp_path / "repo", "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 0, result.output
    assert "could not list all commits" in result.output
    assert {example["meta"]["commit"] for example in read(tmp_path / "out.jsonl")} == {third}


def test_a_partial_clone_fetches_nothing(tmp_path: Path) -> None:
    """In a clone without file contents, commits whose contents are missing are counted, and nothing is fetched."""
    maker, _, _ = two_fixes(tmp_path / "origin")
    maker.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--filter=blob:none", f"file://{maker.folder}", str(clone)], check=True
    )
    before = sorted((clone / ".git" / "objects").rglob("*"))
    examples, report = mined(clone)
    assert sorted((clone / ".git" / "objects").rglob("*")) == before
    assert dropped(report)["missing or corrupt object"] >= 1
    assert report["repositories"][0]["seen"] == report["repositories"][0]["rev_list_count"] == 3
    assert not [
        example for example in examples if example["meta"]["commit"] == maker.git("rev-parse", "HEAD^")
    ]


def test_a_shallow_clone_is_mined_as_far_as_it_goes(tmp_path: Path) -> None:
    """The commit where a shallow clone is cut off is no import of all files, but counted as cut off."""
    maker, _, second = two_fixes(tmp_path / "origin")
    maker.commit("Fix wrong name of the module", {"rows.py": "NAME = 1\n" + GUARDED})
    subprocess.run(
        ["git", "clone", "-q", "--depth=2", f"file://{maker.folder}", str(tmp_path / "clone")], check=True
    )
    examples, report = mined(tmp_path / "clone")
    assert report["repositories"][0]["shallow"] is True
    assert dropped(report) == {"history is cut off here": 1}
    assert second not in {example["meta"]["commit"] for example in examples}
    assert by_kind(examples, "patch")


def test_a_clone_without_trees_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git can't show commit after commit, the message says what kind of clone this must be."""
    maker, _, _ = two_fixes(tmp_path / "origin")
    for number in range(4):
        maker.commit(f"Fix wrong number {number} in the module", {"rows.py": f"X = {number}\n" + FIXED})
    for revision in ("HEAD~1", "HEAD~2", "HEAD~3"):
        damage(maker, f"{revision}^{{tree}}")
    monkeypatch.setattr("turnsmith.sources.code.git.history.MOST_BROKEN_IN_A_ROW", 2)
    result = run(maker.folder, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert "--filter=tree:0" in result.output
    assert not (tmp_path / "out.jsonl").exists()


def test_settings_and_hooks_of_a_repository_do_nothing(tmp_path: Path) -> None:
    """No program that the repository's configuration or attributes name is run, and its settings change no diff."""
    maker, _, _ = two_fixes(tmp_path / "repo")
    calm, _ = mined(tmp_path / "repo")
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n", encoding="utf-8")
    trap.chmod(0o755)
    for key in (
        "diff.external",
        "core.fsmonitor",
        "core.pager",
        "gpg.program",
        "diff.trap.textconv",
        "core.sshCommand",
    ):
        maker.git("config", key, str(trap))
    for key, value in {
        "log.showSignature": "true",
        "diff.noprefix": "true",
        "diff.context": "0",
        "color.ui": "always",
        "diff.renames": "false",
        "core.quotePath": "true",
        "core.hooksPath": str(tmp_path),
    }.items():
        maker.git("config", key, value)
    (maker.folder / ".git" / "info" / "attributes").write_text(
        "*.py diff=trap filter=trap\n", encoding="utf-8"
    )
    hostile, _ = mined(tmp_path / "repo")
    assert hostile == calm
    assert not (tmp_path / "sprung").exists()


def test_odd_entries_are_left_out(tmp_path: Path) -> None:
    """Submodules, symbolic links, binary files and paths with a line end are left out; the rest of the commit stays."""
    inner = started(tmp_path / "inner")
    maker = started(tmp_path / "repo")
    maker.git("submodule", "add", "-q", str(inner.folder), "sub")
    (maker.folder / "link.py").symlink_to("rows.py")
    files: dict[str, str | bytes | None] = {
        "two\nlines.py": "X = 1\n",
        'quoted".py': "X = 1\n",
        "data.py": b"X = '\0'\n",
        "package-lock.json": "{}\n",
        "vendor/x.py": "X = 1\n",
        "rows.py": FIXED,
    }
    maker.commit(FIX_SUBJECT, files)
    examples, report = mined(tmp_path / "repo")
    (patch,) = by_kind(examples, "patch")
    assert patch["meta"]["paths"] == ["rows.py"]
    notes = report["repositories"][0]["commits"]["notes"]
    assert notes == {
        "file left out: binary": 1,
        "file left out: lock file": 1,
        "file left out: odd path": 2,
        "file left out: submodule": 2,  # .gitmodules, too
        "file left out: symbolic link": 1,
        "file left out: vendored": 1,
    }


def test_files_that_are_no_utf8_drop_the_commit(tmp_path: Path) -> None:
    """A commit that changes a file in another encoding is dropped under that reason."""
    maker = started(tmp_path / "repo")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED.encode() + b"# caf\xe9\n"})
    examples, report = mined(tmp_path / "repo")
    assert examples == []
    assert dropped(report)["not UTF-8"] == 1


def cut_bundle(folder: Path) -> Path:
    """Make the first half of a bundle."""
    maker = started(folder / "repo")
    maker.git("bundle", "create", "-q", str(folder / "whole"), "main")
    content = (folder / "whole").read_bytes()
    (folder / "cut.bundle").write_bytes(content[: len(content) // 2])
    return folder / "cut.bundle"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "absent", "no such file or folder"),
        (lambda folder: folder, "no git repository"),
        (lambda folder: Maker(folder / "empty").folder, "the repository is empty"),
        (cut_bundle, "can't be read as a git bundle"),
    ],
    ids=["absent", "plain folder", "empty", "cut bundle"],
)
def test_what_is_no_repository_is_named(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    """An absent path, a plain folder, an empty repository, a cut bundle: one sentence, exit code 1, no file."""
    result = run(make(tmp_path), "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert words in result.output
    assert not (tmp_path / "out.jsonl").exists()
