"""Commit messages: what they say without trailers and links, and what they claim to be."""

import functools
import re
from dataclasses import dataclass

from turnsmith.sources.code.git.wording import has, starts, words

LEAST_WORDS, LEAST_TELLING = 3, 2
MOST_BODY_CHARS = 3000
SHORT = 400

# `Signed-off-by: ...` and its kin, by kernel and GitHub custom, and the lines of tools and review systems.
_TRAILER = re.compile(
    r"^\s*(?:[\w-]+-by|gerrit\w*|release-note\w*|"
    + words(
        "cc change-id reviewed-on differential_revision bug link see-also reviewers subscribers tags test_plan "
        "git-svn-id svn-id pr-url ref refs issue issues piperorigin-revid fbshipit-source-id ref-url skip-checks "
        "closes fixes resolves"
    )
    + r")\s*:.*$",
    re.IGNORECASE,
)
_TOOL_LINE = re.compile(
    r"^\W*(?:(?:generated (?:with|by)|\(?cherry[- ]picked from commit|co-authored with|this reverts commit"
    r"|merge pull request) .*|transcript?\w*\b.*:|https?://\S+|\[[^\]]+\]:\s*https?://\S+|\[(?:skip ci|ci skip)\])\W*$",
    re.IGNORECASE,
)
_ISSUE = r"(?:[\w.-]+/[\w.-]+)?(?:#|gh-)\d+"
_CLOSES = r"(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
_CLOSING = rf"(?:{_CLOSES}|refs?|references|see|part of|related to|follow[- ]?up (?:to|of|for|on)|issue|bug)"
_ISSUE_LINE = re.compile(
    rf"^\W*(?:{_CLOSING}:?\s+)?(?:issue\s+|pr\s+|bug\s+)?(?:{_ISSUE}|https?://\S+/(?:issues|pull)/\d+)"
    rf"(?:\s*(?:,|and|&)\s*(?:{_CLOSING}\s+)?{_ISSUE})*\W*$",
    re.IGNORECASE,
)
# At a subject's end or start: `(#12)`, `[closes #12]`, `. Fixes #12`, `Issue #12:`, `#12 `.
_ISSUE_INLINE = (
    re.compile(rf"\s*[(\[]\s*(?:{_CLOSING}:?\s+)?{_ISSUE}(?:\s*,\s*{_ISSUE})*\s*[)\]]", re.IGNORECASE),
    re.compile(
        rf"[\s,;.:-]*\b{_CLOSING}:?\s+(?:issue\s+)?{_ISSUE}(?:\s*(?:,|and|&)\s*{_ISSUE})*\s*\.?$",
        re.IGNORECASE,
    ),
    re.compile(rf"^\s*(?:{_CLOSING}\s+)?{_ISSUE}\s*[:,.-]*\s+(?=\w)", re.IGNORECASE),
    re.compile(rf"\s+{_ISSUE}\s*\.?$", re.IGNORECASE),
)
_CLOSES_ISSUE = re.compile(
    rf"\b(?:{_CLOSES}|bug|issue):?\s+(?:{_ISSUE}|https?://\S+/issues/\d+)|\b[A-Z][A-Z0-9]+-\d+\b",
    re.IGNORECASE,
)
_COMMIT_ID = re.compile(r"\b(?=[a-f\d]*\d)[a-f\d]{10,40}\b")
_NOT_FOR_READERS = (_TRAILER, _TOOL_LINE, _ISSUE_LINE, _COMMIT_ID)
_THANKS = re.compile(r"\b(?:thanks|thank you|kudos|credits?)\b", re.IGNORECASE)
_DANGLING = re.compile(
    r"(?:^|\s)"
    + words("for of in to with from the a an and or by on at see as that than into via per")
    + "$",
    re.IGNORECASE,
)
_SQUASHED = re.compile(r"^\s*\* \S")
_RULE = re.compile(r"^\s*(?:-{3,}|={3,})\s*$")
_WORD = re.compile(r"[^\W\d_]\w+")
_EMPTY_WORDS = frozenset((
    "fix", "fixes", "fixed", "fixing", "fixup", "bug", "bugs", "issue", "issues", "problem", "problems", "error",
    "errors", "the", "this", "that", "these", "it", "an", "and", "or", "some", "more", "small", "minor", "few", "for",
    "to", "in", "on", "of", "with", "from", "again",
))  # fmt: skip
_LINK = re.compile(r"(?:[\s,;(]*\bsee:?)?\s*<?https?://\S+>?", re.IGNORECASE)
_FILE_ONLY = re.compile(
    r"^(?:update|create|add|edit|change|modify|rename|delete)s?d?\s+[\w./-]+\.\w+$", re.IGNORECASE
)

