"""What a measurement of leakage found, for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIGITS = 4


@dataclass(slots=True)
class Shares:
    """Count requests or conversations of a split, and those with a counterpart in the other one.

    `near` counts exact twins, too. `same_user` is None where no conversation names its user.
    """

    total: int = 0
    exact: int = 0
    near: int = 0
    same_user: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return counts and shares of `total`, which are 0 where it is."""
        return {
            "total": self.total,
            "exact": self.exact,
            "near": self.near,
            "same_user": self.same_user,
            "exact_share": self.share(self.exact),
            "near_share": self.share(self.near),
            "same_user_share": None if self.same_user is None else self.share(self.same_user),
        }

    def share(self, count: int) -> float:
        """Return a count as a part of the total."""
        return round(count / self.total, DIGITS) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Twin:
    """Hold a request that has a twin: ids of both conversations, numbers of the requests in them (from 1)."""

    id: str
    request: int
    twin_id: str
    twin_request: int
    similarity: float
    exact: bool

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "id": self.id,
            "request": self.request,
            "twin_id": self.twin_id,
            "twin_request": self.twin_request,
            "similarity": round(self.similarity, DIGITS),
            "exact": self.exact,
        }


@dataclass(slots=True)
class SplitPair:
    """Hold what of split `of` has a counterpart in split `in_`; `worst` are the most similar pairs.

    `short` counts requests that were not compared, having fewer words than a shingle.
    """

    of: str
    in_: str
    short: int = 0
    requests: Shares = field(default_factory=Shares)
    conversations: Shares = field(default_factory=Shares)
    worst: list[Twin] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "of": self.of,
            "in": self.in_,
            "requests": self.requests.as_json(),
            "short_requests": self.short,
            "conversations": self.conversations.as_json(),
            "worst": [twin.as_json() for twin in self.worst],
        }


@dataclass(slots=True)
class Leakage:
    """Hold the outcome for every pair of splits; `requests` says which of a conversation were compared."""

    requests: str
    threshold: float
    ngram: int
    pairs: list[SplitPair] = field(default_factory=list)

    @property
    def worst_share(self) -> float:
        """Return the largest share of requests with a near twin of all pairs."""
        return max((pair.requests.share(pair.requests.near) for pair in self.pairs), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome, the same for the same records in the same order."""
        return {
            "requests": self.requests,
            "threshold": self.threshold,
            "ngram": self.ngram,
            "pairs": [pair.as_json() for pair in self.pairs],
        }


def leakage_line(told: Mapping[str, Any]) -> str:
    """Return in a line what `Leakage.as_json` tells of requests."""
    which = "First requests" if told["requests"] == "first" else "Requests"
    return f"{which} found in an earlier split: {'; '.join(map(_in_words, told['pairs']))}"


def _in_words(pair: Mapping[str, Any]) -> str:
    shares = pair["requests"]
    user = shares["same_user_share"]
    return (
        f"{pair['of']} in {pair['in']} {shares['exact_share']:.1%} exactly, {shares['near_share']:.1%} nearly, "
        f"{'unknown' if user is None else f'{user:.1%}'} by the same user"
    )
