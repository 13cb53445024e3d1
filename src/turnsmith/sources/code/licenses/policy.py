"""Which licenses may be used."""

from collections.abc import Iterable
from dataclasses import dataclass

from turnsmith.core.errors import UsageError
from turnsmith.sources.code.licenses.expressions import allowed, normalized
from turnsmith.sources.code.licenses.verdict import Verdict

PERMISSIVE_NAME = "permissive"
PERMISSIVE = (
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSL-1.0", "BlueOak-1.0.0",
    "CC0-1.0", "ISC", "MIT", "MIT-0", "NCSA", "PostgreSQL", "PSF-2.0", "Python-2.0", "UPL-1.0", "Unlicense",
    "WTFPL", "X11", "Zlib",
)  # fmt: skip
"""Licenses that ask for no more than notices."""
DENY, WARN = "deny", "warn"
UNKNOWN_LICENSE = "license unknown"
OTHER_LICENSE = "license not allowed"


@dataclass(frozen=True, slots=True)
class Policy:
    """Say which licenses are allowed, and whether code under an unknown one is left out or only warned of."""

    allow: frozenset[str] = frozenset(PERMISSIVE)
    unknown: str = DENY

    def why_denied(self, verdict: Verdict) -> str | None:
        """Return the reason to leave out what a verdict covers, or None."""
        if not verdict.is_known:
            return UNKNOWN_LICENSE if self.unknown == DENY else None
        return None if allowed(verdict.expression, self.allow) else OTHER_LICENSE


def policy(allow: Iterable[str] = (), unknown: str = DENY) -> Policy:
    """Return a policy from what a person gave: SPDX ids, `permissive` for the usual set; that alone by default.

    Raises UsageError for what is no SPDX id, and for another word than deny or warn.
    """
    if unknown not in (DENY, WARN):
        raise UsageError(f"--unknown: {unknown!r} is neither {DENY} nor {WARN}")
    ids: set[str] = set()
    for name in allow:
        spelled = normalized(name)
        if name == PERMISSIVE_NAME:
            ids |= set(PERMISSIVE)
        elif spelled is None or " " in spelled:
            raise UsageError(f"--allow: {name!r} is no SPDX license id, such as MIT or Apache-2.0")
        else:
            ids.add(spelled)
    return Policy(frozenset(ids or PERMISSIVE), unknown)
