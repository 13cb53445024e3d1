"""Reviews with hindsight: what a later commit says was wrong with an earlier one that it names."""

import re

from turnsmith.core.errors import InputError
from turnsmith.sources.code.git.commit import Commit
from turnsmith.sources.code.git.messages import Said
from turnsmith.sources.code.git.wording import words
from turnsmith.sources.code.repository import Repository

LEAST_WORDS = 8
_BLAME = re.compile(
    words(
        "this_reverts_commit fixes fixes: regression_from regression_in regression_of introduced_in introduced_by "
        "broken_in broken_by broken_since bug_in caused_by since"
    )
    + r"\s+(?:commit\s+)?(?P<id>(?=[a-f]*\d)[0-9a-f]{7,64})\b",
    re.IGNORECASE,
)
_REVERT = re.compile(r"^(?:revert|reapply)\b", re.IGNORECASE)


def named_culprit(commit: Commit, repository: Repository) -> str | None:
    """Return the id of the commit that a message blames, None where it names none that is here.

    Blame is `Fixes: ID`, `This reverts commit ID`, `regression from ID`, `introduced in ID` and their kin.
    """
    found = _BLAME.search(commit.message)
    if found is None:
        return None
    try:
        return repository.resolve(found["id"])
    except InputError:
        return None


def note_of(said: Said) -> str | None:
    """Return what a reviewer would have noted, None where the later commit gives no reason.

    A revert's subject only names what it takes back, so its body must say why.
    """
    text = _BLAME.sub("", said.body if _REVERT.match(said.subject) else said.text).strip()
    if len(re.findall(r"\w{2,}", text)) < LEAST_WORDS:
        return None
    return f"This change needs another one after it:\n\n{text}"
