"""claude.ai: the data export (zip or `conversations.json`), single conversations and browser captures.

`chat_messages` hold blocks of content. Newer exports link each message to its parent: an edited request or a
retried answer starts a branch, and the one that ends in the latest message is the conversation.
"""

import re
from collections.abc import Iterator
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.artifacts import TOOLS as ARTIFACT_TOOLS
from turnsmith.sources.logs.artifacts import Artifacts, tagged_in, text_behind
from turnsmith.sources.logs.attachments import fenced, named
from turnsmith.sources.logs.branches import path_to
from turnsmith.sources.logs.captures import captured_by, native, turns
from turnsmith.sources.logs.claude_design import MARK, as_conversation
from turnsmith.sources.logs.json_files import read_values, shape_of
from turnsmith.sources.logs.records import identity
from turnsmith.sources.logs.thread import NO_CALL, Thread
from turnsmith.sources.logs.transcript import Message, Transcript
from turnsmith.sources.logs.values import items, joined, string, table, tables, utc

KIND = "claude-ai"
PROVIDER = "claude-ai"  # in browser captures
SUFFIXES = (".json", ".jsonl", ".zip")
ROLES = {"human": "user", "user": "user", "assistant": "assistant"}
# What the model thought, as the first models with artifacts wrote it into the text.
_THOUGHT = re.compile(r"<antThinking>(.*?)</antThinking>\s*", re.DOTALL)
# What the flattened text of a message has in place of a block that is no text.
_PLACEHOLDER = re.compile(r"```\n(?:This block is not supported|Viewing artifacts created)[^`\n]*\n```")
_ARTIFACT_RESULT = "results of artifacts, left out"
_UNKNOWN_BLOCK = "blocks of an unknown type, left out"
_SILENT_BLOCKS = ("token_budget", "flag")  # tell of the product, not of the conversation


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes, unpacked, holds claude.ai conversations."""
    shape = shape_of(head)
    return bool({"chat_messages", MARK} & shape) or captured_by(head, shape, PROVIDER)


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversations of one file; the account counts messages, and `bad` what is no conversation."""
    for place, value in read_values(path, account):
        record = as_conversation(native(value, "chat_messages"))
        if isinstance(record.get("chat_messages"), list):
            yield from _conversation(record, place, account)
        elif captured := turns(value, PROVIDER, KIND, place, account):
            yield captured
        else:
            account.spoil(place, "no claude.ai conversation")


def _conversation(record: dict[str, Any], place: str, account: Account) -> Iterator[Transcript]:
    found = record["chat_messages"]
    messages = tables(found)
    account.read += len(found)
    for _ in range(len(found) - len(messages)):
        account.drop("no message", place)
    thread, artifacts = Thread(account), Artifacts(account)
    model = string(record.get("model"))
    for message in _active(record, messages, place, account):
        reason = _add(thread, artifacts, message, model, account)
        if reason:
            account.drop(reason, place)
        else:
            account.kept += 1
    thread.give_up()
    if not thread.messages:
        account.note("conversations without messages")
        return
    yield Transcript(
        source=KIND,
        id=identity(record, place),
        messages=thread.messages,
        place=place,
        title=string(record.get("name")) or string(record.get("title")) or None,
    )


def _active(
    record: dict[str, Any], messages: list[dict[str, Any]], place: str, account: Account
) -> list[dict[str, Any]]:
    """Return the messages of the active branch in order; those of others are dropped."""
    ids = [string(message.get("uuid")) for message in messages]
    at = {name: index for index, name in enumerate(ids) if name}
    parents = [at.get(string(message.get("parent_message_uuid"))) for message in messages]
    links = {string(message.get("parent_message_uuid")) for message in messages}
    siblings = len(links) == 1 and "" not in links  # edits of the first message, and nothing after them
    if all(parent is None for parent in parents) and not siblings:
        return messages  # an older export: one after the other
    named_leaf = at.get(string(record.get("current_leaf_message_uuid")))
    if named_leaf is None or named_leaf in parents:
        times = [utc(message.get("created_at")) or "" for message in messages]
        inner = set(parents)
        leaves = [index for index in range(len(messages)) if index not in inner] or range(len(messages))
        named_leaf = max(leaves, key=lambda index: (times[index], index))
    path = path_to(named_leaf, parents, account)
    for _ in range(len(messages) - len(path)):
        account.drop("on another branch", place)
    branches = len(set(range(len(messages))) - set(parents) - set(path))
    if branches:
        account.note("alternative branches", branches)
    return [messages[index] for index in path]


def _add(
    thread: Thread, artifacts: Artifacts, message: dict[str, Any], model: str, account: Account
) -> str | None:
    """Add what one message says and does; return why it is left out, if it is."""
    role = ROLES.get(string(message.get("sender")) or string(message.get("role")))
    if role is None:
        return "unknown role"
    model = string(message.get("model")) or model
    turn = _Turn(thread, artifacts, role, model, utc(message.get("created_at")), account)
    content, flat = message.get("content"), _PLACEHOLDER.sub("", string(message.get("text")))
    if isinstance(content, str):
        turn.say(content)
    for block in items(content):
        turn.add(table(block), flat)
    if turn.is_empty():
        turn.say(flat)
    elif turn.ends_in_artifact:
        turn.say(text_behind(flat, turn.said))
    if role == "user":
        turn.text += _files(message, account)
    return turn.end()


