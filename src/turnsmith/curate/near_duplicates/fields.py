"""The text of an example or a conversation that is compared."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

from turnsmith.core.chat import Example, text_of

Field = Literal["user", "assistant", "all", "first_user"]
FIELDS: tuple[Field, ...] = get_args(Field)
_ROLES = {"user": "user", "first_user": "user", "assistant": "assistant"}


def text_of_field(record: Example, field: Field) -> str | None:
    """Return a record's text: the contents of the field's messages, each on lines of its own.

    Taken are `messages` of a chat, turns of a curated conversation, `prompt` and `completion`, and `text`, which
    stands for every field. "all" also takes system and tool messages, and names and arguments of tool calls.
    Returns "" where the field has no text, None where the record is none of these.
    """
    if isinstance(record.get("text"), str):
        return str(record["text"])
    said = _said(record)
    if said is None:
        return None
    texts = (text for role, text in said if field == "all" or role == _ROLES[field])
    return next((text for text in texts if text.strip()), "") if field == "first_user" else "\n".join(texts)


def _said(record: Example) -> Iterator[tuple[Any, str]] | None:
    """Return (role, text) of all that was said, or None where the record has no known shape."""
    if isinstance(record.get("messages"), list):
        return _of_messages(record["messages"])
    if isinstance(record.get("turnsArray"), list):
        return _of_turns(record["turnsArray"])
    if "prompt" in record and "completion" in record:
        return _of_pair(record["prompt"], record["completion"])
    return None


def _of_messages(messages: list[Any]) -> Iterator[tuple[Any, str]]:
    for message in messages:
        if not isinstance(message, dict):
            continue
        yield message.get("role"), text_of(message.get("content"))
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                yield "tool_calls", f"{function.get('name')} {function.get('arguments')}"


def _of_turns(turns: list[Any]) -> Iterator[tuple[Any, str]]:
    for turn in turns:
        if isinstance(turn, dict):
            yield "user", text_of(turn.get("userMessage"))
            yield "assistant", text_of(turn.get("modelMessage"))


def _of_pair(prompt: Any, completion: Any) -> Iterator[tuple[Any, str]]:
    for role, side in (("user", prompt), ("assistant", completion)):
        if isinstance(side, list):
            yield from _of_messages(side)
        else:
            yield role, text_of(side)


def id_of(record: Example) -> str:
    """Return the id that a record has: its conversation's, or `meta.id`, or `id`; else ""."""
    meta = record.get("meta")
    found = (
        record.get("conversationId"),
        meta.get("id") if isinstance(meta, dict) else None,
        record.get("id"),
    )
    return next((str(each) for each in found if isinstance(each, str | int)), "")
