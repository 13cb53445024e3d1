"""The command: what it prints, writes, refuses, and how it stops."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sources.code.git.repositories import (
    CODE,
    FIX_SUBJECT,
    FIXED,
    MIT,
    by_kind,
    mined,
    read,
    run,
    started,
)


def fixed(folder: Path) -> Path:
    """Make a repository with one fix."""
    maker = started(folder)
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    return maker.folder


def test_the_funnel_counts_every_commit_once(tmp_path: Path) -> None:
    """The table and the report account for all commits, and the examples in the file are those that were counted."""
    repository = fixed(tmp_path / "repo")
    report = tmp_path / "report.json"
    result = run(repository, "--out", tmp_path / "out.jsonl", "--report", report)
    assert result.exit_code == 0
    assert "Where every commit went" in result.output
    told = json.loads(report.read_text(encoding="utf-8"))
    (one,) = told["repositories"]
    account = one["commits"]
    assert account["read"] == account["kept"] + sum(account["dropped"].values()) == 2
    assert told["examples"] == {"edit": 1, "message": 1, "patch": 1}
    assert told["written"] == len(read(tmp_path / "out.jsonl")) == 3
    assert one["license"]["expression"] == "MIT"
    assert one["license"]["file"] == "LICENSE"


def test_examples_and_report_need_a_file_each(tmp_path: Path) -> None:
    """The report never takes the place of the examples."""
    made = run(fixed(tmp_path / "repo"), "--out", tmp_path / "a.json", "--report", tmp_path / "a.json")
    assert made.exit_code == 2
    assert "need a file each" in " ".join(made.output.split())
    assert not (tmp_path / "a.json").exists()


def test_json_is_one_object_for_machines(tmp_path: Path) -> None:
    """`--json` prints the report; beside examples on standard output it goes to standard error."""
    repository = fixed(tmp_path / "repo")
    told = json.loads(run(repository, "--out", tmp_path / "out.jsonl", "--json").stdout)
    assert told["written"] == 3
    both = run(repository, "--out", "-", "--json")
    assert both.stdout.encode() == (tmp_path / "out.jsonl").read_bytes()
    assert json.loads(both.stderr)["written"] == 3


def test_outputs_are_packed_by_their_suffix_and_stay_the_same(tmp_path: Path) -> None:
    """The same repository gives the same bytes, packed or not, whatever the caller's git settings are."""
    repository = fixed(tmp_path / "repo")
    for name in ("a.jsonl", "b.jsonl", "c.jsonl.gz", "d.jsonl.gz"):
        assert run(repository, "--out", tmp_path / name).exit_code == 0
    plain = (tmp_path / "a.jsonl").read_bytes()
    assert (tmp_path / "b.jsonl").read_bytes() == plain
    assert gzip.decompress((tmp_path / "c.jsonl.gz").read_bytes()) == plain
    assert (tmp_path / "d.jsonl.gz").read_bytes() == (tmp_path / "c.jsonl.gz").read_bytes()


def test_a_license_that_is_not_allowed_writes_nothing(tmp_path: Path) -> None:
    """A repository under another license, or none, is left out with its verdict; alone it is a failure."""
    repository = fixed(tmp_path / "repo")
    denied = run(repository, "--out", tmp_path / "out.jsonl", "--allow", "Apache-2.0")
    assert denied.exit_code == 1
    assert "license not allowed: MIT by LICENSE" in denied.output
    assert not (tmp_path / "out.jsonl").exists()
    maker = started(tmp_path / "bare")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED, "LICENSE": None})
    unknown = run(maker.folder, "--out", tmp_path / "out.jsonl")
    assert unknown.exit_code == 1
    assert "license unknown" in unknown.output
    warned = run(maker.folder, "--out", tmp_path / "out.jsonl", "--unknown", "warn")
    assert warned.exit_code == 0
    assert "its license is unknown" in warned.output
    both = run(maker.folder, repository, "--out", tmp_path / "out.jsonl")
    assert both.exit_code == 0
    assert {example["meta"]["repo"] for example in read(tmp_path / "out.jsonl")} == {"repo"}


