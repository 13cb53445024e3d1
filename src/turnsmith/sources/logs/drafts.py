"""Messages on their way into a transcript, each with the records that it was made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from turnsmith.curate.account import Account
from turnsmith.sources.logs.transcript import Message


@dataclass(slots=True)
class Draft:
    """Hold a message and the places of the records in it, which are accounted for when its fate is known."""

    message: Message
    places: list[str] = field(default_factory=list)

    def drop(self, account: Account, reason: str) -> None:
        """Count all its records as dropped."""
        for place in self.places:
            account.drop(reason, place)


def settle(drafts: Iterable[Draft], account: Account) -> list[Message]:
    """Return the messages with each tool result behind its call, in the order of the calls, and count them.

    Results come in late, twice, or without their call: the last two are dropped. Calls without a result stay and
    are noted: a session may end in one. An assistant message without text and calls is dropped.
    """
    drafts = list(drafts)
    results: dict[str, Draft] = {}
    for draft in drafts:
        if draft.message.role == "tool" and draft.message.tool_call_id is not None:
            first = results.setdefault(draft.message.tool_call_id, draft)
            if first is not draft:
                draft.drop(account, "tool result that is there already")
    messages = []
    for draft in _ordered(drafts, results, account):
        account.kept += len(draft.places)
        messages.append(draft.message)
    for orphan in results.values():
        orphan.drop(account, "tool result without its call")
    return messages


def _ordered(drafts: list[Draft], results: dict[str, Draft], account: Account) -> Iterator[Draft]:
    for draft in drafts:
        message = draft.message
        if message.role == "tool":
            continue
        if message.role == "assistant" and not (message.text or message.tool_calls):
            draft.drop(account, "reasoning without an answer" if message.reasoning else "empty message")
            continue
        yield draft
        for call in message.tool_calls:
            result = results.pop(call.id, None)
            if result is None:
                account.note("tool calls without a result")
            else:
                yield result
