"""Take a transcript apart into turns: a request and all that followed up to the next one."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from turnsmith.sources.logs.transcript import Message, Transcript


@dataclass(slots=True)
class Turn:
    """Hold a request and what the assistant did about it, in order."""

    request: Message
    rest: list[Message] = field(default_factory=list)

    @property
    def answer(self) -> list[Message]:
        """Return the assistant's messages after the last tool call and result: the final answer."""
        last: list[Message] = []
        for message in reversed(self.rest):
            if message.role != "assistant" or message.tool_calls:
                break
            last.insert(0, message)
        return last

    @property
    def answer_text(self) -> str:
        """Return the text of the final answer, "" where the turn has none."""
        return joined(message.text for message in self.answer)

    @property
    def was_cut(self) -> bool:
        """Say whether a person broke the turn off."""
        return self.request.cut or any(message.cut for message in self.rest)


def joined(texts: Iterable[str]) -> str:
    """Return texts with a blank line between, empty ones left out."""
    return "\n\n".join(text.strip() for text in texts if text.strip())


def turns_of(transcript: Transcript) -> tuple[list[Turn], list[Message]]:
    """Return the turns of a transcript, and the messages that stand before its first request."""
    turns: list[Turn] = []
    before: list[Message] = []
    for message in transcript.messages:
        if message.role == "system":
            continue
        if message.role == "user":
            turns.append(Turn(message))
        elif turns:
            turns[-1].rest.append(message)
        else:
            before.append(message)
    return turns, before
