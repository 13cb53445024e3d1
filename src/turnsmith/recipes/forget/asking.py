"""What is to be forgotten: users by name and conversations by id, matched exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.lines import read_lines
from turnsmith.curate.scrub.pseudonyms import key_id, pseudonym_of_user, read_key

PSEUDONYM = "user_"


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold whom and what to forget; `key_file` holds the key of a set with pseudonyms."""

    users: frozenset[str] = frozenset()
    conversations: frozenset[str] = frozenset()
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if not self.users and not self.conversations:
            raise UsageError("name what to forget: --user NAME, --conversation ID or --file IDS")
        if "" in self.users or "" in self.conversations:
            raise UsageError("--user and --conversation: an empty name matches nothing")

    def matching(self, config: Mapping[str, Any]) -> "Matching":
        """Return what matches in a set of that configuration; raises UsageError for a missing or wrong key."""
        if config.get("pseudonymize") is None or not self.users:
            return Matching(self.users, self.conversations, self.users)
        if self.key_file is not None:
            key = read_key(self.key_file)
            if key_id(key) != config["pseudonymize"]:
                raise UsageError(f"--pseudonymize: {self.key_file} is not the key that the set was made with")
            names = frozenset(pseudonym_of_user(key, user) for user in self.users)
            return Matching(names, self.conversations, names | self.users)
        if not all(user.startswith(PSEUDONYM) for user in self.users):
            raise UsageError(
                "--user: the set has pseudonyms; give --pseudonymize KEYFILE with the key that it was made with, "
                "or the pseudonym itself"
            )
        return Matching(self.users, self.conversations, self.users)


@dataclass(frozen=True, slots=True)
class Matching:
    """Tell what is to go: the names as the set has them, and in `raw_users` also as events have them."""

    users: frozenset[str]
    conversations: frozenset[str]
    raw_users: frozenset[str] = field(repr=False)

    def takes(self, conversation: str | None, user: str | None) -> bool:
        """Tell whether a conversation is to go."""
        return conversation in self.conversations or user in self.users


def read_ids(path: str) -> frozenset[str]:
    """Return the conversation ids of a file, one a line; raises InputError that names the line."""
    ids = set()
    for number, line in read_lines(path):
        try:
            ids.add(line.decode())
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}:{number}: not UTF-8; the file holds one conversation id a line"
            ) from error
    if not ids:
        raise InputError(f"{path}: holds no id; it needs one conversation id a line")
    return frozenset(ids)
