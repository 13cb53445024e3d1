"""Fix, feature, or neither: by what the message claims and by what the diff does."""

import re
from collections import Counter
from collections.abc import Sequence

from turnsmith.sources.code.git.files import File, Files, sources, tests
from turnsmith.sources.code.git.messages import FEATURE_TYPES, FIX_TYPES, Said
from turnsmith.sources.code.git.wording import has, starts

FIX, FEATURE = "fix", "feature"

_COMMENT = re.compile(
    rb"^\s*(?://|#(?!\s*(?:include|define|if|el|end|pragma))|\*|/\*|<!--|--\s|\"\"\"|'''|;;)"
)
_NOISE = re.compile(rb"[\s;,]+")
_REWORK = starts(
    "refactor* renam* simplif* move moves moved moving remov* delet* drop drops dropped clean* divid* reorgani* "
    "restructur* combin* split splits extract* inlin* tidy* rewrit* rewrote reword* reorder* sort_the use uses "
    "used using switch* convert* migrat* replac* upgrad* updat* bump* improve_readability improve_comments "
    "optimiz* optimis* micro-* minor tweak* chang* expand* document* rework* re-work* deprecat* prefer* "
    "rearrang* re-arrang* shorten* consolidat* unify unifies"
)
_ABOUT_TEXT = has(
    "doc docs documentation godoc godocs jsdoc jsdocs docstring docstrings comment comments note notes license "
    "licenses licence copyright readme changelog example examples travis github_action github_actions "
    "workflow workflows typo "
    "typos spelling grammar wording header headers test tests coverage lint* eslint golint jshint"
)


def why_shapeless(files: Sequence[File]) -> str | None:
    """Return why the diff itself is nothing to learn from: layout only, comments only, moves only, or None."""
    changed = [file for file in files if file.patch.hunks]
    if not changed:
        return "nothing but renames and modes"
    if _is_move(changed):
        return "nothing but moved lines"
    if all(_squeezed(file, b"-") == _squeezed(file, b"+") for file in changed):
        return "formatting only"
    if not any(_code_lines(file) for file in sources(changed)):
        return "comments only"
    return None


def may_be_class(said: Said) -> bool:
    """Return whether a message leaves open that this is a fix or a feature; cheap, before any file is read."""
    if said.type in FIX_TYPES | FEATURE_TYPES:
        return True
    if _ABOUT_TEXT.search(said.subject) and not said.closes_issue:
        return False
    return said.claims_fix() or said.claims_feature() or not _REWORK.match(said.subject)


def class_of(said: Said, files: Files, used: Sequence[File]) -> str | None:
    """Return `fix`, `feature`, or None for neither.

    A conventional type decides. Else the subject's claim must fit the diff: a feature comes with tests, closes an
    issue, or adds definitions; what claims both is a feature where it adds some. Without a claim, tests and new
    definitions make a feature, tests and a closed issue a fix. Definitions are counted last, as that parses files.
    """
    if said.type in FIX_TYPES:
        return FIX
    if said.type in FEATURE_TYPES:
        return FEATURE
    fix, feature, tested = said.claims_fix(), said.claims_feature(), bool(tests(used))
    if fix and not feature:
        return FIX
    if feature and not fix and (tested or said.closes_issue):
        return FEATURE
    if not feature and not tested:
        return None
    if sum(files.new_definitions(file) for file in sources(used) if file.patch.hunks) > 0:
        return FEATURE
    return FIX if fix or (said.closes_issue and not feature) else None


def _code_lines(file: File) -> int:
    """Return the number of changed lines that are neither blank nor, by their beginning, a comment."""
    lines = (line for hunk in file.patch.hunks for line in hunk.lines if line[:1] in b"-+")
    return sum(bool(line[1:].strip()) and not _COMMENT.match(line[1:]) for line in lines)


def _squeezed(file: File, mark: bytes) -> bytes:
    """Return the lines of one side without what a formatter decides: spaces, commas, semicolons, kinds of quotes."""
    lines = (line[1:] for hunk in file.patch.hunks for line in hunk.lines if line[:1] == mark)
    return _NOISE.sub(b"", b"".join(lines)).replace(b"'", b'"')


def _is_move(files: Sequence[File]) -> bool:
    """Return whether the lines that go are the lines that come, in another place."""
    lines = [line for file in files for hunk in file.patch.hunks for line in hunk.lines if line[1:].strip()]
    gone = [line[1:] for line in lines if line[:1] == b"-"]
    come = [line[1:] for line in lines if line[:1] == b"+"]
    return bool(gone) and len(gone) == len(come) and Counter(gone) == Counter(come)