def test_a_folder_under_another_license_drops_its_commits(tmp_path: Path) -> None:
    """A commit that changes a file under a license that is not allowed is dropped, by folder or by header."""
    maker = started(tmp_path / "repo")
    header = "# SPDX-License-Identifier: GPL-3.0-only\n"
    maker.commit(
        "wip", {"gpl.py": header + CODE, "other/LICENSE": MIT.replace("MIT License", "Nobody may use this")}
    )
    maker.commit(FIX_SUBJECT, {"gpl.py": header + FIXED})
    examples, report = mined(tmp_path / "repo")
    assert examples == []
    assert report["repositories"][0]["commits"]["dropped"]["file: license not allowed"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kinds", "poems"), "poems: not known; choose from patch, edit, message, review"),
        (("--kinds", ","), "name one or more"),
        (("--since", "yesterday"), "'yesterday' is no date or time such as 2024-01-31"),
        (("--since", "2024-02-01", "--until", "2024-01-01"), "is not before"),
        (("--allow", "My License"), "no SPDX license id"),
        (("--unknown", "maybe"), "neither deny nor warn"),
        (("--max-tokens", "100", "--tokenizer", "absent.json"), "no such file"),
        (("--pseudonymize", "absent"), "can't be read"),
    ],
)
def test_wrong_options_are_usage_errors(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    """A wrong value is named with what would be right, before a repository is opened; exit code 2."""
    result = run(tmp_path / "absent", "--out", tmp_path / "out.jsonl", *options)
    assert result.exit_code == 2
    assert words in result.output


def test_budgets_hold(tmp_path: Path) -> None:
    """No example is longer than `--max-chars` or `--max-tokens`; what does not fit is counted."""
    maker = started(tmp_path / "repo")
    for number in range(1, 12):
        lines = "".join(f"    result += rows[{index}] * {number}\n" for index in range(number * 8))
        maker.commit(
            f"Fix wrong result of version {number} of this function",
            {"rows.py": f"def total(rows):\n{lines}"},
        )
    examples, report = mined(tmp_path / "repo", "--max-chars", "3000")
    sizes = [sum(len(message["content"]) for message in example["messages"]) for example in examples]
    assert sizes
    assert max(sizes) <= 3000
    assert report["not_built"]
    fewer, _ = mined(tmp_path / "repo", "--max-tokens", "300")
    assert 0 < len(fewer) < len(examples)


def test_reviews_come_from_hindsight(tmp_path: Path) -> None:
    """A later commit that names an earlier one and says why becomes the review of that one; others do not."""
    maker = started(tmp_path / "repo")
    culprit = maker.commit("Allow an empty list of rows", {"rows.py": FIXED, "test_rows.py": "X = 1\n"})
    why = "Callers index the result of first, and None has no index."
    maker.commit(
        f'Revert "Allow an empty list of rows"\n\nThis reverts commit {culprit}.\n\n{why}', {"rows.py": CODE}
    )
    maker.commit(f"Revert it again here\n\nThis reverts commit {culprit}.", {"rows.py": FIXED})
    examples, _ = mined(tmp_path / "repo", "--kinds", "review")
    (review,) = examples
    assert review["meta"]["commit"] == culprit
    assert review["messages"][2]["content"].endswith(why)
    assert "return rows[0] if rows else None" in review["messages"][1]["content"]
    assert by_kind(mined(tmp_path / "repo")[0], "review") == []


def test_a_stopped_run_leaves_nothing(tmp_path: Path) -> None:
    """A polite kill in the middle ends with a sentence, and neither the file, a part of it, nor a process stays."""
    maker = started(tmp_path / "repo")
    for number in range(25):
        maker.commit(
            f"Fix wrong number {number} in the module", {"rows.py": f"X = {number}\n" + FIXED * 1000}
        )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [
        sys.executable,
        "-m",
        "turnsmith",
        "mine",
        "git",
        str(maker.folder),
        "--out",
        str(tmp_path / "out.jsonl"),
    ]
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(scratch)}, stderr=subprocess.PIPE)
    while not list(scratch.glob("*/borrowing.git/packed-refs")) and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.1)  # so that it has begun to walk
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    assert b"Nothing was written" in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repo", "scratch"]
    assert list(scratch.iterdir()) == []


def test_one_unreadable_repository_of_several_is_told(tmp_path: Path) -> None:
    """What is no repository stops a run only where it stands alone; else the others are mined, with a warning."""
    maker = started(tmp_path / "good")
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    (tmp_path / "bad").mkdir()
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    result = run(tmp_path / "bad", tmp_path / "good", "--out", out, "--report", report)
    assert result.exit_code == 0, result.output
    assert "bad: left out" in result.output
    assert "no git repository" in json.loads(report.read_bytes())["repositories"][0]["denied"]
    assert {example["meta"]["repo"] for example in read(out)} == {"good"}
    assert run(tmp_path / "bad", "--out", out).exit_code == 1


def test_nothing_left_leaves_no_file_and_an_old_one_as_it_was(tmp_path: Path) -> None:
    """Where every commit is dropped the exit code is 1, the rules that took most are named, and no file is written."""
    repository, out, report = (
        started(tmp_path / "repo").folder,
        tmp_path / "out.jsonl.gz",
        tmp_path / "r.json",
    )
    result = run(repository, "--out", out, "--report", report)
    assert result.exit_code == 1
    told = json.loads(report.read_text(encoding="utf-8"))
    (reason,) = told["repositories"][0]["commits"]["dropped"]
    assert f"left out were: {reason} (1)" in " ".join(result.stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json", "repo"]
    out.write_bytes(b"from before")
    assert run(repository, "--out", out).exit_code == 1
    assert out.read_bytes() == b"from before"
    assert str(out) not in result.stdout


def test_a_denied_license_is_named_where_nothing_is_left(tmp_path: Path) -> None:
    """A repository left out for its license is told in the error, with its reason."""
    result = run(fixed(tmp_path / "repo"), "--out", tmp_path / "out.jsonl", "--allow", "Apache-2.0")
    assert result.exit_code == 1
    assert "left out were: repo: " in " ".join(result.stderr.split())
    assert not (tmp_path / "out.jsonl").exists()
