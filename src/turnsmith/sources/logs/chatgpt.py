"""ChatGPT: the data export (zip or `conversations.json`), single conversations and browser captures.

`mapping` is a tree of nodes; the active thread runs from `current_node` up to the root, and what stands beside
it are edits and retries. A turn of the model's is several nodes: thoughts, tool calls, results, text.
"""

from collections.abc import Iterator
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs import chatgpt_content as content
from turnsmith.sources.logs.branches import path_to
from turnsmith.sources.logs.captures import captured_by, native, turns
from turnsmith.sources.logs.json_files import read_values, shape_of
from turnsmith.sources.logs.records import identity
from turnsmith.sources.logs.thread import NO_CALL, Thread
from turnsmith.sources.logs.transcript import Message, Transcript
from turnsmith.sources.logs.values import joined, string, table, utc

KIND = "chatgpt"
PROVIDER = "chatgpt"  # in browser captures
SUFFIXES = (".json", ".jsonl", ".zip")
HIDDEN = "is_visually_hidden_from_conversation"
_BESIDE_MAPPING = {"current_node", "title", "create_time", "conversation_id", "moderation_results"}


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes, unpacked, holds ChatGPT conversations."""
    shape = shape_of(head)
    return ("mapping" in shape and bool(shape & _BESIDE_MAPPING)) or captured_by(head, shape, PROVIDER)


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the active thread of each conversation; the account counts messages, `bad` what is no conversation."""
    for place, value in read_values(path, account):
        record = native(value, "mapping")
        if isinstance(record.get("mapping"), dict):
            yield from _conversation(record, place, account)
        elif captured := turns(value, PROVIDER, KIND, place, account):
            yield captured
        else:
            account.spoil(place, "no ChatGPT conversation")


def _conversation(record: dict[str, Any], place: str, account: Account) -> Iterator[Transcript]:
    builder = _Builder(place, account)
    for message in _active(record, place, account):
        builder.add(message)
    messages = builder.end()
    if not messages:
        account.note("conversations without messages")
        return
    yield Transcript(
        source=KIND,
        id=identity(record, place),
        messages=messages,
        place=place,
        title=string(record.get("title")) or None,
    )


def _active(record: dict[str, Any], place: str, account: Account) -> list[dict[str, Any]]:
    """Return the messages of the active thread in order; those of others are dropped. Nodes may hold none."""
    mapping = record["mapping"]
    nodes = [table(node) for node in mapping.values()]
    at = {name: index for index, name in enumerate(mapping)}
    parents = [at.get(string(node.get("parent"))) for node in nodes]
    messages = [node.get("message") for node in nodes]
    leaf = at.get(string(record.get("current_node")))
    inner = set(parents)
    if leaf is None and nodes:
        account.note("conversations without a valid current node: the latest leaf was taken")
        times = [utc(table(message).get("create_time")) or "" for message in messages]
        leaves = [index for index in range(len(nodes)) if index not in inner] or range(len(nodes))
        leaf = max(leaves, key=lambda index: (times[index], index))
    path = [] if leaf is None else path_to(leaf, parents, account)
    beside = set(range(len(nodes))) - set(path)
    account.read += sum(message is not None for message in messages)
    for index in beside:
        if messages[index] is not None:
            account.drop("on another branch", place)
    if branches := len(beside - inner):
        account.note("alternative branches", branches)
    return [table(messages[index]) for index in path if messages[index] is not None]


class _Builder:
    """Build the messages of one thread; `thoughts` wait for what the model says or does next."""

    def __init__(self, place: str, account: Account) -> None:
        self.place, self.account = place, account
        self.thread = Thread(account)
        self.thoughts: list[str] = []
        self.cut = False  # whether the model's text so far ends where a token limit cut it

    def add(self, message: dict[str, Any]) -> None:
        """Add what one node says or does, or count why it is left out."""
        author, metadata = table(message.get("author")), table(message.get("metadata"))
        body = table(message.get("content"))
        role, time = string(author.get("role")), utc(message.get("create_time"))
        hidden = metadata.get(HIDDEN) is True
        if message.get("weight") == 0:
            self._drop("of weight 0")
        elif body.get("content_type") == "user_editable_context":
            self._say("system", content.custom_instructions(body, metadata), time)
        elif role == "assistant":
            self._assistant(message, body, metadata, time, hidden)
        elif role == "tool":
            self._tool(string(author.get("name")), body, metadata, time)
        elif role not in ("user", "system"):
            self._drop("unknown role")
        elif hidden:
            self._drop("hidden in the conversation")
        else:
            files = content.attached(metadata, body, self.account)
            self._say(role, joined(content.text_of(body, self.account), *files), time)

    def end(self) -> list[Message]:
        """Return the messages."""
        self._forget_thoughts()
        self.thread.give_up()
        return self.thread.messages

    def _drop(self, reason: str) -> None:
        self.account.drop(reason, self.place)

    def _say(self, role: str, said: str, time: str | None) -> None:
        if not said.strip():
            self._drop("empty message")
            return
        self._forget_thoughts()
        self.thread.give_up()
        last = self._last()
        if role == "system" and last is not None and last.role == "system":
            last.text = joined(last.text, said)
        else:
            self.thread.messages.append(Message(role=role, text=said, time=time))
        self.account.kept += 1

    def _tool(self, name: str, body: dict[str, Any], metadata: dict[str, Any], time: str | None) -> None:
        said = content.text_of(body, self.account)
        result = Message(role="tool", text=said, is_error=content.is_error(body, metadata), time=time)
        if self.thread.answer(result, name=name, shared=True):
            self.account.kept += 1
        else:
            self._drop(NO_CALL)

    def _assistant(
        self,
        message: dict[str, Any],
        body: dict[str, Any],
        metadata: dict[str, Any],
        time: str | None,
        hidden: bool,
    ) -> None:
        recipient = string(message.get("recipient"))
        if body.get("content_type") in content.THINKING:
            if reasoning := content.reasoning(body):
                self.thoughts.append(reasoning)
            else:
                self._drop("empty message")
            return
        part = Message(role="assistant", model=string(metadata.get("model_slug")) or None, time=time)
        if recipient not in ("", "all"):
            part.tool_calls = [self.thread.call(recipient, content.arguments(body, self.account))]
        elif hidden:
            self._drop("hidden in the conversation")
            return
        else:
            part.text = content.without_citations(content.text_of(body, self.account), self.account)
        if not (part.text.strip() or part.tool_calls):
            self._drop("empty message")
            return
        part.reasoning = joined(*self.thoughts)
        self.account.kept += 1 + len(self.thoughts)
        self.thoughts = []
        self._merge(part)
        self.cut = content.was_cut(metadata)

    def _merge(self, part: Message) -> None:
        """Add a part of the model's turn to the message in work, which a result or another role has ended."""
        last = self._last()
        # Text after a call that nothing answers is a message of its own, or it would stand before the call.
        if last is None or last.role != "assistant" or (last.tool_calls and part.text):
            self.thread.messages.append(part)
            return
        last.text = last.text + part.text if self.cut else joined(last.text, part.text)
        last.reasoning = joined(last.reasoning, part.reasoning)
        last.tool_calls = [*last.tool_calls, *part.tool_calls]
        last.model = last.model or part.model

    def _last(self) -> Message | None:
        return self.thread.messages[-1] if self.thread.messages else None

    def _forget_thoughts(self) -> None:
        for _ in self.thoughts:
            self._drop("only reasoning")
        self.thoughts = []
