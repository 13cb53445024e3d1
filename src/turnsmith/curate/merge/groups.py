"""What must not be split: a repository, a conversation, a file, a commit."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from turnsmith.core.chat import Example
from turnsmith.core.hashing import portable_hash

CONVERSATION_KEYS = ("conversation", "conversation_id", "conversationId")


def group_of(example: Example, mark: bytes) -> str:
    """Return the name of an example's group; `mark` is its fingerprint.

    `meta.group` goes first, then the conversation's id; then the file (repository and path) of a
    fill-in-the-middle example, or the commit (repository and commit) of a chat example, else its file. What has
    none of them is a group of its own.
    """
    meta = example.get("meta") or {}
    if group := _text(meta.get("group")):
        return f"group:{group}"
    for key in CONVERSATION_KEYS:
        if conversation := _text(meta.get(key)):
            return f"conversation:{conversation}"
    repo, path, commit = (_text(meta.get(key)) for key in ("repo", "path", "commit"))
    if repo and commit and "messages" in example:
        return f"commit:{repo}:{commit}"
    if repo and path:
        return f"file:{repo}:{path}"
    return f"text:{mark.hex()}"


def repository_of(example: Example) -> str:
    """Return the repository that an example names, "" for none."""
    return _text((example.get("meta") or {}).get("repo"))


def file_of(example: Example) -> str:
    """Return the file of a repository that an example of code is about, the first of several; "" for none."""
    meta = example.get("meta") or {}
    paths = meta.get("paths")
    return _text(paths[0]) if isinstance(paths, list) and paths else _text(meta.get("path"))


@dataclass(slots=True)
class Repositories:
    """Hold, for each indexed example, the hashes of its repository and of its file there; 0 for none.

    `mined` names the repositories that examples of code come from, by hash.
    """

    repos: "array[int]" = field(default_factory=lambda: array("Q"))
    files: "array[int]" = field(default_factory=lambda: array("Q"))
    mined: dict[int, str] = field(default_factory=dict)

    def add(self, example: Example) -> None:
        """Note the next example."""
        repo, path = repository_of(example), file_of(example)
        self.repos.append(portable_hash(f"repo:{repo}") if repo else 0)
        self.files.append(portable_hash(f"file:{repo}:{path}") if repo and path else 0)
        if repo and path:
            self.mined.setdefault(self.repos[-1], repo)

    def regroup(self, groups: "array[int]") -> list[str]:
        """Put each mined repository into one group, sessions in it too; return what to tell the reader.

        Where there is only one such repository, its files are the groups.
        """
        alone = len(self.mined) == 1
        for each, (repo, path) in enumerate(self._pairs()):
            if repo in self.mined:
                groups[each] = repo if not alone else path or groups[each]
        if not alone:
            return []
        return [f"{next(iter(self.mined.values()))} is the only repository, so it is split by file"]

    def _pairs(self) -> Iterable[tuple[int, int]]:
        return zip(self.repos, self.files, strict=True)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
