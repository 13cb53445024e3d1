"""Commit messages: what they say without trailers and links, and what they claim to be."""

import functools
import re
from dataclasses import dataclass

from turnsmith.sources.code.git.bodies import body_of
from turnsmith.sources.code.git.references import CLOSES, ISSUE, without_in_subject
from turnsmith.sources.code.git.wording import has, starts, words

LEAST_WORDS, LEAST_TELLING = 3, 2

_CLOSES_ISSUE = re.compile(
    rf"\b(?:{CLOSES}|bug|issue):?\s+(?:{ISSUE}|https?://\S+/issues/\d+)|\b[A-Z][A-Z0-9]+-\d+\b",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:^|\s)"
    + words("for of in to with from the a an and or by on at see as that than into via per")
    + "$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]\w+")
_EMPTY_WORDS = frozenset((
    "fix", "fixes", "fixed", "fixing", "fixup", "bug", "bugs", "issue", "issues", "problem", "problems", "error",
    "errors", "the", "this", "that", "these", "it", "an", "and", "or", "some", "more", "small", "minor", "few", "for",
    "to", "in", "on", "of", "with", "from", "again", "up", "correction", "corrections", "correctives",
))  # fmt: skip
_VAGUE = re.compile(
    r"(?:\b(?:fix(?:e[sd]|ing)?|correct(?:s|ed)?)\s+)?\b(?:some|minor|small|several|multiple|various|a few)\b[^.]*"
    r"\b(?:fix(?:es)?|bugs|issues|problems|errors|warnings|complaints|things)\b",
    re.IGNORECASE,
)
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
            subject = without_in_subject(subject)
        return subject.strip().rstrip(" .,;:-")

    @functools.cached_property
    def body(self) -> str:
        """Return the rest; one that lists squashed commits, repeats itself, or is too long to be read is empty."""
        return body_of(self.message)

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


def says_nothing(said: Said) -> bool:
    """Return whether nobody could tell from the message what to do.

    It has fewer than three words, fewer than two that tell of a thing ("fixes the fix"), names only a file, breaks
    off where the number of an issue stood, or counts problems without naming one ("fix some bugs in init").
    """
    found = _WORD.findall(said.subject)
    telling = [word for word in found if word.lower() not in _EMPTY_WORDS]
    if len(found) < LEAST_WORDS or len(telling) < LEAST_TELLING:
        return True
    if any(pattern.search(said.subject) for pattern in (_FILE_ONLY, _DANGLING)):
        return True
    return bool(_VAGUE.search(said.subject)) and not said.body
