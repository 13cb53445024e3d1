"""VS Code Copilot Chat: session files, their operation logs, Export Chat files, transcripts and chat replays."""

from collections.abc import Iterator

from turnsmith.core.lines import open_input
from turnsmith.curate.account import Account
from turnsmith.sources.logs.copilot_chat import events, operations, replay, session
from turnsmith.sources.logs.documents import read_document
from turnsmith.sources.logs.transcript import Transcript

SOURCE = "copilot-chat"
HEAD = 64 << 10


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these bytes is one of the five."""
    return any(layout.looks_like(head) for layout in (events, operations, replay, session))


def read(path: str, account: Account) -> Iterator[Transcript]:
    """Yield the conversations of one file.

    A record of the account is a request of a session, an event of a transcript, or an entry of a chat replay; a
    broken line of an operation log counts as a record too. Transcripts are read line by line; for all others memory
    is bounded by the document. Raises InputError for a file that can't be read.
    """
    with open_input(path) as file:
        head = file.read(HEAD)
    if events.looks_like(head):
        yield from events.read(path, account)
    elif operations.looks_like(head):
        yield from session.read(operations.replay(path, account), path, account)
    elif replay.looks_like(head):
        yield from replay.read(read_document(path, account), path, account)
    else:
        yield from session.read(read_document(path, account), path, account)
