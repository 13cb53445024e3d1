"""The body of a commit message: what explains the change, without trailers, lines of tools and references."""

import re
from collections.abc import Sequence

from turnsmith.sources.code.git.references import ISSUE_LINE, refers, without_in_text
from turnsmith.sources.code.git.wording import words

MOST_CHARS = 3000
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
    r"^\W*(?:(?:(?-i:Generated) (?:with|by)|\(?cherry[- ]picked from commit|co-authored with|this reverts commit"
    r"|merge pull request) .*|transcript?\w*\b.*:|https?://\S+|\[[^\]]+\]:\s*https?://\S+|\[(?:skip ci|ci skip)\])\W*$",
    re.IGNORECASE,
)
_NOT_FOR_READERS = (_TRAILER, _TOOL_LINE, ISSUE_LINE)
_THANKS = re.compile(r"\b(?:thanks|thank you|kudos|credits?)\b", re.IGNORECASE)
_SQUASHED = re.compile(r"^\s*\* \S")
_RULE = re.compile(r"^\s*(?:-{3,}|={3,})\s*$")
_VERBATIM = re.compile(r" {4}|\t|\s*(?:>|\$ |```)")


def body_of(message: str) -> str:
    """Return what stands below the subject of a message; nothing for one that nobody would want to read.

    That is a list of squashed commits, a text that repeats itself, and one of more than 3,000 characters.
    """
    paragraphs: list[str] = []
    for lines in _paragraphs(message):
        text = _cleaned(lines)
        if text:
            paragraphs.append(text)
        elif paragraphs and paragraphs[-1].endswith(":"):  # what it announced is gone
            paragraphs.pop()
    if paragraphs and paragraphs[-1].endswith(":"):
        paragraphs.pop()
    squashed = sum(bool(_SQUASHED.match(each)) for each in paragraphs) * 2 >= len(paragraphs)
    repeated = len(set(paragraphs)) < len(paragraphs)
    body = "" if squashed or repeated else "\n\n".join(paragraphs)
    return body if len(body) <= MOST_CHARS else ""


def _paragraphs(message: str) -> list[list[str]]:
    """Return the lines of each paragraph below the subject, up to a ruled line."""
    found: list[list[str]] = [[]]
    for line in message.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")[1:]:
        if _RULE.match(line):
            break
        if line.strip():
            found[-1].append(line)
        else:
            found.append([])
    return [lines for lines in found if lines]


def _cleaned(lines: Sequence[str]) -> str:
    """Return a paragraph without what is not for readers; code and quotes stay as they are or go."""
    kept = [line for line in lines if not any(pattern.search(line) for pattern in _NOT_FOR_READERS)]
    text = "\n".join(kept)
    if not all(_VERBATIM.match(line) for line in kept):
        text = without_in_text(text)
    elif refers(text):
        return ""
    return "" if _THANKS.search(text) and len(text) < SHORT else text.rstrip()
