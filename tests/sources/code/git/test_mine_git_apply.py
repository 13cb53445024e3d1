"""Answers of patch and edit examples give the files that the commit has."""

from pathlib import Path

import pytest

from tests.sources.code.git.applying import check_edit, check_patch
from tests.sources.code.git.repositories import (
    CODE,
    FIX_SUBJECT,
    FIXED,
    by_kind,
    git_clone,
    mined,
    read,
    run,
    started,
)

BUNDLES = Path(__file__).resolve().parents[5] / "shared" / "data" / "git"
REAL = sorted(BUNDLES.glob("*.bundle"))


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="the real histories of ../shared/data/git are absent")
@pytest.mark.parametrize("bundle", REAL, ids=lambda path: path.stem)
def test_answers_on_real_histories_apply(bundle: Path, tmp_path: Path) -> None:
    """Every patch and every edit of the real histories gives the commit's files, byte for byte."""
    assert run(bundle, "--out", tmp_path / "out.jsonl").exit_code == 0
    examples = read(tmp_path / "out.jsonl")
    repository = git_clone(bundle, tmp_path / "clone")
    patches, edits = by_kind(examples, "patch"), by_kind(examples, "edit")
    assert patches
    assert edits
    for number, example in enumerate(patches):
        folder = tmp_path / str(number)
        folder.mkdir()
        check_patch(repository, example, folder)
    for example in edits:
        check_edit(repository, example)


LONG = "".join(f"def f{number}(x):\n    y = x + {number}\n    return y\n\n\n" for number in range(60))
FENCES = 'X = """\n```\n````\n"""\n'
BREAKS = "\f\n# \x85 x\n"
LAST = "\n\ndef last(rows):\n    return rows[-1] if rows else None\n"
TEST = "from rows import first\n\nassert first([]) is None\n"


def with_cr(code: str) -> str:
    """Return code with one CR that ends no line."""
    return code.replace("result = 0", "result = 0\r")


Side = dict[str, str | None]
CASES: dict[str, tuple[Side, Side]] = {
    "plain": ({"rows.py": CODE}, {"rows.py": FIXED}),
    "no line end before": ({"rows.py": CODE.rstrip()}, {"rows.py": FIXED}),
    "no line end after": ({"rows.py": CODE}, {"rows.py": FIXED.rstrip()}),
    "no line end at all": ({"rows.py": CODE.rstrip()}, {"rows.py": FIXED.rstrip()}),
    "last line without its end": ({"rows.py": CODE.rstrip()}, {"rows.py": CODE.rstrip() + " or 0"}),
    "CRLF": ({"rows.py": CODE.replace("\n", "\r\n")}, {"rows.py": FIXED.replace("\n", "\r\n")}),
    "lone CR": ({"rows.py": with_cr(CODE)}, {"rows.py": with_cr(FIXED)}),
    "form feed and NEL": ({"rows.py": BREAKS + CODE}, {"rows.py": BREAKS + FIXED}),
    "fences in the code": ({"rows.py": FENCES + CODE}, {"rows.py": FENCES + FIXED}),
    "path with a space": ({"my rows.py": CODE}, {"my rows.py": FIXED}),
    "path in other letters": ({"zähler.py": CODE}, {"zähler.py": FIXED}),
    "renamed": ({"rows.py": CODE}, {"rows.py": None, "tools/rows.py": FIXED}),
    "new file": ({"rows.py": CODE}, {"rows.py": FIXED, "test_rows.py": TEST}),
    "deleted file": ({"rows.py": CODE, "old.py": "X = 1\n"}, {"rows.py": FIXED, "old.py": None}),
    "empty new file": ({"rows.py": CODE}, {"rows.py": FIXED, "pkg/__init__.py": ""}),
    "insertion at the top": ({"rows.py": CODE}, {"rows.py": "import os\n" + FIXED}),
    "insertion at the end": ({"rows.py": CODE}, {"rows.py": CODE + LAST}),
    "deletion in the middle": ({"rows.py": CODE}, {"rows.py": CODE.replace("    result = 0\n", "")}),
    "far apart": ({"rows.py": LONG}, {"rows.py": LONG.replace("+ 3\n", "- 3\n").replace("+ 55\n", "- 55\n")}),
    "all of it": ({"rows.py": CODE}, {"rows.py": "def first(rows):\n    yield from rows\n"}),
    "dash in front": ({"-rows.py": CODE}, {"-rows.py": FIXED}),
}


@pytest.mark.parametrize("name", CASES)
def test_answers_on_odd_files_apply(name: str, tmp_path: Path) -> None:
    """Line ends of all kinds, renames, new and deleted files, odd paths: what is written applies."""
    before, after = CASES[name]
    maker = started(tmp_path / "repo")
    maker.commit("Set the stage", {"rows.py": "X = 0\n"})
    maker.commit("Set the stage for the next", before)
    maker.commit(FIX_SUBJECT, after)
    examples, _ = mined(tmp_path / "repo")
    last = [example for example in examples if example["messages"][1]["content"].startswith(FIX_SUBJECT)]
    patches = by_kind(last, "patch")
    assert len(patches) == 1
    folder = tmp_path / "applied"
    folder.mkdir()
    check_patch(maker.folder, patches[0], folder)
    for example in by_kind(last, "edit"):
        check_edit(maker.folder, example)


def test_mode_changes_apply(tmp_path: Path) -> None:
    """A file that becomes executable while it is fixed is so after `git apply`, too."""
    maker = started(tmp_path / "repo")
    (maker.folder / "rows.py").chmod(0o755)
    maker.commit(FIX_SUBJECT, {"rows.py": FIXED})
    (example,) = by_kind(mined(tmp_path / "repo")[0], "patch")
    assert "old mode 100644\nnew mode 100755\n" in example["messages"][2]["content"]
    folder = tmp_path / "applied"
    folder.mkdir()
    check_patch(maker.folder, example, folder)
    assert (folder / "rows.py").stat().st_mode & 0o111


def test_code_before_is_cut_to_what_changes(tmp_path: Path) -> None:
    """The prompt shows the function that changes and not its sixty neighbors; a small budget shows less."""
    maker = started(tmp_path / "repo")
    maker.commit("Set the stage", {"rows.py": LONG})
    maker.commit("Fix the sum of f30", {"rows.py": LONG.replace("x + 30\n", "x - 30\n")})
    wide = by_kind(mined(tmp_path / "repo")[0], "patch")[0]["messages"][1]["content"]
    assert "lines 148-156 of 300" in wide or "def f30" in wide
    assert "def f27" not in wide
    assert "def f33" not in wide
    long = "".join(f"    y = x + {number}\n" for number in range(100))
    maker.commit("Set the stage", {"rows.py": f"def long(x):\n{long}    return y\n"})
    maker.commit(
        "Fix the sum of long", {"rows.py": f"def long(x):\n{long.replace('+ 50', '- 50')}    return y\n"}
    )
    roomy = by_kind(mined(tmp_path / "repo")[0], "patch")[0]["messages"][1]["content"]
    tight = by_kind(mined(tmp_path / "repo", "--max-chars", "900")[0], "patch")[0]["messages"][1]["content"]
    assert "x + 99" in roomy
    assert "x + 99" not in tight
    assert "x + 50" in tight
