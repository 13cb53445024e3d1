"""What every importer yields: one conversation with its messages, tool calls and results in order."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from turnsmith.curate.account import Account


class ToolCall(msgspec.Struct):
    """Hold one call of a tool; `arguments` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str


class Usage(msgspec.Struct, omit_defaults=True):
    """Hold the tokens that the source reports for one LLM call; None where it reports none.

    `prompt_tokens` is the whole context (fresh, cache read and cache creation); `completion_tokens` is what the
    source says, which some sources under-report: recount before you rely on it.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    recounted: bool = False


class Message(msgspec.Struct, omit_defaults=True):
    """Hold one message; roles are system, user, assistant and tool (`tool_call_id` says of which call).

    `text` is what a person or the model wrote, `reasoning` what the model thought; `time` is ISO 8601 in UTC.
    `id` is the source's own name of the message, the same in every copy of it. `generated` marks a request that
    the client wrote (a plan, a command's body, a summary); `cut` marks where a person broke off the turn.
    """

    role: str
    text: str = ""
    tool_calls: list[ToolCall] = []
    tool_call_id: str | None = None
    reasoning: str = ""
    is_error: bool = False
    model: str | None = None
    time: str | None = None
    usage: Usage | None = None
    id: str | None = None
    generated: bool = False
    cut: bool = False


class Transcript(msgspec.Struct, omit_defaults=True):
    """Hold one conversation; `id` names it within its source, `segment` counts the parts cut by compaction.

    `parent` is the id of the session that started a sub-agent; `place` is the file it came from, with the line
    or index where it helps.
    """

    source: str
    id: str
    messages: list[Message]
    place: str
    segment: int = 0
    parent: str | None = None
    title: str | None = None
    cwd: str | None = None
    repo: str | None = None
    branch: str | None = None
    version: str | None = None


class Importer(Protocol):
    """Say what a module under `sources/logs` offers; its name with dashes is the kind."""

    def looks_like(self, head: bytes) -> bool:
        """Say whether a file that begins with these bytes (up to 64 KiB) is of this kind."""

    def read(self, path: str, account: Account) -> Iterator[Transcript]:
        """Yield the conversations of one file; what can't be read goes to the account, with file:line."""
