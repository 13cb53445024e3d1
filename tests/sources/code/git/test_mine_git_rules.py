"""The rules that drop commits by their message, author and paths, and the cleaning of messages."""

import pytest

from turnsmith.sources.code.git.commit import Change, Commit
from turnsmith.sources.code.git.messages import Said
from turnsmith.sources.code.git.rules import why_dropped
from turnsmith.sources.code.git.selection import kind_of_paths


def commit(
    message: str, *paths: str, author: str = "Ada", email: str = "ada@example.org", root: bool = False
) -> Commit:
    """Return a commit that modifies files."""
    changes = tuple(Change("100644", "100644", "M", path, path) for path in paths or ("rows.py",))
    return Commit("1" * 40, () if root else ("2" * 40,), 0, author, email, message, changes)


def reason(made: Commit, max_files: int = 20) -> str | None:
    """Return why a commit is dropped."""
    return why_dropped(made, max_files)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Fix crash on empty input", None),
        ("Add an option to print JSON", None),
        ("fix(parser): accept a trailing comma", None),
        ("Format numbers of a table with separators in reports", "formatting or spelling"),
        ("Handle bumps in the road", None),
        ("Escape versions in the update message", None),
        ('Revert "Add an option to print JSON"', "revert"),
        ("Undo it all\n\nThis reverts commit 0123456789abcdef.", "revert"),
        ("fixup! Fix crash on empty input", "fixup"),
        ("squash! Fix crash on empty input", "fixup"),
        ("Bump lodash from 4.17.20 to 4.17.21", "version bump"),
        ("build(deps): bump actions/cache from 3 to 4", "version bump"),
        ("1.2.3", "version bump"),
        ("v2.0.0-rc.1", "version bump"),
        ("chore(release): 1.2.3", "version bump"),
        ("Release 0.4.2 of the tool", "version bump"),
        ("Prepare for the next release", "version bump"),
        ("Update version number to 1.4", "version bump"),
        ("Update dev dependencies once more", "version bump"),
        ("Run black on everything", "formatting or spelling"),
        ("Fix some typos in comments", "formatting or spelling"),
        ("Trim trailing whitespace of all files", "formatting or spelling"),
        ("style: sort imports of the package", "formatting or spelling"),
        ("wip", "message says nothing"),
        ("WIP on the new parser thing", "message says nothing"),
        ("update", "message says nothing"),
        ("fix bug", "message says nothing"),
        ("Fix #372", "message says nothing"),
        ("Fixes the fix", "message says nothing"),
        ("Fixed some bugs in this", "message says nothing"),
        ("cmd: Fix minor bugs in init command", "message says nothing"),
        ("cmd: Fix minor bugs in init command\n\nThe name may be empty now.", None),
        ("Small correctives of commands", "message says nothing"),
        ("Added support for #123", "message says nothing"),
        ("Update README.md", "message says nothing"),
        ("more small tweaks", "message says nothing"),
        ("Address review comments from Ada", "message says nothing"),
        ("fix styling of prev commit", "formatting or spelling"),
        ("Correct mistake of previous commit", "message says nothing"),
        ("docs: explain the new option", "neither a fix nor a feature"),
        ("refactor: move the parser to its module", "neither a fix nor a feature"),
        ("chore(ci): run on three systems", "neither a fix nor a feature"),
        ("Initial import of the old repository", "initial import"),
    ],
)
def test_messages_decide(message: str, expected: str | None) -> None:
    """A message alone is enough to drop a commit under a named rule, or to keep it."""
    assert reason(commit(message)) == expected


@pytest.mark.parametrize(
    ("author", "email"),
    [
        ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
        ("Renovate Bot", "bot@renovateapp.com"),
        ("greenkeeper", "support@example.org"),
        ("release-bot", "x@example.org"),
        ("Deploy", "deploy-bot@example.org"),
    ],
)
def test_programs_are_no_authors(author: str, email: str) -> None:
    """Commits of programs are dropped."""
    assert reason(commit("Fix crash on empty input", author=author, email=email)) == "bot"


@pytest.mark.parametrize("author", ["Abbott Robotham", "Bothe", "Ada Botley"])
def test_people_are_no_programs(author: str) -> None:
    """A name that merely holds the word is a person's."""
    assert reason(commit("Fix crash on empty input", author=author)) is None


def test_roots_are_imports() -> None:
    """A commit without a parent is an import, whatever it says."""
    assert reason(commit("Fix crash on empty input", root=True)) == "initial import"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("rows.py", "README.md"), None),
        (("README.md", "docs/a.rst"), "documentation only"),
        (("examples/a.py",), "documentation only"),
        (("tests/test_rows.py", "rows_test.go", "src/a.spec.ts"), "tests only"),
        ((".github/workflows/ci.yml", "setup.cfg"), "no source code"),
        (("package-lock.json",), "only files left out: lock file"),
        (("package-lock.json", "vendor/x.py"), "only files left out"),
        (tuple(f"a{number}.py" for number in range(21)), "more than 20 files"),
    ],
)
def test_paths_decide(paths: tuple[str, ...], expected: str | None) -> None:
    """A commit without source code, or with too many files, is dropped without a look into any."""
    assert reason(commit("Fix crash on empty input", *paths)) == expected


