"""One record of a Claude Code transcript, with the fields that an importer needs."""

import contextlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from turnsmith.core.chat import decode

CHAIN_LINK = "progress"
# No message and no link between messages: nothing of these needs to be decoded.
ASIDE = ("file-history-snapshot", "queue-operation", "pr-link", "custom-title", "summary")


class Block(msgspec.Struct):
    """Hold one block of a message; which fields it has depends on its type."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")
    tool_use_id: str | None = None
    content: "str | list[Block | str] | None" = None
    is_error: bool | None = None


class TokenCounts(msgspec.Struct):
    """Hold the usage of an API message, repeated on each of its records."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class ApiMessage(msgspec.Struct):
    """Hold what a record says about its message: one block of it, as a rule."""

    id: str | None = None
    model: str | None = None
    content: str | list[Block | str] | None = None
    usage: TokenCounts | None = None


class Attachment(msgspec.Struct, rename="camel"):
    """Hold what the client puts beside the messages, such as a prompt that was typed while the agent worked."""

    type: str = ""
    prompt: str | list[Block | str] | None = None
    command_mode: str | None = None
    is_meta: bool | None = None


class Origin(msgspec.Struct):
    """Hold who sent a user message; absent in older versions."""

    kind: str | None = None


class Record(msgspec.Struct, rename="camel"):
    """Hold one line; `line` is its number in the file."""

    type: str = ""
    subtype: str | None = None
    uuid: str | None = None
    parent_uuid: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    timestamp: str | None = None
    is_sidechain: bool | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_api_error_message: bool | None = None
    cwd: str | None = None
    git_branch: str | None = None
    version: str | None = None
    message: ApiMessage | None = None
    attachment: Attachment | None = None
    origin: Origin | None = None
    line: int = 0


class _Link(msgspec.Struct, rename="camel"):
    type: str = ""
    uuid: str | None = None
    parent_uuid: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    is_sidechain: bool | None = None


Struct = TypeVar("Struct", bound=msgspec.Struct)

_decode_record: Callable[[bytes], Record] = msgspec.json.Decoder(Record).decode
_decode_link: Callable[[bytes], _Link] = msgspec.json.Decoder(_Link).decode
_PLAIN = re.compile(r"[a-z][a-z_-]{0,40}")
_ASIDE = tuple((name, b'"type":"%b"' % name.encode()) for name in ASIDE)
_CHAIN_LINK = b'"type":"%b"' % CHAIN_LINK.encode()


def plain(kind: str) -> str:
    """Return what a record or block says it is; a text in its place must not get into reports or examples."""
    return kind if _PLAIN.fullmatch(kind) else "unknown"


def aside_of(line: bytes) -> str | None:
    """Return the type of a whole line that is no part of the chain of messages; None where that is not plain.

    The type is looked for before the first nested object. There nothing but the record's own key can read so,
    because quotes inside a string are escaped.
    """
    if line.endswith(b"}"):
        nested = line.find(b"{", 1)
        head = line[: nested if nested > 0 else len(line)]
        for name, key in _ASIDE:
            if key in head:
                return name
    return None


def read_record(line: bytes, number: int) -> Record:
    """Return the record of a line; fields of a wrong type count as absent.

    Raises ValueError for a line that holds no JSON object, RecursionError for absurd nesting.
    """
    try:
        if _CHAIN_LINK in line[: line.find(b"{", 1)]:
            link = _decode_link(line)
            record = Record(
                link.type, None, link.uuid, link.parent_uuid, link.session_id, link.agent_id,
                is_sidechain=link.is_sidechain,
            )  # fmt: skip
        else:
            record = _decode_record(line)
    except msgspec.DecodeError:
        record = _tolerant(decode(line))
    record.line = number
    return record


def _tolerant(value: Any) -> Record:
    """Return the record of a decoded line, field by field, where the typed decoder gave up."""
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    attachment, origin = value.get("attachment"), value.get("origin")
    return _filled(
        Record(),
        value,
        message=_message(value.get("message")),
        attachment=_attachment(attachment) if isinstance(attachment, dict) else None,
        origin=_filled(Origin(), origin) if isinstance(origin, dict) else None,
    )


def _attachment(value: dict[str, Any]) -> Attachment:
    return _filled(Attachment(), value, prompt=_content(value.get("prompt")))


def _message(value: Any) -> ApiMessage | None:
    if not isinstance(value, dict):
        return None
    content, usage = value.get("content"), value.get("usage")
    counts = _filled(TokenCounts(), usage) if isinstance(usage, dict) else None
    return _filled(ApiMessage(), value, content=_content(content), usage=counts)


def _content(value: Any) -> str | list[Block | str] | None:
    if not isinstance(value, list):
        return value if isinstance(value, str) else None
    return [
        part if isinstance(part, str) else _block(part) for part in value if isinstance(part, (str, dict))
    ]


def _block(value: dict[str, Any]) -> Block:
    arguments = msgspec.Raw(msgspec.json.encode(value.get("input", {})))
    return _filled(Block(), value, input=arguments, content=_content(value.get("content")))


def _filled(made: Struct, value: dict[str, Any], **ready: Any) -> Struct:
    """Return a struct with what is ready, and of the rest those fields whose types are right."""
    for field in msgspec.structs.fields(made):
        if field.name in ready:
            setattr(made, field.name, ready[field.name])
        elif field.encode_name in value:
            with contextlib.suppress(msgspec.ValidationError):
                setattr(made, field.name, msgspec.convert(value[field.encode_name], field.type))
    return made
