"""What was found out about a license."""

from dataclasses import dataclass
from typing import Any

UNKNOWN = "NOASSERTION"
"""SPDX's word for "nobody says"."""
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold a license: an SPDX expression, the file that says so, and how sure that is.

    `confidence` is the likeness of a license's text to the published one, from 0 to 1; what a field or a header
    declares by a valid SPDX expression is 1. `source` is `text`, `declared`, `header` or `none`; of several
    sources the weakest confidence counts. With an expression of UNKNOWN, `file` is the license file whose text is none
    that is known, or that can't be read (`source` is then `unreadable`), if there is one.
    """

    expression: str = UNKNOWN
    file: str = ""
    confidence: float = 0.0
    source: str = "none"

    @property
    def is_known(self) -> bool:
        """Return whether anything was found."""
        return self.expression != UNKNOWN

    def told(self) -> str:
        """Return the license and its file for a person, or why it is unknown."""
        if self.is_known:
            return f"{self.expression} by {self.file}"
        if self.source == UNREADABLE:
            return f"{self.file} can't be read"
        if self.file:
            return f"the text of {self.file} is no published license, or more than one"
        return "no license file and no SPDX expression in a manifest"

    def as_json(self) -> dict[str, Any]:
        """Return the verdict for a report."""
        return {
            "expression": self.expression,
            "file": self.file,
            "confidence": round(self.confidence, 3),
            "source": self.source,
        }


def both(first: Verdict, second: Verdict) -> Verdict:
    """Return a verdict under which both hold: what is allowed must be allowed by each."""
    if first.expression == second.expression or not second.is_known:
        return first
    if not first.is_known:
        return second
    parts = sorted({_inner(first.expression), _inner(second.expression)})
    files = ", ".join(dict.fromkeys((first.file, second.file)))
    return Verdict(" AND ".join(parts), files, min(first.confidence, second.confidence), first.source)


def _inner(expression: str) -> str:
    return f"({expression})" if " OR " in expression else expression
