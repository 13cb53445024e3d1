"""Build the messages of one conversation so that every tool call and its result find each other."""

from typing import Any

import msgspec

from turnsmith.curate.account import Account
from turnsmith.sources.logs.transcript import Message, ToolCall
from turnsmith.sources.logs.values import joined, json_text

NO_CALL = "tool result without a call"
NOT_ANSWERED = "tool calls without a result"


class _Open(msgspec.Struct):
    """A call that waits for its result; `given` is the id that the source gave, "" for none.

    `as_text` marks one that stands as text in the messages: its result goes.
    """

    call: ToolCall
    given: str
    as_text: bool = False


class Thread:
    """Collect the messages of one conversation, in order."""

    def __init__(self, account: Account) -> None:
        self.messages: list[Message] = []
        self._account = account
        self._open: list[_Open] = []
        self._used: set[str] = set()
        self._answered = ""  # the tool whose result came last

    def call(self, name: str, arguments: Any, given: str = "") -> ToolCall:
        """Return a call that waits for a result; its id is the given one, or a new one where that is none or used.

        `arguments` is JSON text that is handed on, or a value to write as such.
        """
        written = arguments if isinstance(arguments, str) else json_text(arguments)
        if written is None:
            self._account.note("tool arguments that JSON can't hold")
            written = "{}"
        call = ToolCall(id=self._new_id(given), name=name or "unknown", arguments=written)
        self._open.append(_Open(call, given))
        return call

    def call_as_text(self, name: str, given: str = "") -> None:
        """Wait for the result of a call that stands as text in the messages."""
        self._open.append(_Open(ToolCall(id="", name=name, arguments=""), given, as_text=True))

    def discard(self, given: str = "", name: str = "") -> bool:
        """Say whether a result is that of a call that stands as text, which then waits no longer."""
        waiting = self._find(given, name)
        if waiting is None or not waiting.as_text:
            return False
        self._open.remove(waiting)
        return True

    def answer(self, message: Message, given: str = "", name: str = "", shared: bool = False) -> bool:
        """Add the result of the call with this id, else of the oldest one with this name, else of the oldest.

        With `shared`, a further result of the tool that has just answered joins the one before. False where no call
        waits: then nothing is added.
        """
        waiting = self._find(given, name)
        if waiting is not None:
            self._open.remove(waiting)
            message.tool_call_id = waiting.call.id
            self.messages.append(message)
            self._answered = name
            return True
        if shared and self.messages and (last := self.messages[-1]).role == "tool" and self._answered == name:
            last.text = joined(last.text, message.text)
            last.is_error = last.is_error or message.is_error
            return True
        return False

    def give_up(self) -> None:
        """Count the calls that got no result; a result that comes later answers none of them."""
        if lost := sum(not entry.as_text for entry in self._open):
            self._account.note(NOT_ANSWERED, lost)
        self._open.clear()

    def _new_id(self, given: str) -> str:
        new, number = given, len(self._used) + 1
        while not new or new in self._used:
            new, number = f"call_{number}", number + 1
        self._used.add(new)
        return new

    def _find(self, given: str, name: str) -> _Open | None:
        if given and (found := [entry for entry in self._open if entry.given == given]):
            return found[0]
        if given and all(entry.given for entry in self._open):
            return None  # ids throughout, and this one is of no open call
        same = [entry for entry in self._open if name and entry.call.name == name]
        return next(iter(same or self._open), None)
