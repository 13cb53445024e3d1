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
from turnsmith.sources.logs.drafts import Draft, settle
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript, Usage
from turnsmith.sources.logs.values import Record, as_json, count, instant, items, shown, string, table

CONVERSATIONS = ("panel/", "inline/", "editingSession/")
ASSISTANT = 2  # the role's number in the messages of a request


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is a chat replay, or one prompt of it."""
    fields = top_fields(head)
    return b'"logs"' in head and ("prompts" in fields or {"prompt", "logs"} <= fields.keys())


def read(document: Any, path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversations of a replay: a request without an earlier answer in it begins one."""
    root = table(document)
    prompts = items(root.get("prompts")) if "prompts" in root else [root]
    log = _Log()
    for number, prompt in enumerate(prompts):
        entries = table(prompt).get("logs")
        if document is not None and not isinstance(entries, list):
            account.read += 1
            account.spoil(f"{path}:prompts[{number}]", "prompt without a list of log entries")
        log.ask(table(prompt))
        for index, entry in enumerate(items(entries)):
            account.read += 1
            place = f"{path}:prompts[{number}].logs[{index}]"
            if not isinstance(entry, dict):
                account.spoil(place, "no JSON object")
            elif reason := log.take(entry, place):
                account.drop(reason, place)
    for drafts in log.conversations:
        messages = settle(drafts, account)
        if messages:
            yield Transcript(source="copilot-chat", id=_id_of(messages), messages=messages, place=path)


def _id_of(messages: list[Message]) -> str:
    """Return an id made of the beginning, so that it stays when the log is exported again."""
    first = messages[0]
    return hashlib.sha256(encode({"time": first.time, "text": first.text})).hexdigest()[:32]


class _Log:
    """Put the entries of a log together to conversations, in their order."""

    def __init__(self) -> None:
        self.conversations: list[list[Draft]] = [[]]
        self._asked: set[str] = set()
        self._request: Draft | None = None  # waits for the first answer to it
        self._answer: Draft | None = None  # the one that tool calls belong to

    def ask(self, prompt: Record) -> None:
        """Take in what a person asked, unless the prompt only goes on with it."""
        text = string(prompt.get("prompt")).strip()
        if text and not (prompt.get("hasSeen") is True and text in self._asked):
            self._asked.add(text)
            self._request = Draft(Message("user", text))

    def take(self, entry: Record, place: str) -> str | None:
        """Take in a log entry; return why it is of no use, or None."""
        kind = entry.get("kind")
        if kind == "request":
            return self._take_request(entry, place)
        if kind == "toolCall":
            return self._take_call(entry, place)
        return "layout of a prompt" if kind == "element" else "record of an unknown kind"

    def _take_request(self, entry: Record, place: str) -> str | None:
        name, response = string(entry.get("name")), table(entry.get("response"))
        if name and not name.startswith(CONVERSATIONS):
            return "request beside the conversation"
        if response.get("type", "success") != "success":
            return "request without an answer"
        metadata = table(entry.get("metadata"))
        time = instant(metadata.get("startTime"))
        if self._request and not _has_history(entry):
            self.conversations.append([])
        self._begin(time)
        answer = Message(
            "assistant",
            joined(response.get("message")).strip(),
            model=string(metadata.get("model")) or None,
            time=time,
            usage=_usage(table(metadata.get("usage"))),
        )
        self._answer = Draft(answer, [place])
        self.conversations[-1].append(self._answer)
        return None

    def _take_call(self, entry: Record, place: str) -> str | None:
        identity = call_id(entry.get("id"))
        if not identity:
            return "tool call without an id"
        time = instant(entry.get("time"))
        self._begin(time)
        if self._answer is None:
            self._answer = Draft(Message("assistant", time=time))
            self.conversations[-1].append(self._answer)
        call = ToolCall(identity, string(entry.get("tool")), as_json(entry.get("args")))
        self._answer.message.tool_calls.append(call)
        text = shown(entry.get("response"))
        failed = text.startswith(FAILED_TOOL)
        result = Message("tool", text, tool_call_id=identity, is_error=failed, time=time)
        self.conversations[-1].append(Draft(result, [place]))
        return None

    def _begin(self, time: str | None) -> None:
        """Put the request before what was done about it."""
        if self._request:
            self._request.message.time = time
            self.conversations[-1].append(self._request)
            self._request = self._answer = None


def _has_history(request: Record) -> bool:
    """Say whether the model was shown an earlier answer."""
    shown_messages = request.get("requestMessages")
    messages = shown_messages if isinstance(shown_messages, list) else table(shown_messages).get("messages")
    return any(table(message).get("role") in (ASSISTANT, "assistant") for message in items(messages))


def _usage(usage: Record) -> Usage | None:
    if not usage:
        return None
    return Usage(
        prompt_tokens=count(usage.get("prompt_tokens")),
        completion_tokens=count(usage.get("completion_tokens")),
        cached_tokens=count(table(usage.get("prompt_tokens_details")).get("cached_tokens")),
    )
