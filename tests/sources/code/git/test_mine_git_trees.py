"""Trees made of a neighbor's are those of a fresh parse; definitions begin and end where they should."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.code.git.repositories import git_clone
from turnsmith.sources.code.git.definitions import Definitions
from turnsmith.sources.code.git.patches import lines_of
from turnsmith.sources.code.git.trees import KEPT_BYTES, Trees, edits_between

BUNDLE = Path(__file__).resolve().parents[5] / "shared" / "data" / "git" / "cobra.bundle"
PIECES = st.sampled_from(
    [b"def f(x):\n", b"    return x + 1\n", b"}\n", b"\n", b"x = 1", b"# a longer line of text\n", b"("]
)
TEXTS = st.lists(PIECES, max_size=60).map(b"".join)


@given(TEXTS, TEXTS)
def test_edits_make_the_new_text_of_the_old(old: bytes, new: bytes) -> None:
    """Last first, the edits turn one text into the other, with bytes, rows and columns that agree."""
    text = old
    inserted = new
    for start, old_end, new_end, start_point, old_point, new_point in edits_between(old, new):
        tail = len(text) - old_end
        kept = inserted[len(inserted) - tail - (new_end - start) : len(inserted) - tail]
        text = text[:start] + kept + text[old_end:]
        assert start_point == point(old, start)
        assert old_point == point(old, old_end)
        assert new_point == point(text, new_end)
    assert text == new


def point(content: bytes, position: int) -> tuple[int, int]:
    """Return row and column of a position, the slow and plain way."""
    lines = content[:position].split(b"\n")
    return len(lines) - 1, len(lines[-1])


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_a_neighbors_tree_becomes_that_of_a_fresh_parse(versions: list[bytes]) -> None:
    """Version after version, also of broken code, gives the tree that it has alone."""
    trees = Trees()
    for version in versions:
        near, fresh = trees.parse("a.py", version), Trees().parse("a.py", version)
        assert near is not None
        assert fresh is not None
        assert str(near[1].root_node) == str(fresh[1].root_node)


@pytest.mark.slow
@pytest.mark.skipif(not BUNDLE.is_file(), reason="the real histories of ../shared/data/git are absent")
def test_a_real_history_gives_the_trees_of_fresh_parses(tmp_path: Path) -> None:
    """The last 60 versions of cobra's largest file, newest first, have the trees that each has alone."""
    import subprocess

    clone = git_clone(BUNDLE, tmp_path / "clone")
    asked = ["git", "-C", str(clone), "log", "--format=%H", "-60", "--", "command.go"]
    trees = Trees()
    for commit in subprocess.run(asked, capture_output=True, check=True).stdout.decode().split():
        shown = subprocess.run(
            ["git", "-C", str(clone), "show", f"{commit}:command.go"], capture_output=True, check=True
        )
        near, fresh = trees.parse("command.go", shown.stdout), Trees().parse("command.go", shown.stdout)
        assert near is not None
        assert fresh is not None
        assert str(near[1].root_node) == str(fresh[1].root_node)


def test_few_trees_are_kept() -> None:
    """Trees beyond some megabytes of source are let go, the oldest first."""
    trees = Trees()
    content = b"x = 1\n" * 50_000
    for number in range(40):
        trees.parse(f"{number}.py", content)
        assert sum(len(kept) for kept, _ in trees._kept.values()) <= KEPT_BYTES
    assert list(trees._kept)[-1] == "39.py"


@pytest.mark.parametrize(
    ("path", "content", "line", "expected"),
    [
        ("a.py", "import os\n\n\n# Says hi.\n@cached\ndef f():\n    return 1\n\n\nX = 1\n", 7, (4, 6, 7)),
        ("a.py", "class A:\n    def f(self):\n        return 1\n", 3, (2, 2, 3)),
        ("a.go", "package a\n\n// F is.\nfunc F() int {\n\treturn 1\n}\n", 5, (3, 4, 6)),
        ("a.js", "/**\n * Is.\n */\n\nA.prototype.f = function () {\n  return 1;\n};\n", 6, (1, 5, 7)),
        (
            "a.test.js",
            "describe('a', () => {\n  test('b', () => {\n    f();\n    g();\n  });\n});\n",
            3,
            (2, 2, 5),
        ),
        ("a.ts", "export interface A {\n  b: string;\n}\n", 2, (1, 1, 3)),
        ("a.rs", "#[test]\nfn f() {\n    g();\n}\n", 3, (1, 2, 4)),
        ("a.java", "class A {\n  @Override\n  int f() {\n    return 1;\n  }\n}\n", 4, (2, 2, 5)),
        ("a.c", "#include <x.h>\nint f(void) {\n  return 1;\n}\n", 3, (2, 2, 4)),
        ("a.cpp", "template <typename T>\nT f(T x) {\n  return x;\n}\n", 3, (1, 2, 4)),
        ("a.cs", "class A {\n  int F() {\n    return 1;\n  }\n}\n", 3, (2, 2, 4)),
        ("a.rb", "class A\n  def f\n    1\n  end\nend\n", 3, (2, 2, 4)),
        ("a.php", "<?php\nfunction f() {\n  return 1;\n}\n", 3, (2, 2, 4)),
        ("a.sh", "f() {\n  echo hi\n}\n", 2, (1, 1, 3)),
        ("a.kt", "fun f(): Int {\n  return 1\n}\n", 2, (1, 1, 3)),
        ("a.swift", "func f() -> Int {\n  return 1\n}\n", 2, (1, 1, 3)),
        ("a.scala", "object A {\n  def f = {\n    1\n  }\n}\n", 3, (2, 2, 4)),
    ],
)
def test_definitions_are_found_in_every_language(
    path: str, content: str, line: int, expected: tuple[int, int, int]
) -> None:
    """The innermost definition around a line has the lines of its comments, its head, and its end."""
    data = content.encode()
    found = Definitions().around(path, data, lines_of(data), line, line)
    inner = min((each for each in found if each.first <= line <= each.last), key=lambda each: each.lines)
    assert (inner.first, inner.head, inner.last) == expected


def test_files_without_a_grammar_have_no_definitions() -> None:
    """A file of settings has none, nor does an unknown one."""
    for path in ("a.yml", "Makefile", "a.unknown"):
        assert Definitions().around(path, b"a: 1\n", [b"a: 1\n"], 1, 1) == []
