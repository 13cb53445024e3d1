"""What must not be split: a conversation, a file of a repository, a commit."""

from typing import Any

from turnsmith.core.chat import Example

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


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
