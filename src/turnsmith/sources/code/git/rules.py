"""Which commits no one should learn from, seen from the message, the author and the paths alone."""

import re
from collections.abc import Callable

from turnsmith.sources.code.git.commit import Change, Commit
from turnsmith.sources.code.git.messages import OTHER_TYPES, Said, says_nothing
from turnsmith.sources.code.git.selection import CODE, DOCUMENTATION, TEST, TEXT, kind_of
from turnsmith.sources.code.git.wording import starts, words

Rule = Callable[[Commit, Said], bool]

ONLY_NEW = "only new or deleted code"
WITHOUT_CODE = {TEST: "tests only", TEXT: "no source code", DOCUMENTATION: "documentation only"}

_BOT = re.compile(
    r"\[bot\]|\b[\w-]+-bot\b|\bbot@|\b"
    + words(
        "dependabot renovate greenkeeper snyk pre-commit-ci github-action github-actions mergify allcontributors "
        "imgbot weblate crowdin pyup depfu codecov semantic-release whitesource mend"
    )
    + r"(?:[ -]?bot)?\b",
    re.IGNORECASE,
)
_REVERT = re.compile(
    r"\A(?:reverts?|reapply|back ?out|rollback)\b|^this reverts commit", re.IGNORECASE | re.MULTILINE
)
_FIXUP = re.compile(r"^(?:fixup!|squash!|amend!)", re.IGNORECASE)
_NUMBER = r"v?\d+\.\d+(?:\.\d+)?(?:[-.+]?\w+)*"
_RELEASE = starts("release releases released releasing bump bumps bumped bumping version_bump")
_NEWER = starts(
    "update_dependencies updated_dependencies update_dependency update_deps update_dev_dependencies "
    "update_devdependencies update_dependecies update_packages upgrade_dependencies upgrade_deps upgrade_packages"
)
_VERSION = re.compile(
    rf"^(?:{_NUMBER}$|\w+\(release\)|prepar(?:e|es|ed|ing) (?:for )?(?:the )?(?:next )?(?:{_NUMBER}|release|version)"
    rf"|(?:tag|cut|publish|set|update|up|change|new)\b.*\bversions?(?: number)?(?: to)?(?: {_NUMBER})?$"
    rf"|upgraded? \S+ (?:from|to) v?\d|start(?:ing)? (?:on )?{_NUMBER}"
    rf"|.*\bfor (?:v|version |release )?{_NUMBER} release\b)",
    re.IGNORECASE,
)
_FORMATTER = starts(
    "black ran_black run_black apply_black gofmt go_fmt run_gofmt prettier run_prettier rustfmt clang-format isort "
    "ruff autopep8 format formats formatted formatting reformat* lint lints linting whitespace indent indentation "
    "codestyle code_style style"
)
_LAYOUT = re.compile(
    r"\b(?:fix(?:e[sd]|ing)?|remove|trim|more|address|resolve|satisfy)\b.{0,20}(?<!\w)"
    + words(
        "lint* whitespace whitespaces indentation formatting codestyle code_style styling typo typos spelling grammar"
    )
    + r"\b",
    re.IGNORECASE,
)
_IMPORT = re.compile(
    r"^(?:(?:initial|first) (?:commit|import|version|release|revision)\b|import(?:ed)? from\b|init$)",
    re.IGNORECASE,
)
_TALK = starts(
    "wip clean_up cleanup merge oops try temp update_code update_readme update_docs update_documentation update_tests "
    "update_changelog update_comments update_examples"
)
_SMALL_TALK = re.compile(
    rf"^(?:{words('fix fixes fixed minor small more some misc misc. various code few')} )+"
    + words(
        "typo typos test tests build ci travis lint fix fixes change changes tweak tweaks cleanup cleanups clean-ups "
        "refactor* improvement improvements update updates bug bugs stuff"
    )
    + r"$|.*\b(?:prev|previous) commit\b",
    re.IGNORECASE,
)
_REVIEWED = re.compile(
    r"^(?:address|apply|respond to|fix|code tidy from|changes from)\b.{0,20}"
    r"\b(?:review|feedback|comments?|suggestions?)\b",
    re.IGNORECASE,
)


def is_bot(commit: Commit, _said: Said) -> bool:
    """Say whether the author's name or address is that of a program."""
    return bool(_BOT.search(commit.author) or _BOT.search(commit.email))


def is_revert(commit: Commit, _said: Said) -> bool:
    """Say whether the commit takes back another, or brings it back."""
    return bool(_REVERT.search(commit.message.lstrip()))


def is_fixup(commit: Commit, _said: Said) -> bool:
    """Say whether the commit was meant to be melted into another (`fixup!`, `squash!`)."""
    return bool(_FIXUP.match(commit.message.lstrip()))


def is_import(commit: Commit, said: Said) -> bool:
    """Say whether the commit begins a history, or brings one in from elsewhere."""
    return not commit.parents or bool(_IMPORT.match(said.subject))


def is_version_bump(_commit: Commit, said: Said) -> bool:
    """Say whether the subject tells of a release or of newer dependencies."""
    return any(pattern.match(said.subject) for pattern in (_RELEASE, _NEWER, _VERSION))


def is_formatting(_commit: Commit, said: Said) -> bool:
    """Say whether the subject tells of layout, linters or spelling."""
    return said.type in ("style", "lint", "typo") or any(
        pattern.search(said.subject) for pattern in (_FORMATTER, _LAYOUT)
    )


def is_empty_talk(_commit: Commit, said: Said) -> bool:
    """Say whether the message says nothing: under three words, "wip", "update", "fix typo" and their kin."""
    return says_nothing(said) or any(
        pattern.match(said.subject) for pattern in (_TALK, _SMALL_TALK, _REVIEWED)
    )


def is_other_type(_commit: Commit, said: Said) -> bool:
    """Say whether a conventional type says that this is neither a fix nor a feature (`docs:`, `refactor:`)."""
    return said.type in OTHER_TYPES


RULES: dict[str, Rule] = {
    "bot": is_bot,
    "revert": is_revert,
    "fixup": is_fixup,
    "initial import": is_import,
    "version bump": is_version_bump,
    "formatting or spelling": is_formatting,
    "message says nothing": is_empty_talk,
    "neither a fix nor a feature": is_other_type,
}


def why_dropped(commit: Commit, max_files: int) -> str | None:
    """Return the name of the rule that takes a commit, or None; no content of a file is read for it."""
    for name, takes in RULES.items():
        if takes(commit, commit.said):
            return name
    if not commit.changes:
        return "no change"
    if len(commit.changes) > max_files:
        return f"more than {max_files} files"
    return why_without_code(commit.changes)


def why_without_code(changes: tuple[Change, ...]) -> str | None:
    """Return what the changed files are where none of them is source code outside tests that was there before."""
    kinds = {kind_of(change) for change in changes}
    if CODE in kinds:
        letters = {change.status for change in changes if kind_of(change) == CODE}
        # A file that comes and one that goes may be one that was renamed; only the contents tell.
        return ONLY_NEW if letters in ({"A"}, {"D"}) else None
    for kind in ("test", "text", "documentation"):
        if kind in kinds:
            return {"test": "tests only", "text": "no source code", "documentation": "documentation only"}[
                kind
            ]
    return f"only files left out: {min(kinds)}" if len(kinds) == 1 else "only files left out"