def test_new_files_alone_are_no_change() -> None:
    """A commit that only adds code has no code before; one that may be a rename has."""
    new = Change("000000", "100644", "A", "a.py", "a.py")
    old = Change("100644", "000000", "D", "b.py", "b.py")
    made = commit("Fix crash on empty input")
    for changes, expected in (
        ((new,), "only new or deleted code"),
        ((old,), "only new or deleted code"),
        ((new, old), None),
    ):
        each = Commit(made.id, made.parents, 0, made.author, made.email, made.message, changes)
        assert reason(each) == expected


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/rows.py", "code"),
        ("contest.py", "code"),
        ("latest/rows.go", "code"),
        ("src/testing/rows.py", "test"),
        ("test.js", "test"),
        ("RowsTest.java", "test"),
        ("conftest.py", "test"),
        ("docs/index.md", "documentation"),
        ("doc/man_docs.go", "code"),
        ("CHANGELOG", "documentation"),
        (".mailmap", "documentation"),
        ("Makefile", "text"),
        ("a\nb.py", "odd path"),
        ("go.sum", "lock file"),
    ],
)
def test_paths_have_kinds(path: str, kind: str) -> None:
    """A path tells code from tests, documentation, other text, and what is left out."""
    assert kind_of_paths(path, path) == kind


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ("Fix crash on empty input (#123)", "Fix crash on empty input"),
        ("Fix crash on empty input. Fixes #123.", "Fix crash on empty input"),
        ("Issue #123: fix crash on empty input", "fix crash on empty input"),
        ("#123 fix crash on empty input", "fix crash on empty input"),
        ("Fix crash on empty input [closes org/repo#5, #6]", "Fix crash on empty input"),
        ("Fix crash, see https://example.org/x/1", "Fix crash"),
        ("Fixed #37, --help comes last", "--help comes last"),
        ("Add help for subcommands (should resolve issue #2)", "Add help for subcommands"),
        ("Use color #123456 for links", "Use color #123456 for links"),
    ],
)
def test_subjects_lose_numbers_of_issues(message: str, subject: str) -> None:
    """A subject keeps what a reader needs and loses what nobody could guess."""
    assert Said(message).subject == subject


def test_bodies_lose_trailers_and_links() -> None:
    """Trailers, lines of tools, links, ids of commits and thanks go; the explanation stays as it was written."""
    message = """Fix crash on empty input (#9)

The list may be empty
  when nothing was found.
Fixes #8

Thanks to @grace for the report!

See https://example.org/x for more:
Broken since 0123456789abcdef0.
https://example.org/review/1
Change-Id: I0123456789

Generated with [Claude Code](https://claude.ai/code)
Co-Authored-By: Ada <ada@example.org>
Signed-off-by: Ada <ada@example.org>
"""
    said = Said(message)
    assert said.body == "The list may be empty\n  when nothing was found."
    assert said.closes_issue


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Read https://example.com/x as a link.", "Read https://example.com/x as a link."),
        ("I wrote https://host.org/x which converts it. Look at the output.", ""),
        ("The size was wrong.\n\nTested using https://host.org/x", "The size was wrong."),
        ("It was wrong. I found it\nwith https://host.org/x\nlast week. It is right.", "It was wrong. It is right."),
        ("Accept URLs (http:// or https://) and files.", "Accept URLs (http:// or https://) and files."),
        ("Follow the [guide](https://host.org/x) on sizes.", "Follow the guide on sizes."),
        ("The size was wrong (see https://host.org/x).", "The size was wrong."),
        ("- Sizes are right, see https://host.org/x\n- So are names", "- Sizes are right\n- So are names"),
        ("- Sizes come from https://host.org/x\n  and are right\n- So are names", "- So are names"),
        ("Broken by this:\n\nhttps://host.org/x\n\nNow sizes are right.", "Now sizes are right."),
        ("PR #889 introduced a wrong size of tables.", "An earlier change introduced a wrong size of tables."),
        ("Sizes are wrong since\n6ba7ebbc in tables.", "Sizes are wrong since\nan earlier commit in tables."),
        ("This addresses #12 by reading the size first.", "This addresses an issue by reading the size first."),
        ("Sizes are right. For details refer to #12.", "Sizes are right."),
        ("> Sizes at https://host.org/x are wrong\n>\n> Mend them\n\nThey are right.", "They are right."),
        ("    curl http://localhost:80/x\n    # one", "    curl http://localhost:80/x\n    # one"),
        ("Rather than code\ngenerated by hand we use a tool.", "Rather than code\ngenerated by hand we use a tool."),
        ("The id #header is used twice, and color #abcdef1.", "The id #header is used twice, and color #abcdef1."),
    ],
)  # fmt: skip
def test_no_sentence_is_left_in_pieces(body: str, expected: str) -> None:
    """What refers to a link goes sentence by sentence, and an issue or commit in a sentence becomes words."""
    assert Said(f"Fix the size of tables\n\n{body}").body == expected


def test_lists_of_squashed_commits_go() -> None:
    """A body that lists squashed commits says nothing; one that repeats itself neither."""
    assert (
        Said("Fix it all at once\n\n* fix lint\n\n* fix again\n\n---------\n\nCo-authored-by: A <a@b>").body
        == ""
    )
    assert Said("Fix it all at once\n\nTwice.\n\nTwice.").body == ""
    assert Said("Fix it all at once\n\n- one thing\n- another thing").body == "- one thing\n- another thing"


@pytest.mark.parametrize("number", ["(#12)", "Closes #12", "fixes org/repo#12"])
def test_closed_issues_are_seen(number: str) -> None:
    """Only a closing word makes a number an issue: squash merges put the pull request's behind every subject."""
    assert Said(f"Fix it all {number}").closes_issue == ("(" not in number)
