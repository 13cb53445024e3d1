"""claude.ai's design chats, another form of record beside the conversations, told in terms of those.

Known from a schema that others inferred from real exports: `messages`, whose `content` is an object with
`contentBlocks`; a tool's output stands with its call.
"""

from typing import Any

from turnsmith.sources.logs.values import items, string, table, tables

MARK = "messages.content.contentBlocks"


def as_conversation(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with `chat_messages`, made from a design chat; any other record as it is."""
    messages = items(record.get("messages"))
    if "chat_messages" in record or not any(
        "contentBlocks" in table(m.get("content")) for m in tables(messages)
    ):
        return record
    return {**record, "chat_messages": [_message(one) if isinstance(one, dict) else one for one in messages]}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    content = table(message.get("content"))
    attachments = [one for one in tables(content.get("attachments")) if one.get("hidden") is not True]
    return {
        "uuid": message.get("uuid"),
        "sender": message.get("role"),
        "created_at": message.get("created_at"),
        "text": content.get("content"),
        "content": [part for block in tables(content.get("contentBlocks")) for part in _blocks(block)],
        "attachments": [_attachment(one) for one in attachments],
    }


def _blocks(block: dict[str, Any]) -> list[dict[str, Any]]:
    if block.get("type") == "thinking":
        return [{"type": "thinking", "thinking": string(block.get("text")) or block.get("message")}]
    if block.get("type") != "tool_call":
        return [block]
    call = table(block.get("toolCall"))
    use = {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("input")}
    if "output" not in call:
        return [use]
    return [use, {"type": "tool_result", "tool_use_id": call.get("id"), "content": call["output"]}]


def _attachment(attachment: dict[str, Any]) -> dict[str, Any]:
    kind = attachment.get("type")
    return {
        "file_name": attachment.get("name"),
        "file_kind": kind,
        # The content of an image is no text, and a skill's is the product's.
        "extracted_content": None if kind in ("image", "skill") else attachment.get("content"),
    }
