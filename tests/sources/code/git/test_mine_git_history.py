"""What history is walked, in which order, and what an example says of its origin."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.sources.code.git.repositories import (
    CODE,
    FIX_SUBJECT,
    FIXED,
    by_kind,
    dropped,
    mined,
    read,
    run,
    started,
)

TOTALS = FIXED.replace("result = 0", "result = rows[0] * 0 if rows else 0")


def test_an_example_says_where_it_comes_from(tmp_path: Path) -> None:
    """`meta` names the repository, commit, paths, hashed author, time, class, license and id; every value is set."""
    maker = started(tmp_path / "repo")
    commit = maker.commit(FIX_SUBJECT + " (#3)\n\nCloses #2", {"rows.py": FIXED, "test_rows.py": "X = 1\n"})
    examples, _ = mined(tmp_path / "repo")
    assert [example["meta"]["kind"] for example in examples] == ["patch", "edit", "message"]
    author = hashlib.sha256(b"ada@example.org").hexdigest()[:16]
    for example in examples:
        meta = example["meta"]
        kind = meta["kind"]
        assert meta == {
            "source": "git",
            "repo": "repo",
            "commit": commit,
            "path": "rows.py",
            "paths": ["rows.py", "test_rows.py"],
            "author": author,
            "date": meta["date"],
            "class": "fix",
            "license": "MIT",
            "kind": kind,
            "id": f"git:repo:{commit}:{kind}",
        }
        assert meta["date"].startswith("2023-11-14T22:")
        assert "Ada" not in json.dumps(example)
        assert [message["role"] for message in example["messages"]] == ["system", "user", "assistant"]
    assert examples[2]["messages"][2]["content"] == FIX_SUBJECT


def test_the_same_change_is_used_once(tmp_path: Path) -> None:
    """A fix that was brought to another branch, or that a fork holds, is used once: the newest of the first place."""
    maker = started(tmp_path / "repo")
    maker.commit("Add a list of names", {"names.py": CODE.replace("first", "name_of")})
    maker.git("checkout", "-q", "-b", "old")
    maker.commit("Say more of the list", {"README.md": "A list.\n", "rows.py": f"# Old\n{CODE}"})
    maker.commit(f"{FIX_SUBJECT} in old ones", {"rows.py": f"# Old\n{FIXED}"})
    maker.git("checkout", "-q", "main")
    newest = maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    maker.git("clone", "-q", "--bare", ".", str(tmp_path / "fork.git"))
    examples, report = mined(tmp_path / "repo", tmp_path / "fork.git", "--all-branches")
    assert {example["meta"]["commit"] for example in examples} == {newest}
    assert {example["meta"]["repo"] for example in examples} == {"repo"}
    assert dropped(report)["same change as another commit"] == 1


def test_a_key_makes_other_hashes_of_authors(tmp_path: Path) -> None:
    """Under a key nobody can try addresses; the mailmap joins the addresses of one person."""
    maker = started(tmp_path / "repo")
    maker.commit("Set the stage", {".mailmap": "Ada <ada@example.org> <OLD@example.org>\n"})
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED}, "A <old@example.org>")
    maker.commit("Fix wrong total of an empty list", {"rows.py": TOTALS})
    plain = {example["meta"]["author"] for example in mined(tmp_path / "repo")[0]}
    assert plain == {hashlib.sha256(b"ada@example.org").hexdigest()[:16]}
    (tmp_path / "key").write_bytes(b"0123456789abcdef")
    keyed = {
        example["meta"]["author"]
        for example in mined(tmp_path / "repo", "--pseudonymize", tmp_path / "key")[0]
    }
    assert len(keyed) == 1
    assert keyed != plain


def test_every_form_of_a_repository_gives_the_same(tmp_path: Path) -> None:
    """A working tree, its `.git`, a bare one, a mirror, a linked worktree and a bundle give the same bytes."""
    maker = started(tmp_path / "repo")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    (tmp_path / "bare").mkdir()
    maker.git("clone", "-q", "--mirror", ".", str(tmp_path / "bare" / "repo.git"))
    maker.git("bundle", "create", "-q", str(tmp_path / "repo.bundle"), "main", "HEAD")
    maker.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked" / "repo"))
    places = [
        maker.folder,
        maker.folder / ".git",
        tmp_path / "bare" / "repo.git",
        tmp_path / "repo.bundle",
        tmp_path / "linked" / "repo",
    ]
    outputs = []
    for number, place in enumerate(places):
        assert run(place, "--out", tmp_path / f"{number}.jsonl").exit_code == 0
        outputs.append((tmp_path / f"{number}.jsonl").read_bytes())
    assert len(set(outputs)) == 1
    assert outputs[0]


def test_several_repositories_stand_in_the_order_given(tmp_path: Path) -> None:
    """Examples come repository by repository, newest commit first; alike names get their folder in front."""
    for folder in ("b", "a"):
        maker = started(tmp_path / folder / "app")
        test = {f"test_{folder}.py": "X = 1\n"}
        maker.commit(FIX_SUBJECT, {"rows.py": FIXED, **test})
        maker.commit(
            "Fix wrong total of an empty list", {"rows.py": TOTALS, f"test_more_{folder}.py": "X = 1\n"}
        )
    out = tmp_path / "out.jsonl"
    assert (
        run(tmp_path / "b" / "app", tmp_path / "a" / "app", "--out", out, "--kinds", "message").exit_code == 0
    )
    found = [(example["meta"]["repo"], example["messages"][2]["content"]) for example in read(out)]
    said = ["Fix wrong total of an empty list", FIX_SUBJECT]
    assert found == [(repo, text) for repo in ("b/app", "a/app") for text in said]
    twice = run(tmp_path / "a" / "app", tmp_path / "a" / "app" / ".." / "app", "--out", out)
    assert twice.exit_code == 2
    assert "given twice" in twice.output


def test_branches_and_times_choose_commits(tmp_path: Path) -> None:
    """`--branch`, `--all-branches`, `--since` and `--until` choose; what is outside is counted."""
    maker = started(tmp_path / "repo")
    maker.git("switch", "-q", "-c", "side")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    maker.git("switch", "-q", "main")
    maker.commit("Fix wrong total of an empty list", {"rows.py": CODE.replace("result = 0", "result = 0.0")})
    subjects = {}
    for name, options in {
        "head": (),
        "side": ("--branch", "side"),
        "all": ("--all-branches",),
        "late": ("--all-branches", "--since", "2023-11-14T22:21:00"),
        "early": ("--all-branches", "--until", "2023-11-14T22:21:00Z"),
    }.items():
        examples, report = mined(tmp_path / "repo", *options)
        subjects[name] = {example["messages"][2]["content"] for example in by_kind(examples, "message")}
        if name in ("late", "early"):
            assert dropped(report)["outside the window"] >= 1
    side, main = {FIX_SUBJECT}, {"Fix wrong total of an empty list"}
    assert subjects == {"head": main, "side": side, "all": side | main, "late": main, "early": side}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--branch", "absent"), "no branch, tag or commit 'absent'; branches here: main"),
        (("--branch", "--all"), "no branch, tag or commit '--all'"),
    ],
)
def test_a_missing_branch_is_named_with_those_that_are_there(
    options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    """A branch that is not there is named beside those that are; a dash in front makes no option of it."""
    result = run(started(tmp_path / "repo").folder, "--out", tmp_path / "out.jsonl", *options)
    assert result.exit_code == 1
    assert words in result.output


def test_merges_are_counted(tmp_path: Path) -> None:
    """Merges are dropped and counted, and all commits together are as many as git counts."""
    maker = started(tmp_path / "repo")
    maker.git("switch", "-q", "-c", "side")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    maker.git("switch", "-q", "main")
    maker.git("merge", "-q", "--no-ff", "-m", "Merge branch side", "side")
    _, report = mined(tmp_path / "repo")
    assert dropped(report) == {"merge": 1, "initial import": 1}
    assert report["repositories"][0]["seen"] == report["repositories"][0]["rev_list_count"] == 3


def test_encodings_of_messages_are_read(tmp_path: Path) -> None:
    """A message in a declared encoding and one in an undeclared old one come out as text."""
    maker = started(tmp_path / "repo")
    latin = "Fix crash of caf\xe9 on an empty list".encode("latin-1")
    maker.commit(latin, {"rows.py": FIXED}, "Ada <ada@example.org>", "-c", "i18n.commitEncoding=ISO-8859-1")
    maker.commit(latin.replace(b"crash", b"panic"), {"rows.py": TOTALS})
    messages = by_kind(mined(tmp_path / "repo")[0], "message")
    said = [example["messages"][2]["content"] for example in messages]
    assert said == ["Fix panic of caf\xe9 on an empty list", "Fix crash of caf\xe9 on an empty list"]


def test_an_author_can_be_held_to_a_share(tmp_path: Path) -> None:
    """`--max-per-author` uses the newest commits of each author, over all repositories."""
    maker = started(tmp_path / "repo")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    newest = maker.commit("Fix wrong total of an empty list", {"rows.py": TOTALS})
    examples, report = mined(tmp_path / "repo", "--max-per-author", "1")
    assert {example["meta"]["commit"] for example in examples} == {newest}
    assert dropped(report)["author's share is full"] == 1


def test_diffs_without_content_are_dropped(tmp_path: Path) -> None:
    """Layout, comments, moved lines and renames alone are no fix, whatever the message says."""
    maker = started(tmp_path / "repo")
    moved = "Y = 2\nX = 1\n" + CODE
    shapes: dict[str, tuple[dict[str, str], dict[str, str | None]]] = {
        "formatting only": ({"rows.py": CODE}, {"rows.py": CODE.replace("rows[0]", "rows[ 0 ]")}),
        "comments only": ({"rows.py": CODE}, {"rows.py": CODE.replace("def total", "# Sums up.\ndef total")}),
        "nothing but moved lines": ({"rows.py": "X = 1\nY = 2\n" + CODE}, {"rows.py": moved}),
        "nothing but renames and modes": ({"rows.py": CODE}, {"rows.py": None, "lines.py": CODE}),
    }
    ids = {}
    for name, (before, after) in shapes.items():
        maker.commit("wip", before)
        ids[name] = maker.commit("Fix wrong result of total", after)
    _, report = mined(tmp_path / "repo")
    samples = report["repositories"][0]["commits"]["samples"]
    for name, commit in ids.items():
        assert samples[name] == [f"repo@{commit[:12]}"], name


@pytest.mark.parametrize(
    ("subject", "files", "expected"),
    [
        ("Fix crash of first on an empty list", {"rows.py": FIXED}, "fix"),
        ("feat: guard the first row of a list", {"rows.py": FIXED}, "feature"),
        (
            "Add a last function to the module",
            {"rows.py": CODE + "\n\ndef last(rows):\n    return rows[-1]\n"},
            "feature",
        ),
        ("Allow an empty list of rows", {"rows.py": FIXED, "test_rows.py": "X = 1\n"}, "feature"),
        ("Allow an empty list of rows", {"rows.py": FIXED}, None),
        (
            "Return nothing for an empty list\n\nCloses #4",
            {"rows.py": FIXED, "test_rows.py": "X = 1\n"},
            "fix",
        ),
        ("Return nothing for an empty list (#4)", {"rows.py": FIXED, "test_rows.py": "X = 1\n"}, None),
        ("Rename the variable of total", {"rows.py": CODE.replace("result", "summed")}, None),
        ("Add a note to the license header", {"rows.py": FIXED}, None),
    ],
)
def test_classes_follow_message_and_diff(
    subject: str, files: dict[str, str], expected: str | None, tmp_path: Path
) -> None:
    """A commit is a fix, a feature, or neither: by its claim, and by tests, definitions and closed issues."""
    maker = started(tmp_path / "repo")
    maker.commit(subject, files)
    examples, report = mined(tmp_path / "repo")
    assert {example["meta"]["class"] for example in examples} == ({expected} if expected else set())
    assert dropped(report).get("neither a fix nor a feature", 0) == (expected is None)


def test_a_bundle_without_a_head_needs_a_branch(tmp_path: Path) -> None:
    """A bundle of two branches without a HEAD needs one named, and says which there are; of one, that is walked."""
    maker = started(tmp_path / "repo")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    maker.git("branch", "other")
    maker.git("branch", "third")
    maker.git("bundle", "create", "-q", str(tmp_path / "one.bundle"), "other")
    maker.git("bundle", "create", "-q", str(tmp_path / "x.bundle"), "other", "third")
    assert run(tmp_path / "one.bundle", "--out", tmp_path / "out.jsonl").exit_code == 0
    result = run(tmp_path / "x.bundle", "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert "other" in result.output
    assert run(tmp_path / "x.bundle", "--branch", "other", "--out", tmp_path / "out.jsonl").exit_code == 0
