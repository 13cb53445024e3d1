"""Pseudonyms under a private key: the same value has the same one in every set made with that key."""

from pathlib import Path

from turnsmith.core.errors import UsageError
from turnsmith.curate.scrub.placeholders import keyed

SHORTEST_KEY = 16
HEX_DIGITS = 16


def read_key(path: Path) -> bytes:
    """Return the key that a file holds, all of its bytes as they are.

    Raises UsageError for a file that can't be read or holds fewer than 16 bytes, which could be guessed.
    """
    try:
        key = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the key can't be read: {error.strerror or error}") from error
    if len(key) < SHORTEST_KEY:
        raise UsageError(
            f"{path}: a key needs {SHORTEST_KEY} bytes or more, this file has {len(key)}; "
            "make one with: openssl rand -hex 32 > KEYFILE"
        )
    return key


def key_id(key: bytes) -> str:
    """Return what tells one key from another without giving it away."""
    return keyed(key, "key", "id")[:HEX_DIGITS]


def pseudonym_of_user(key: bytes, name: str) -> str:
    """Return the pseudonym of a user name, such as `user_9f86d081884c7d65`."""
    return f"user_{keyed(key, 'user', name)[:HEX_DIGITS]}"