_TYPE = re.compile(r"^\[?(?P<type>[a-z]+)\]?(?:\([^)]*\))?!?:\s*(?P<rest>.+)$", re.IGNORECASE)
FIX_TYPES = frozenset({"fix", "bugfix", "hotfix"})
FEATURE_TYPES = frozenset({"feat", "feature"})
OTHER_TYPES = frozenset((
    "chore", "docs", "doc", "style", "refactor", "perf", "test", "tests", "build", "ci", "deps", "dep", "lint",
    "release", "revert", "wip", "bench", "examples", "example", "readme", "changelog", "typo",
))  # fmt: skip
_FIX = has(
    "fix fixes fixed fixing bug bugs bugfix crash crashes crashed crashing regression broken panic panics deadlock "
    "race_condition leak leaks incorrect incorrectly wrong wrongly prevent prevents avoid avoids correct corrects "
    "corrected correctly repair repairs restore restores workaround escape escapes escaping doesn't don't didn't isn't "
    "aren't wasn't weren't won't can't couldn't shouldn't should_not does_not do_not did_not is_not are_not no_longer "
    "properly handle handles ensure ensures missing undefined nil_pointer null_pointer off_by_one off-by-one"
)
_FEATURE = starts(
    "add adds added adding allow allows allowed allowing support supports supported supporting implement implements "
    "implemented implementing introduce introduces introduced enable enables enabled expose exposes exposed provide "
    "provides provided create creates created new extend extends extended let permit permits"
)


@dataclass(frozen=True)
class Said:
    """Hold a message and what a reader needs of it: no trailers, lines of tools, links, numbers of issues."""

    message: str

    @functools.cached_property
    def subject(self) -> str:
        """Return the first line."""
        subject = self.message.lstrip().partition("\n")[0].strip()
        if "#" in subject or "/" in subject or "-" in subject:
            for pattern in _ISSUE_INLINE:
                subject = pattern.sub("", subject)
            subject = _LINK.sub("", subject)
        return subject.strip().rstrip(" .,;:-")

    @functools.cached_property
    def body(self) -> str:
        """Return the rest; one that lists squashed commits, repeats itself, or is too long to be read is empty."""
        return _body_of(self.message)

    @functools.cached_property
    def closes_issue(self) -> bool:
        """Return whether the message closes or fixes an issue by its number."""
        return bool(_CLOSES_ISSUE.search(self.message))

    @property
    def text(self) -> str:
        """Return subject and body as in a commit."""
        return f"{self.subject}\n\n{self.body}" if self.body else self.subject

    @property
    def words(self) -> int:
        """Return the number of words in subject and body."""
        return len(_WORD.findall(self.text))

    @functools.cached_property
    def type(self) -> str:
        """Return the type in front of the subject (`fix` of `fix(cli): …`), in lower case, or nothing."""
        found = _TYPE.match(self.subject)
        return found["type"].lower() if found else ""

    def claims_fix(self) -> bool:
        """Return whether the subject talks of something that was wrong."""
        return self.type in FIX_TYPES or bool(_FIX.search(self.subject))

    def claims_feature(self) -> bool:
        """Return whether the subject begins as one of something new does."""
        return self.type in FEATURE_TYPES or bool(_FEATURE.match(self.subject))


def _body_of(message: str) -> str:
    lines = message.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    kept: list[str] = []
    for line in lines[1:]:
        if _RULE.match(line):
            break
        if not any(pattern.search(line) for pattern in _NOT_FOR_READERS):
            kept.append(_plain(line))
    paragraphs = [each.strip("\n") for each in re.split(r"\n\s*\n", "\n".join(kept)) if each.strip()]
    paragraphs = [each for each in paragraphs if not (_THANKS.search(each) and len(each) < SHORT)]
    if paragraphs and paragraphs[-1].endswith(":"):  # what it announced were links
        paragraphs.pop()
    squashed = sum(bool(_SQUASHED.match(each)) for each in paragraphs) * 2 >= len(paragraphs)
    repeated = len(set(paragraphs)) < len(paragraphs)
    body = "" if squashed or repeated else "\n\n".join(paragraphs)
    return body if len(body) <= MOST_BODY_CHARS else ""


def _plain(line: str) -> str:
    """Return a line without links and issues; a line that only led to one is empty."""
    plain = _LINK.sub("", _ISSUE_INLINE[1].sub("", _ISSUE_INLINE[0].sub("", line))).rstrip()
    return "" if plain != line.rstrip() and plain.endswith((":", " at", " see", " in")) else plain


def says_nothing(said: Said) -> bool:
    """Return whether nobody could tell from the message what to do.

    It has fewer than three words, fewer than two that tell of a thing ("fixes the fix"), names only a file, or breaks
    off where the number of an issue stood.
    """
    found = _WORD.findall(said.subject)
    telling = [word for word in found if word.lower() not in _EMPTY_WORDS]
    if len(found) < LEAST_WORDS or len(telling) < LEAST_TELLING:
        return True
    return any(pattern.search(said.subject) for pattern in (_FILE_ONLY, _DANGLING))
