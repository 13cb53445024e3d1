"""What is counted of an example."""

from dataclasses import dataclass

from turnsmith.core.chat import Example, Message
from turnsmith.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Tokens:
    """Hold an example's tokens; `trained` are those that carry loss, None where a template does not tell."""

    total: int
    trained: int | None


def messages_of(example: Example) -> list[Message]:
    """Return an example's messages; a pair of `prompt` and `completion` in messages is one conversation.

    Raises InputError where there are none, or where one is no object.
    """
    messages = example.get("messages")
    if messages is None and isinstance(example.get("prompt"), list):
        completion = example.get("completion")
        messages = [*example["prompt"], *(completion if isinstance(completion, list) else [])]
    if not isinstance(messages, list) or not messages:
        raise InputError("neither messages nor text")
    if not all(isinstance(message, dict) for message in messages):
        raise InputError("a message is no object")
    return messages
