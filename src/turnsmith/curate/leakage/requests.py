"""What was asked in conversations, and which of it is compared."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from turnsmith.curate.clean.exact import normalized
from turnsmith.curate.decontaminate.words import words_of

DIGEST_BYTES = 16
NEVER_SHORT = 200  # characters


class Unit(StrEnum):
    """Name the requests that are compared: the first of each conversation, or all."""

    first = "first"
    all = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what was asked in a conversation: its id, its user (None or empty: unknown) and the requests."""

    id: str
    user: str | None
    requests: list[str]


@dataclass(frozen=True, slots=True)
class Request:
    """Hold a request that is compared: its conversation's id, its number there from 1, its text and what marks it."""

    id: str
    number: int
    text: str
    mark: bytes


def requests_of(conversation: Asked, unit: Unit, ngram: int) -> list[Request | None]:
    """Return the requests to compare; None for one that is too short."""
    requests = conversation.requests[:1] if unit is Unit.first else conversation.requests
    return [
        None if is_short(text, ngram) else Request(conversation.id, number, text, _mark(text))
        for number, text in enumerate(requests, 1)
    ]


def is_short(text: str, ngram: int) -> bool:
    """Tell whether a request says too little to be recognized: fewer words than a shingle, and not long either."""
    return len(text) < NEVER_SHORT and len(words_of(text)) < ngram


def _mark(text: str) -> bytes:
    data = normalized(text).encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def user_number(name: str | None) -> int:
    """Return what stands for a user in memory; 0 for an empty name, which is no one's."""
    if not name:
        return 0
    digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) or 1
