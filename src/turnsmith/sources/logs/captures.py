"""Captures by a browser extension (`browser_llm_session`): the product's own record, or the turns on the page."""

import re
from typing import Any

from turnsmith.curate.account import Account
from turnsmith.sources.logs.records import identity
from turnsmith.sources.logs.transcript import Message, Transcript
from turnsmith.sources.logs.values import string, table, utc

ROLES = ("system", "user", "assistant")
_PROVIDER = re.compile(rb'"provider"\s*:\s*"([^"]+)"')


def captured_by(head: bytes, shape: set[str], provider: str) -> bool:
    """Say whether a file begins with a capture of this provider's page."""
    found = _PROVIDER.search(head)
    return "polylogue_capture_kind" in shape and found is not None and found[1] == provider.encode()


def native(value: Any, key: str) -> dict[str, Any]:
    """Return the product's own record, which has this key: the value itself, or what a capture wraps."""
    record = table(value)
    if key not in record and key in (inner := table(record.get("raw_provider_payload"))):
        return inner
    return record


def turns(value: Any, provider: str, kind: str, place: str, account: Account) -> Transcript | None:
    """Return what a capture without the product's own record read off the page; None where that is nothing."""
    session = table(table(value).get("session"))
    found = session.get("turns")
    if string(session.get("provider")) != provider or not isinstance(found, list):
        return None
    account.read += len(found)
    messages: list[Message] = []
    for turn in found:
        role, said = string(table(turn).get("role")), string(table(turn).get("text"))
        if role not in ROLES or not said.strip():
            account.drop("unknown role" if role not in ROLES else "empty message", place)
            continue
        account.kept += 1
        messages.append(Message(role=role, text=said, time=utc(table(turn).get("timestamp"))))
    if not messages:
        return None
    account.note("conversations read off the page")
    return Transcript(
        source=kind,
        id=string(session.get("provider_session_id")) or identity(session, place),
        messages=messages,
        place=place,
        title=string(session.get("title")) or None,
    )
