"""ShareGPT and its kin: `conversations` (or `items`) of `from` and `value`, in JSON Lines or an array."""

import re
from collections.abc import Iterator
from typing import Any

from turnsmith.core.chat import decode
from turnsmith.curate.account import Account
from turnsmith.sources.logs.json_files import read_values, shape_of
from turnsmith.sources.logs.records import identity
from turnsmith.sources.logs.thread import NO_CALL, Thread
from turnsmith.sources.logs.transcript import Message, Transcript
from turnsmith.sources.logs.values import items, string, table

KIND = "sharegpt"
SUFFIXES = (".json", ".jsonl")
KEYS = ("conversations", "items")
ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "system": "system",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
    "function_call": "call",
}
_Named = tuple[str, Any]
# Hermes and others write calls into the text.
_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_RESPONSE = re.compile(r"\s*<tool_response>\s*(.*?)\s*</tool_response>\s*", re.DOTALL)


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes holds conversations of `from` and `value`."""
    shape = shape_of(head)
    return any({f"{key}.from", f"{key}.value"} <= shape for key in KEYS)


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversations of one file; the account counts turns, and `bad` what is no conversation."""
    for place, value in read_values(path, account):
        record = table(value)
        turns = next((record[key] for key in KEYS if isinstance(record.get(key), list)), None)
        if turns is None:
            account.spoil(place, "no ShareGPT conversation")
            continue
        thread = Thread(account)
        if system := string(record.get("system")).strip():
            thread.messages.append(Message(role="system", text=system))
        if record.get("tools"):
            account.note("records with definitions of tools, which are left out")
        account.read += len(turns)
        for turn in turns:
            if reason := _add(thread, table(turn)):
                account.drop(reason, place)
            else:
                account.kept += 1
        thread.give_up()
        if thread.messages:
            yield Transcript(
                source=KIND,
                id=identity(record, place),
                messages=thread.messages,
                place=place,
                title=string(record.get("title")) or None,
            )
        else:
            account.note("conversations without messages")


def _add(thread: Thread, turn: dict[str, Any]) -> str | None:
    """Add one turn; return why it is left out, if it is."""
    said = turn.get("value")
    if not isinstance(said, str):
        return "no text"
    role = ROLES.get(string(turn.get("from")).strip().lower())
    if role is None:
        return "unknown role"
    if not said.strip():
        return "empty message"
    if role == "call":
        named = _named_calls(said)
        if not named:
            return "function call that is no JSON"
        _say(thread, "", named)
        return None
    if role == "tool":
        inner = _RESPONSE.fullmatch(said)
        return None if thread.answer(Message(role="tool", text=inner[1] if inner else said)) else NO_CALL
    if role == "user":
        thread.give_up()
    if role == "assistant" and (written := _CALL.findall(said)):
        found = [_named_calls(one) for one in written]
        if all(found):
            _say(thread, _CALL.sub("", said).strip(), [call for one in found for call in one])
            return None
    thread.messages.append(Message(role=role, text=said))
    return None


def _say(thread: Thread, said: str, named: list[_Named]) -> None:
    """Add calls, and what the model said with them; mere calls right after its words belong to those."""
    calls = [thread.call(name, arguments) for name, arguments in named]
    last = thread.messages[-1] if thread.messages else None
    if not said and last is not None and last.role == "assistant":
        last.tool_calls = [*last.tool_calls, *calls]
    else:
        thread.messages.append(Message(role="assistant", text=said, tool_calls=calls))


def _named_calls(said: str) -> list[_Named]:
    """Return the calls that JSON text holds, one `{"name", "arguments"}` or a list of them; none for other text."""
    try:
        value = decode(said.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return []
    wanted = [table(one) for one in (items(value) or [value])]
    if not all(string(one.get("name")) for one in wanted):
        return []
    return [(one["name"], one.get("arguments", one.get("parameters", {}))) for one in wanted]
