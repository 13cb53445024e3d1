"""Make transcripts of a conversation's records: blocks merged to messages, cut at compactions."""

from collections.abc import Iterator
from pathlib import PurePath

from turnsmith.curate.account import Account
from turnsmith.sources.logs.claude_code.blocks import (
    arguments_of,
    parts_of,
    result_text,
    usage_of,
    widened,
)
from turnsmith.sources.logs.claude_code.conversations import Conversation, is_boundary
from turnsmith.sources.logs.claude_code.forks import left_behind
from turnsmith.sources.logs.claude_code.records import Block, Record, plain
from turnsmith.sources.logs.claude_code.wrappers import (
    COMMAND,
    COMMAND_OUTPUT,
    INTERRUPTED,
    PLAN,
    SUMMARY,
    command_of,
    told,
)
from turnsmith.sources.logs.recounting import completion_tokens
from turnsmith.sources.logs.transcript import Message, ToolCall, Transcript

SOURCE = "claude-code"
SYNTHETIC = "<synthetic>"
# Agents that the client runs for itself on a copy of the conversation.
OWN_AGENTS = ("acompact-", "aprompt_suggestion-", "aside_question-")
QUEUED = "queued_command"
PEOPLE = (None, "human")


def build(conversation: Conversation, path: str, account: Account) -> Iterator[Transcript]:
    """Yield the segments of a conversation; each of its records is counted as kept or dropped."""
    if conversation.agent and conversation.agent.startswith(OWN_AGENTS):
        for record in conversation.records:
            _drop(record, "record of the client's own agent", path, account)
        return
    records = conversation.records
    abandoned = left_behind(records, conversation.parents, is_prompt)
    segments = _Segments(conversation, path, account)
    for record in records:
        if record.uuid in abandoned:
            _drop(record, "record of an abandoned branch", path, account)
        elif finished := segments.take(record):
            yield finished
    if finished := segments.finish():
        yield finished


def _drop(record: Record, reason: str, path: str, account: Account) -> None:
    if not is_boundary(record):  # which was counted when it was read
        account.drop(reason, f"{path}:{record.line}")


def is_prompt(record: Record) -> bool:
    """Say whether a user record holds something that a person typed or attached."""
    if record.is_meta or record.is_compact_summary or not _from_a_person(record):
        return False
    return any(
        block.type != "tool_result" and (block.type != "text" or told(block.text or "").text)
        for block in parts_of(record)
    )


def _from_a_person(record: Record) -> bool:
    """Say whether a record may come from a person; newer versions name who else sends messages."""
    return record.origin is None or record.origin.kind in PEOPLE


