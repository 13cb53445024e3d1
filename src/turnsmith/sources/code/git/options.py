"""What a user chooses for mining, checked."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from turnsmith.core.chat import Message, text_of
from turnsmith.core.errors import UsageError
from turnsmith.curate.lengths.tokenizers import load_tokenizer
from turnsmith.sources.code.git.examples import KINDS, USUAL, Fits
from turnsmith.sources.code.git.history import Window
from turnsmith.sources.code.licenses import Policy

AUTHOR_DIGITS = 16


@dataclass(frozen=True, slots=True)
class MineOptions:
    """Hold the options of `turnsmith mine git`, under the same names.

    `window` is about commit times; `max_chars` and `max_tokens` bound a whole example, system prompt included;
    `workers` are the processes that build examples, by default as many as there are cores, 8 at most.
    """

    window: Window = field(default_factory=Window)
    branch: str = "HEAD"
    all_branches: bool = False
    kinds: tuple[str, ...] = USUAL
    max_per_author: int | None = None
    max_files: int = 20
    max_lines: int = 1200
    max_chars: int = 24_000
    max_tokens: int | None = None
    tokenizer: str | None = None
    key_file: Path | None = None
    policy: Policy = field(default_factory=Policy)
    workers: int | None = None

    def fits(self) -> Fits:
        """Return what tells whether an example keeps to the budget. Raises UsageError for an unknown tokenizer."""
        if self.max_tokens is None:
            return lambda messages: _chars(messages) <= self.max_chars
        most, tokenizer = self.max_tokens, load_tokenizer(self.tokenizer)
        return lambda messages: (
            _chars(messages) <= self.max_chars
            and sum(tokenizer.count_content(text_of(message["content"])) for message in messages) <= most
        )

    def author_hash(self) -> "AuthorHash":
        """Return what turns an address into a hash. Raises UsageError for a key that can't be used."""
        if self.key_file is None:
            return AuthorHash(None)
        from turnsmith.curate.scrub.pseudonyms import read_key  # brings all rules of scrubbing with it

        return AuthorHash(read_key(self.key_file))


@dataclass(frozen=True, slots=True)
class AuthorHash:
    """Turn an author's address into 16 hex digits: SHA-256 of it in lower case, or HMAC-SHA-256 under a key."""

    key: bytes | None

    def of(self, email: str) -> str:
        """Return the hash of an address."""
        data = email.strip().lower().encode("utf-8", "replace")
        if self.key is None:
            return hashlib.sha256(data).hexdigest()[:AUTHOR_DIGITS]
        return hmac.new(self.key, data, hashlib.sha256).hexdigest()[:AUTHOR_DIGITS]


def kinds_of(text: str) -> tuple[str, ...]:
    """Return the kinds that a comma-separated list names, in the order of `KINDS`. Raises UsageError."""
    named = {name.strip().lower() for name in text.split(",") if name.strip()}
    if unknown := sorted(named - set(KINDS)):
        raise UsageError(f"--kinds: {', '.join(unknown)}: not known; choose from {', '.join(KINDS)}")
    if not named:
        raise UsageError(f"--kinds: name one or more of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in named)


def window_of(since: str | None, until: str | None) -> Window:
    """Return the window that two dates or times name; without an offset they are UTC. Raises UsageError."""
    window = Window(_seconds("--since", since), _seconds("--until", until))
    if window.since is not None and window.until is not None and window.since >= window.until:
        raise UsageError(f"--since {since} is not before --until {until}")
    return window


def _seconds(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is no date or time such as 2024-01-31 or 2024-01-31T12:00:00Z"
        ) from error
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def _chars(messages: Sequence[Message]) -> int:
    return sum(len(message["content"]) for message in messages)
