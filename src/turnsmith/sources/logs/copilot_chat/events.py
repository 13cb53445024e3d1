"""Transcripts, `{type, id, parentId, timestamp, data}` a line, as the extension and the Copilot CLI write them.

The extension's own files say that a tool ended, but not always what it gave back.
"""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from turnsmith.core.chat import text_of
from turnsmith.curate.account import Account
from turnsmith.sources.logs.copilot_chat.parts import call_id
from turnsmith.sources.logs.documents import first_records, read_records
from turnsmith.sources.logs.drafts import Draft, settle
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript
from turnsmith.sources.logs.values import Record, as_json, instant, items, shown, string, table

FAMILIES = ("session.", "user.", "assistant.", "tool.")
KNOWN = frozenset({"session.start", "session.resume", "session.model_change"})


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a transcript of events."""
    heads = first_records(head)
    return any("data" in fields and fields.get("type", "").startswith(FAMILIES) for fields in heads)


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversation of a transcript; memory is bounded by its texts."""
    drafts: list[Draft] = []
    start: Record = {}
    model: str | None = None
    for place, event in read_records(path, account):
        kind, data = string(event.get("type")), table(event.get("data"))
        if data.get("parentToolCallId") or event.get("agentId"):
            account.drop("event of a sub-agent", place)
        elif kind in KNOWN:
            start = start or (data if kind == "session.start" else start)
            model = string(data.get("newModel")) or string(data.get("selectedModel")) or model
            account.kept += 1
        else:
            message = _message(kind, data, instant(event.get("timestamp")), model)
            if isinstance(message, str):
                account.drop(message, place)
            else:
                drafts.append(Draft(message, [place]))
                message.id = string(event.get("id")) or None
    messages = settle(drafts, account)
    if messages:
        context = table(start.get("context"))
        yield Transcript(
            source="copilot-chat",
            id=string(start.get("sessionId")) or PurePath(path).name.split(".")[0],
            messages=messages,
            place=path,
            repo=string(context.get("repository")) or None,
            branch=string(context.get("branch")) or None,
            version=string(start.get("copilotVersion")) or None,
        )


def _message(kind: str, data: Record, time: str | None, model: str | None) -> Message | str:
    """Return the message of an event, or why there is none."""
    said = text_of(data.get("content")).strip()
    if kind == "user.message":
        return Message("user", said, time=time) if said else "empty message"
    if kind == "assistant.message":
        calls = [_call(call) for call in map(table, items(data.get("toolRequests")))]
        return Message(
            "assistant",
            said,
            tool_calls=[call for call in calls if call.id],
            reasoning=string(data.get("reasoningText")).strip(),
            model=string(data.get("model")) or model,
            time=time,
        )
    if kind == "tool.execution_complete":
        given = _result(data)
        if given is None:
            return "tool result without its text"
        failed = data.get("success") is False
        return Message(
            "tool", given, tool_call_id=call_id(data.get("toolCallId")), is_error=failed, time=time
        )
    return "notice of the client" if kind.startswith(FAMILIES) else "record of an unknown kind"


def _call(call: Record) -> ToolCall:
    return ToolCall(call_id(call.get("toolCallId")), string(call.get("name")), as_json(call.get("arguments")))


def _result(data: Record) -> str | None:
    """Return what a tool gave back to the model; None where the file does not say."""
    for value in (data.get("result"), data.get("error")):
        content: Any = value.get("content", value.get("message")) if isinstance(value, dict) else value
        if content is not None:
            return shown(content)
    return None