class _Turn:
    """Collect the blocks of one message: a tool result within it ends one message of the model's."""

    def __init__(
        self,
        thread: Thread,
        artifacts: Artifacts,
        role: str,
        model: str,
        time: str | None,
        account: Account,
    ) -> None:
        self.thread, self.artifacts, self.role, self.account = thread, artifacts, role, account
        self.model, self.time = model, time
        self.said: list[str] = []  # the blocks of text as they came
        self.ends_in_artifact = False
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.calls: list[Any] = []
        self.added = 0
        self.reason: str | None = None

    def add(self, block: dict[str, Any], flat: str) -> None:
        """Take one block; `flat` is the whole message as plain text."""
        kind = string(block.get("type"))
        if kind == "text":
            self.say(string(block.get("text")))
        elif kind == "thinking":
            self.reasoning.append(string(block.get("thinking")))
        elif kind == "tool_use":
            self._call(block)
        elif kind.startswith("text/"):
            self._text_block(block, flat)
        elif kind == "tool_result":
            self._result(block)
        elif kind == "image":
            self.say("[image]")
            self.account.note("images and sounds, marked as such")
        elif kind not in _SILENT_BLOCKS:
            self.account.note(_UNKNOWN_BLOCK)

    def say(self, said: str) -> None:
        """Take a text; after a call it starts a message of its own, or it would stand before the call."""
        if not said.strip():
            return
        self.said.append(said)
        if self.role == "assistant":
            thoughts = _THOUGHT.findall(said)
            said = self.artifacts.in_place(_THOUGHT.sub("", said).strip())
        else:
            thoughts = []
        self._write(said)
        self.reasoning += thoughts
        self.ends_in_artifact = False

    def is_empty(self) -> bool:
        """Say whether nothing of use was taken yet."""
        return not (self.added or self.calls or self.reason or joined(*self.text, *self.reasoning))

    def end(self) -> str | None:
        """Add what is left as a message; return why nothing came of the whole, if so."""
        said = joined(*self.text)
        if said or self.calls:
            self.added += 1
            if self.role == "user":
                self.thread.give_up()
            self.thread.messages.append(
                Message(
                    role=self.role,
                    text=said,
                    tool_calls=self.calls,
                    reasoning=joined(*self.reasoning),
                    model=self.model or None if self.role == "assistant" else None,
                    time=self.time,
                )
            )
        elif joined(*self.reasoning):
            self.reason = "only reasoning"
        self.text, self.reasoning, self.calls = [], [], []
        return None if self.added else self.reason or "empty message"

    def _write(self, said: str) -> None:
        if self.calls:
            self.end()
        self.text.append(said)

    def _call(self, block: dict[str, Any]) -> None:
        name, given = string(block.get("name")), string(block.get("id"))
        if name in ARTIFACT_TOOLS and (written := self.artifacts.written(table(block.get("input")))):
            self.thread.call_as_text(name, given)
            self._write(written)
            self.ends_in_artifact = True
        else:
            self.calls.append(self.thread.call(name, block.get("input"), given))
            self.ends_in_artifact = False

    def _text_block(self, block: dict[str, Any], flat: str) -> None:
        """Take a block that holds an artifact, or only names one: its content is in the flat text, or nowhere."""
        written = self.artifacts.written(block)
        if not written and (tagged := tagged_in(flat, string(block.get("identifier")))):
            self.said.append(tagged)
            written = self.artifacts.in_place(tagged)
        if written:
            self._write(written)
            self.ends_in_artifact = True
        elif self.role == "user":
            self.account.note(_UNKNOWN_BLOCK)
        else:  # announced and not there, as a call without a result
            self._call({"name": ARTIFACT_TOOLS[0], "input": block})

    def _result(self, block: dict[str, Any]) -> None:
        given, name = string(block.get("tool_use_id")), string(block.get("name"))
        if self.thread.discard(given, name):
            self.account.note(_ARTIFACT_RESULT)
            self.reason = _ARTIFACT_RESULT
            return
        self.ends_in_artifact = False
        if self.text or self.reasoning or self.calls:
            self.end()
        result = Message(
            role="tool", text=_result_text(block), is_error=block.get("is_error") is True, time=self.time
        )
        if self.thread.answer(result, given, name):
            self.added += 1
        else:
            self.account.note(f"{NO_CALL}, left out")
            self.reason = NO_CALL


def _result_text(block: dict[str, Any]) -> str:
    content = block.get("content")
    if isinstance(content, str):
        return content
    return joined(*(_result_part(part) for part in tables(content)))


def _result_part(part: dict[str, Any]) -> str:
    if part.get("type") == "image":
        return "[image]"
    heading = " ".join(filter(None, (string(part.get("title")), string(part.get("url")))))
    name = string(part.get("name")) or string(part.get("file_path"))
    body = string(part.get("text"))
    return "\n".join(filter(None, (heading, body))) or (named(name) if name else "")


def _files(message: dict[str, Any], account: Account) -> list[str]:
    """Return the pasted files of a message, fenced, and the names of those whose content is not in the export."""
    shown, parts = set(), []
    for file in tables(message.get("attachments")):
        name, content = string(file.get("file_name")), string(file.get("extracted_content"))
        if content.strip():
            parts.append(fenced(name or "pasted text", content))
            account.note("pasted files taken into the message")
            shown.add(name)
    for file in tables([*items(message.get("attachments")), *items(message.get("files"))]):
        name = string(file.get("file_name"))
        if file.get("file_kind") == "image":
            parts.append("[image]")
            account.note("images and sounds, marked as such")
        elif name and name not in shown:
            parts.append(named(name))
            account.note("files without content, named")
            shown.add(name)
    return parts
