"""Read a file record by record and tell its conversations apart."""

import re
from collections.abc import Iterator

from turnsmith.core.lines import read_lines
from turnsmith.curate.account import Account
from turnsmith.sources.logs.claude_code.building import build
from turnsmith.sources.logs.claude_code.conversations import Conversation, Conversations
from turnsmith.sources.logs.claude_code.records import ApiMessage, Record, aside_of, plain, read_record
from turnsmith.sources.logs.transcript import Transcript

MESSAGES = ("user", "assistant")
MOST_KINDS = 60
QUEUED = "queued_command"
CHAINED = (*MESSAGES, "system", "progress", "attachment")
_SIGNS = re.compile(
    rb'"(?:parentUuid|leafUuid|isSidechain)"\s*:'
    rb'|"type"\s*:\s*"file-history-snapshot"'
    rb'|"type"\s*:\s*"queue-operation"'
    rb'|"type"\s*:\s*"(?:user|assistant)"[^{]*"sessionId"\s*:'
    rb'|"sessionId"\s*:[^{]*"type"\s*:\s*"(?:user|assistant)"'
)


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes holds records of Claude Code."""
    return _SIGNS.search(head) is not None


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversations of one file, cut at compactions, sub-agents' too.

    Every line is counted: as kept, as dropped by what it is, or as bad with file:line.
    """
    open_ones = Conversations()
    for number, line in read_lines(path):
        if aside := aside_of(line):
            account.read += 1
            account.drop(f"{aside} record", f"{path}:{number}")
            continue
        try:
            record = read_record(line, number)
        except (ValueError, RecursionError):
            account.spoil(f"{path}:{number}", "no valid JSON object")
            continue
        account.read += 1
        if _is_queued_prompt(record):
            _make_prompt(record)
        for conversation in _sort(record, open_ones, path, account):
            yield from build(conversation, path, account)
    for conversation in open_ones.rest():
        yield from build(conversation, path, account)


def _is_queued_prompt(record: Record) -> bool:
    """Say whether a record holds a prompt that was typed while the agent worked: it is no user record."""
    attachment = record.attachment
    return (
        record.type == "attachment"
        and attachment is not None
        and attachment.type == QUEUED
        and attachment.command_mode != "task-notification"
    )


def _make_prompt(record: Record) -> None:
    if record.attachment:
        record.type, record.subtype = "user", QUEUED
        record.is_meta = record.is_meta or record.attachment.is_meta
        record.message = ApiMessage(content=record.attachment.prompt)


def _sort(record: Record, open_ones: Conversations, path: str, account: Account) -> list[Conversation]:
    """Put a record into its conversation; return those that had to be closed for it."""
    if record.type not in CHAINED:
        account.drop(_kind(record, account), f"{path}:{record.line}")
        return []
    conversation, closed = open_ones.of(record)
    if record.type in MESSAGES and not conversation.add(record):
        account.drop("repeated record", f"{path}:{record.line}")
    elif record.type not in MESSAGES:
        conversation.link(record)
        account.drop(_kind(record, account), f"{path}:{record.line}")
    return closed


def _kind(record: Record, account: Account) -> str:
    """Return what a record is counted as; a file of ever new types must not fill the account."""
    kind = plain(record.type)
    more = record.subtype or (record.attachment.type if record.attachment else "")
    if more:
        kind = f"{kind} {plain(more)}"
    return f"{kind} record" if len(account.dropped) < MOST_KINDS else "unknown record"
