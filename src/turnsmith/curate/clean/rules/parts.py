"""What rules look at in an example."""

from collections.abc import Iterator

from turnsmith.core.chat import Example, Message, text_of

CODE_SOURCES = ("git", "fim")
"""What `meta.source` is of examples whose answers are code or diffs."""


def is_code(example: Example) -> bool:
    """Return whether an example was mined from a repository."""
    meta = example.get("meta")
    return isinstance(meta, dict) and meta.get("source") in CODE_SOURCES


def of_role(example: Example, role: str) -> Iterator[Message]:
    """Yield the messages of a role in order."""
    return (message for message in example["messages"] if message["role"] == role)


def user_texts(example: Example) -> list[str]:
    """Return the text of each user message."""
    return [text_of(message.get("content")) for message in of_role(example, "user")]


def answers(example: Example) -> list[str]:
    """Return the text of each assistant message."""
    return [text_of(message.get("content")) for message in of_role(example, "assistant")]


def last_answer(example: Example) -> Message | None:
    """Return the last assistant message, None where there is none."""
    return next(
        (message for message in reversed(example["messages"]) if message["role"] == "assistant"), None
    )
