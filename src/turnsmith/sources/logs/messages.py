"""Chat messages as OpenAI's APIs have them: `{"messages": [{"role", "content", …}]}`, in JSON Lines or an array.

Older forms come along: `function_call` with role `function`, lists of content parts, role `developer`. What
Turnsmith itself wrote keeps its id, its group, its repository and its branch.
"""

from collections.abc import Iterator
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.claude_design import MARK
from turnsmith.sources.logs.json_files import read_values, shape_of
from turnsmith.sources.logs.records import identity
from turnsmith.sources.logs.thread import NO_CALL, Thread
from turnsmith.sources.logs.transcript import Message, Transcript
from turnsmith.sources.logs.values import items, string, table, tables, utc

KIND = "messages"
SUFFIXES = (".json", ".jsonl")
KEYS = ("messages", "conversation", "conversations")
ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_MEDIA = {"image_url": "[image]", "image": "[image]", "input_audio": "[audio]", "file": "[file]"}
_REASONING = ("reasoning_content", "reasoning", "thinking")


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes holds messages of `role` and `content`."""
    shape = shape_of(head)
    return MARK not in shape and any(
        f"{key}.role" in shape and bool({f"{key}.content", f"{key}.tool_calls"} & shape) for key in KEYS
    )


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversations of one file; the account counts messages, and `bad` what is no conversation."""
    for place, value in read_values(path, account):
        record = table(value)
        found = next((record[key] for key in KEYS if isinstance(record.get(key), list)), None)
        if found is None:
            account.spoil(place, "no list of messages")
            continue
        if record.get("tools") or record.get("functions"):
            account.note("records with definitions of tools, which are left out")
        thread = Thread(account)
        account.read += len(found)
        for message in found:
            if reason := _add(thread, table(message), account):
                account.drop(reason, place)
            else:
                account.kept += 1
        thread.give_up()
        if thread.messages:
            yield _transcript(record, thread.messages, place)
        else:
            account.note("conversations without messages")


def _transcript(record: dict[str, Any], messages: list[Message], place: str) -> Transcript:
    meta = table(record.get("meta"))
    return Transcript(
        source=KIND,
        id=identity(record, place),
        messages=messages,
        place=place,
        # The group of an example is what must not be split, which is what a parent session is for.
        parent=string(meta.get("group")) or None,
        title=string(meta.get("title")) or string(record.get("title")) or None,
        repo=string(meta.get("repo")) or None,
        branch=string(meta.get("branch")) or None,
    )


def _add(thread: Thread, message: dict[str, Any], account: Account) -> str | None:
    """Add one message; return why it is left out, if it is."""
    role = ROLES.get(string(message.get("role")))
    if role is None:
        return "unknown role"
    if message.get("weight") == 0:
        account.note("messages of weight 0: the weight is left out")
    said = _said(message.get("content"), account)
    made = Message(role=role, text=said, time=utc(message.get("timestamp")))
    if role == "tool":
        given, name = string(message.get("tool_call_id")), string(message.get("name"))
        return None if thread.answer(made, given, name) else NO_CALL
    if role == "assistant":
        made.reasoning = next((found for key in _REASONING if (found := string(message.get(key)))), "")
        made.text = said or string(message.get("refusal"))
        made.model = string(message.get("model")) or None
        for call in tables(message.get("tool_calls")):
            function = table(call.get("function"))
            made.tool_calls.append(
                thread.call(string(function.get("name")), function.get("arguments"), string(call.get("id")))
            )
        if legacy := table(message.get("function_call")):
            made.tool_calls.append(thread.call(string(legacy.get("name")), legacy.get("arguments")))
    if not (made.text.strip() or made.tool_calls):
        return "only reasoning" if made.reasoning.strip() else "empty message"
    if role == "user":
        thread.give_up()
    thread.messages.append(made)
    return None


def _said(content: Any, account: Account) -> str:
    if isinstance(content, str):
        return content
    parts = [part if isinstance(part, str) else _part(table(part), account) for part in items(content)]
    return "\n".join(part for part in parts if part)


def _part(part: dict[str, Any], account: Account) -> str:
    kind = string(part.get("type"))
    if kind in _MEDIA:
        account.note("images and sounds, marked as such")
        return _MEDIA[kind]
    said = string(part.get("text")) or string(part.get("refusal"))
    if not said:
        account.note("parts of an unknown type, left out")
    return said
