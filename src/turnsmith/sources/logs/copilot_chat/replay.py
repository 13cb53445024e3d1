"""Chat replays, `*.chatreplay.json`: what the debug view of the extension logged, `prompts[].logs[]`.

A log entry is an `element` (how the prompt was laid out), a `request` to the model with its answer, or a
`toolCall`. The answer's text is in its request, its tool calls are the entries that follow. A prompt that the
view had to split goes on in the next one, which says so (`hasSeen`).
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from turnsmith.core.chat import encode
from turnsmith.curate.account import Account
from turnsmith.sources.logs.copilot_chat.parts import FAILED_TOOL, call_id, joined
from turnsmith.sources.logs.documents import top_fields
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript, Usage
from turnsmith.sources.logs.values import Record, as_json, count, instant, items, record, shown, string

ASSISTANT = 2  # the role's number in the messages of a request


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a chat replay, or one prompt of it."""
    fields = top_fields(head)
    return b'"logs"' in head and ("prompts" in fields or {"prompt", "logs"} <= fields.keys())


def read(document: Any, path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversations of a replay: a request without an earlier answer in it begins one."""
    root = record(document)
    prompts = items(root.get("prompts")) if "prompts" in root else [root]
    conversations: list[list[Message]] = [[]]
    for number, prompt in enumerate(prompts):
        logs = record(prompt).get("logs")
        if document is not None and not isinstance(logs, list):
            account.read += 1
            account.spoil(f"{path}:prompts[{number}]", "prompt without a list of log entries")
        pending = _prompt_message(record(prompt), conversations[-1])
        for index, entry in enumerate(items(logs)):
            account.read += 1
            place = f"{path}:prompts[{number}].logs[{index}]"
            if not isinstance(entry, dict):
                account.spoil(place, "no JSON object")
                continue
            reason = _use(entry, conversations, pending)
            if reason:
                account.drop(reason, place)
            else:
                account.kept += 1
    for messages in conversations:
        if messages:
            yield Transcript(source="copilot-chat", id=_id_of(messages), messages=messages, place=path)


def _id_of(messages: list[Message]) -> str:
    """Return an id made of the beginning, so that it stays when the log is exported again."""
    first = messages[0]
    return hashlib.sha256(encode({"time": first.time, "text": first.text})).hexdigest()[:32]


def _prompt_message(prompt: Record, before: list[Message]) -> list[Message]:
    """Return the request that the next answer belongs to; none where it stands there already."""
    text = string(prompt.get("prompt")).strip()
    seen = prompt.get("hasSeen") is True and any(message.text == text for message in before)
    return [] if seen or not text else [Message("user", text)]


def _use(entry: Record, conversations: list[list[Message]], pending: list[Message]) -> str | None:
    """Add what an entry says to the last conversation; return why it is of no use, or None."""
    kind = entry.get("kind")
    if kind == "toolCall":
        _add_call(entry, conversations[-1], pending)
        return None
    if kind != "request":
        return "layout of a prompt" if kind == "element" else "record of an unknown kind"
    name = string(entry.get("name"))
    if name and not name.startswith(("panel/", "inline/", "editingSession/")):
        return "request beside the conversation"
    response = entry.get("response")
    if record(response).get("type", "success") != "success":
        return "request without an answer"
    metadata = record(entry.get("metadata"))
    if pending and conversations[-1] and not _has_history(entry):
        conversations.append([])
    time = instant(metadata.get("startTime"))
    if pending:
        pending[0].time = time
        conversations[-1].append(pending.pop())
    conversations[-1].append(
        Message(
            "assistant",
            joined(record(response).get("message")).strip(),
            model=string(metadata.get("model")) or None,
            time=time,
            usage=_usage(record(metadata.get("usage"))),
        )
    )
    return None


def _has_history(request: Record) -> bool:
    """Say whether the model was shown an earlier answer."""
    shown = request.get("requestMessages")
    messages = shown if isinstance(shown, list) else items(record(shown).get("messages"))
    return any(record(message).get("role") in (ASSISTANT, "assistant") for message in messages)


def _add_call(entry: Record, messages: list[Message], pending: list[Message]) -> None:
    messages += pending
    pending.clear()
    index = len(messages)
    while index and messages[index - 1].role == "tool":
        index -= 1
    if not index or messages[index - 1].role != "assistant":
        messages.append(Message("assistant"))
        index = len(messages)
    identity = call_id(entry.get("id"))
    arguments = as_json(entry.get("args"))
    answer = messages[index - 1]
    answer.tool_calls = [*answer.tool_calls, ToolCall(identity, string(entry.get("tool")), arguments)]
    text = shown(entry.get("response"))
    failed = text.startswith(FAILED_TOOL)
    time = instant(entry.get("time"))
    messages.append(Message("tool", text, tool_call_id=identity, is_error=failed, time=time))


def _usage(usage: Record) -> Usage | None:
    if not usage:
        return None
    return Usage(
        prompt_tokens=count(usage.get("prompt_tokens")),
        completion_tokens=count(usage.get("completion_tokens")),
        cached_tokens=count(record(usage.get("prompt_tokens_details")).get("cached_tokens")),
    )
