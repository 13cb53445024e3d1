"""One record of a Claude Code transcript, with the fields that an importer needs."""

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
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    message = value.get("message")
    if isinstance(message, dict):
        content = message.get("content")
        parts = {
            "content": _blocks(content) if isinstance(content, list) else content,
            "usage": _only(TokenCounts, message.get("usage")),
        }
        value = value | {"message": _only(ApiMessage, message | parts)}
    return _only(Record, value) or Record()


def _blocks(content: list[Any]) -> list[Block | str]:
    blocks = [part if isinstance(part, str) else _block(part) for part in content]
    return [block for block in blocks if block is not None]


def _block(part: Any) -> Block | None:
    if not isinstance(part, dict):
        return None
    content = part.get("content")
    changed: dict[str, Any] = {"input": msgspec.Raw(msgspec.json.encode(part.get("input", {})))}
    if isinstance(content, list):
        changed["content"] = _blocks(content)
    return _only(Block, part | changed)


def _only(struct: type[Struct], value: Any) -> Struct | None:
    """Return a struct with those fields of a dict whose types are right."""
    if not isinstance(value, dict):
        return None
    made = struct()
    for field in msgspec.structs.fields(struct):
        if field.encode_name in value:
            given = value[field.encode_name]
            try:
                setattr(made, field.name, _converted(given, field.type))
            except msgspec.ValidationError:
                continue
    return made


def _converted(given: Any, wanted: Any) -> Any:
    if isinstance(given, (msgspec.Struct, msgspec.Raw)):
        return given
    if isinstance(given, list):
        if any(not isinstance(part, (Block, str)) for part in given):
            raise msgspec.ValidationError("not blocks")
        return given
    return msgspec.convert(given, wanted)
