"""Rules about what must be there: a user who asks, an assistant who answers, text to train on."""

from collections.abc import Callable
from typing import Any

from turnsmith.core.chat import Example, text_of
from turnsmith.curate.clean.rules.parts import last_answer, of_role, user_texts


def malformed(example: Example) -> bool:
    """Take what has neither messages (objects with a role) nor a text, and a `meta` that is no object."""
    if not isinstance(example.get("meta", {}), dict | None):
        return True
    if "messages" not in example:
        return not isinstance(example.get("text"), str)
    messages = example["messages"]
    return not isinstance(messages, list) or not messages or not all(map(_is_message, messages))


def _is_message(message: Any) -> bool:
    return (
        isinstance(message, dict)
        and isinstance(message.get("role"), str)
        and isinstance(message.get("content"), str | list | None)
    )


def no_assistant(example: Example) -> bool:
    """Take a conversation without an assistant message."""
    return last_answer(example) is None


def no_user(example: Example) -> bool:
    """Take a conversation without a user message."""
    return not any(True for _ in of_role(example, "user"))


def no_trainable_token(example: Example) -> bool:
    """Take a conversation whose last assistant message has neither text nor tool calls."""
    answer = last_answer(example)
    return answer is not None and not answer.get("tool_calls") and not text_of(answer.get("content")).strip()


def non_text(example: Example) -> bool:
    """Take a conversation whose user messages hold no letter at all: images, numbers, marks."""
    return not any(character.isalpha() for text in user_texts(example) for character in text)


def short_user(min_chars: int) -> Callable[[Example], bool]:
    """Return a rule that takes conversations with less user text than `min_chars`, outer spaces left out."""

    def drops(example: Example) -> bool:
        return sum(len(text.strip()) for text in user_texts(example)) < min_chars

    return drops


def over_tokens(limit: int, count: Callable[[Example], int]) -> Callable[[Example], bool]:
    """Return a rule that takes examples of more than `limit` tokens."""
    return lambda example: count(example) > limit