class _Segments:
    """Grow the segment at hand from one record after the other."""

    def __init__(self, conversation: Conversation, path: str, account: Account) -> None:
        self._conversation = conversation
        self._path = path
        self._account = account
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._messages: list[Message] = []
        self._by_id: dict[str, Message] = {}
        self._results: set[str] = set()
        self._queued: set[str] = set()
        self._command = ""
        self._first: Record | None = None

    def take(self, record: Record) -> Transcript | None:
        """Add a record; return the segment that it ends."""
        finished = None
        if is_boundary(record) or record.is_compact_summary:
            finished = self.finish()
        if record.type == "assistant":
            dropped = self._take_assistant(record)
        elif record.type == "user":
            dropped = self._take_user(record)
        else:
            return finished
        if dropped:
            _drop(record, dropped, self._path, self._account)
        else:
            self._account.kept += 1
            self._first = self._first or record
        return finished

    def finish(self) -> Transcript | None:
        """Return what was gathered since the last cut, if anything."""
        messages, first = self._messages, self._first
        self._begin()
        if first is None:
            return None
        conversation = self._conversation
        for message in messages:
            if message.usage is not None:  # what the source says is a placeholder more often than not
                message.usage.completion_tokens = completion_tokens(message)
                message.usage.recounted = message.usage.completion_tokens is not None
        transcript = Transcript(
            source=SOURCE,
            id=conversation.id or PurePath(self._path).stem,
            messages=messages,
            place=f"{self._path}:{first.line}",
            segment=self._number,
            parent=conversation.session if conversation.agent else None,
            cwd=first.cwd or None,
            repo=_last_folder(first.cwd),
            branch=first.git_branch or None,
            version=first.version,
        )
        self._number += 1
        return transcript

    def _take_assistant(self, record: Record) -> str | None:
        message = record.message
        if message is None or not (blocks := parts_of(record)):
            return "message without content"
        if message.model == SYNTHETIC or record.is_api_error_message:
            return "synthetic message"
        if self._command:
            self._request(record, self._command, generated=True)
        merged = self._by_id.get(message.id or "")
        if merged is None:
            merged = Message(
                "assistant", model=message.model, time=record.timestamp, id=message.id or record.uuid
            )
            self._messages.append(merged)
            if message.id:
                self._by_id[message.id] = merged
        merged.usage = widened(merged.usage, usage_of(message.usage))
        for block in blocks:
            self._take_block(merged, block)
        return None

    def _take_block(self, message: Message, block: Block) -> None:
        if block.type == "text":
            message.text = _joined(message.text, block.text or "")
        elif block.type == "thinking":
            message.reasoning = _joined(message.reasoning, block.thinking or "")
        elif block.type == "tool_use":
            call = ToolCall(block.id or "", block.name or "", arguments_of(block))
            message.tool_calls = [*message.tool_calls, call]
        else:
            self._account.note(f"assistant's block left out: {plain(block.type)}")

    def _take_user(self, record: Record) -> str | None:
        if record.is_compact_summary:
            text = "\n".join(block.text or "" for block in parts_of(record)).strip()
            self._request(record, text, generated=True)
            return None if text else "empty text"
        if record.is_meta:
            return self._take_meta(record)
        if not _from_a_person(record):
            return "message from elsewhere"
        typed: list[str] = []
        wrappers: list[str] = []
        used = repeated = False
        for block in parts_of(record):
            if block.type == "tool_result":
                repeated = not self._take_result(record, block)
                used = used or not repeated
            elif block.type == "text":
                text, found = told(block.text or "")
                typed.append(text)
                wrappers += self._react(record, block.text or "", found)
            else:
                typed.append(f"[{plain(block.type)}]")
                self._account.note(f"marked instead of its content: {plain(block.type)}")
        text = "\n".join(part for part in typed if part)
        if text and record.subtype == QUEUED:
            self._queued.add(text)
        elif text in self._queued:  # some are written once more when their turn has come
            self._queued.discard(text)
            return "queued prompt, repeated"
        if text:
            self._request(record, text)
            for what in wrappers:
                self._account.note(f"taken out of a request: {what}")
        generated = PLAN in wrappers or SUMMARY in wrappers
        if used or text or generated:
            return None
        return "repeated tool result" if repeated else (wrappers or ["empty text"])[0]

    def _react(self, record: Record, text: str, wrappers: list[str]) -> list[str]:
        """Do what a wrapper means for the turn; return what it is counted as."""
        if COMMAND in wrappers:
            self._command = command_of(text) or self._command
        if COMMAND_OUTPUT in wrappers:  # done by the client: no model saw the command as a request
            self._command = ""
        if INTERRUPTED in wrappers and self._messages:
            self._messages[-1].cut = True
        if PLAN in wrappers or SUMMARY in wrappers:
            self._request(record, text.strip(), generated=True)
        return wrappers

    def _take_meta(self, record: Record) -> str:
        """Take the body of a slash command as the request that the model saw; leave out all else."""
        text = "\n".join(told(block.text or "").text for block in parts_of(record)).strip()
        if not (self._command and text):
            return "meta record"
        self._request(record, text, generated=True)
        return ""

    def _take_result(self, record: Record, block: Block) -> bool:
        call = block.tool_use_id or ""
        if call in self._results:
            return False
        self._results.add(call)
        text, marked = result_text(block.content)
        for kind in marked:
            self._account.note(f"marked instead of its content: {kind}")
        self._messages.append(
            Message(
                "tool", text, tool_call_id=call, time=record.timestamp, id=call, is_error=bool(block.is_error)
            )
        )
        return True

    def _request(self, record: Record, text: str, *, generated: bool = False) -> None:
        self._command = ""
        if text:
            self._messages.append(
                Message("user", text, time=record.timestamp, id=record.uuid, generated=generated)
            )


def _joined(text: str, more: str) -> str:
    return f"{text}\n\n{more}" if text and more else text or more


def _last_folder(cwd: str | None) -> str | None:
    name = (cwd or "").replace("\\", "/").rstrip("/").rpartition("/")[2]
    return name or None
