"""A commit and the files that it changes, as git lists them."""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime

from turnsmith.sources.code.git.messages import Said


@dataclass(frozen=True, slots=True)
class Change:
    """Hold a changed file: modes (`000000` where there is none), git's letter (A, M, D, R, T), both paths."""

    old_mode: str
    new_mode: str
    status: str
    old_path: str
    path: str


@dataclass(frozen=True)
class Commit:
    """Hold a commit that is no merge: id, parents, commit time in Unix seconds, author by the mailmap, message."""

    id: str
    parents: tuple[str, ...]
    time: int
    author: str
    email: str
    message: str
    changes: tuple[Change, ...]

    @functools.cached_property
    def said(self) -> Said:
        """Return the message as readers need it."""
        return Said(self.message)

    @property
    def date(self) -> str:
        """Return the commit time in UTC, as ISO 8601."""
        return datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Broken:
    """Hold a commit that git can't show, and the kind of reason."""

    id: str
    reason: str
