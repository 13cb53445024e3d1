"""Telemetry rows of a conversation, with the faults that concern single rows."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from turnsmith.sources.telemetry.synth.conversations import SECOND, Conversation, Round, Turn
from turnsmith.sources.telemetry.synth.dice import Dice
from turnsmith.sources.telemetry.synth.rates import Rates

PREFIX = "GitHub.copilot-chat/"
MESSAGE = PREFIX + "conversation.messageText"
LENGTHS = PREFIX + "engine.messages.length"
DETAILS = PREFIX + "toolCallDetailsInternal"
OTHER_NAMES = tuple(
    PREFIX + name
    for name in (
        "panel.request",
        "response.success",
        "conversation.message",
        "inlineConversation.messageText",
    )
)
PART_SIZE = 8_192
"""Characters of a long property that fit into one part."""
NO_MEASUREMENTS = b"{}"

encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Event:
    """Hold one row: microseconds since 1970, the name, and two JSON objects in UTF-8.

    `arrived_at` orders the rows in the export; it differs from `generated_at` for rows delivered twice.
    """

    arrived_at: int
    generated_at: int
    name: str
    properties: bytes
    measurements: bytes


by_arrival: Callable[[Event], int] = attrgetter("arrived_at")


def in_parts(name: str, text: str) -> dict[str, str]:
    """Return `text` as the properties `name`, `name_02`, `name_03` and so on, 8,192 characters each."""
    if len(text) <= PART_SIZE:
        return {name: text}
    starts = range(0, len(text), PART_SIZE)
    return {name if i == 1 else f"{name}_{i:02d}": text[s : s + PART_SIZE] for i, s in enumerate(starts, 1)}


def conversation_events(conversation: Conversation, start: int, dice: Dice, rates: Rates) -> list[Event]:
    """Return the rows of a conversation in time order; `start` is its time 0, in microseconds since 1970."""
    events: list[Event] = []
    for turn in conversation.turns:
        events += _TurnRows(conversation, turn, start, dice, rates).rows()
    return events


class _TurnRows:
    """Write the rows of one turn."""

    def __init__(self, conversation: Conversation, turn: Turn, start: int, dice: Dice, rates: Rates) -> None:
        self._conversation = conversation
        self._turn = turn
        self._start = start
        self._dice = dice
        self._rates = rates
        self._as_text = dice.happens(rates.numbers_as_text)
        self._events: list[Event] = []

    def rows(self) -> list[Event]:
        turn = self._turn
        self._lose_token_rows()
        self._break_counts()
        self._write_rounds()
        # Ask mode offers no tools, and where no tools are offered this row isn't sent.
        if turn.mode != "ask" and "details" not in turn.lost:
            self._write_details()
        if self._dice.happens(self._rates.delivered_twice) and self._events:
            self._deliver_twice()
        return self._events

    def _add(self, at: int, name: str, properties: bytes, measurements: bytes) -> None:
        at += self._start
        self._events.append(Event(at, at, name, properties, measurements))

    def _measured(self, values: dict[str, int]) -> bytes:
        return encode({key: str(value) for key, value in values.items()} if self._as_text else values)

    def _lose_token_rows(self) -> None:
        if self._dice.happens(self._rates.no_token_rows):
            self._turn.lost.update(("outputs", "inputs") if self._dice.happens(0.5) else ("outputs",))

    def _write_rounds(self) -> None:
        turn, rates = self._turn, self._rates
        no_input = 0 if "inputs" in turn.lost else self._one_of_all_rounds(rates.lost_input)
        no_output = self._one_of_all_rounds(rates.lost_output)
        cut_user = self._one_of_all_rounds(rates.cut_user_text)
        cut_model = self._one_of_all_rounds(rates.cut_model_text)
        engine = self._engine_properties()
        output = encode(engine | {"message_direction": "output"})
        engine["message_direction"] = "input"
        user = self._user_properties(turn.user_text)
        user_measurements = self._measured({"messageCharLen": len(turn.user_text)})
        model = self._message_properties("model", turn.index)
        has_messages = "messages" not in turn.lost
        has_user = has_messages and "user rows" not in turn.lost
        for number, round_ in enumerate(turn.rounds, 1):
            if number != no_input and "inputs" not in turn.lost:
                properties = encode(engine | in_parts("messagesJson", round_.messages_json))
                self._add(round_.asked_at, LENGTHS, properties, NO_MEASUREMENTS)
            if number != no_output and "outputs" not in turn.lost:
                self._write_output(round_, output)
            if has_user:
                if number == cut_user:
                    self._write_cut_user()
                self._add(round_.answered_at, MESSAGE, user, user_measurements)
            if has_messages and not (round_ is turn.rounds[-1] and "last answer" in turn.lost):
                self._write_model(round_, model, cut=number == cut_model)
            if self._dice.happens(rates.other_events):
                self._write_other(round_)

    def _one_of_all_rounds(self, rate: float) -> int:
        """Return the number of a round (from 1), or 0 if the fault doesn't occur."""
        return self._dice.between(1, len(self._turn.rounds)) if self._dice.happens(rate) else 0

    def _break_counts(self) -> None:
        if number := self._one_of_all_rounds(self._rates.zero_prompt_tokens):
            self._turn.rounds[number - 1].prompt_tokens = 0
        if number := self._one_of_all_rounds(self._rates.negative_completion_tokens):
            self._turn.rounds[number - 1].completion_tokens = -1

    def _engine_properties(self) -> dict[str, str]:
        properties = {"headerRequestId": self._turn.message_id, "baseModel": self._turn.model}
        if self._dice.happens(0.15):
            properties |= {"conversationId": self._conversation.conversation_id}
            if self._dice.happens(0.5):
                properties["mode"] = self._turn.mode
        return properties

    def _write_output(self, round_: Round, properties: bytes) -> None:
        total = round_.prompt_tokens + max(0, round_.completion_tokens)
        counts = {
            "promptTokens": round_.prompt_tokens,
            "completionTokens": round_.completion_tokens,
            "totalTokens": total,
            "maxTokenWindow": self._turn.max_tokens,
        }
        self._add(round_.answered_at, LENGTHS, properties, self._measured(counts))

    def _message_properties(self, source: str, turn_index: int) -> dict[str, str]:
        turn, name = self._turn, self._conversation.user_name
        named = {"common.userName": name} if name is not None else {}
        return {
            "mode": turn.mode,
            "conversationId": self._conversation.conversation_id,
            "messageId": turn.message_id,
            **named,
            "headerRequestId": turn.message_id,
            "source": source,
            "turnIndex": str(turn_index),
        }

    def _user_properties(self, text: str) -> bytes:
        # User rows count turns from 0, model rows from 1: nobody may rely on either.
        properties = self._message_properties("user", self._turn.index - 1)
        if self._dice.happens(self._rates.some_user_names_missing):
            properties.pop("common.userName", None)
        return encode(properties | in_parts("messageText", text))

    def _write_cut_user(self) -> None:
        """Send the beginning of the user's text before any other row of the turn's messages."""
        text = self._turn.user_text
        if len(text) > 1:
            cut = text[: self._dice.between(1, len(text) - 1)]
            at = self._turn.rounds[0].asked_at
            self._add(at, MESSAGE, self._user_properties(cut), self._measured({"messageCharLen": len(cut)}))

    def _write_model(self, round_: Round, properties: dict[str, str], *, cut: bool) -> None:
        text = round_.text
        if text is None:
            self._add(round_.answered_at, MESSAGE, encode(properties), NO_MEASUREMENTS)
            return
        if cut and len(text) > 1:
            beginning = in_parts("messageText", text[: self._dice.between(1, len(text) - 1)])
            self._add(round_.answered_at - 1_000, MESSAGE, encode(properties | beginning), NO_MEASUREMENTS)
        self._add(
            round_.answered_at, MESSAGE, encode(properties | in_parts("messageText", text)), NO_MEASUREMENTS
        )

    def _write_other(self, round_: Round) -> None:
        """Send a row that has the same keys under another name, so that a parser must look at the name."""
        properties = self._message_properties("model", self._turn.index) | {
            "requestId": self._turn.message_id
        }
        measurements = {
            "promptTokenCount": round_.prompt_tokens,
            "timeToFirstToken": self._dice.between(300, 4_000),
        }
        name = self._dice.pick(OTHER_NAMES)
        self._add(round_.answered_at, name, encode(properties), self._measured(measurements))

    def _write_details(self) -> None:
        turn = self._turn
        at = turn.rounds[-1].answered_at + 5_000
        counts = turn.tool_counts
        if self._dice.happens(self._rates.details_twice):
            self._add(at, DETAILS, *self._details({}, 1, at))
            at += SECOND
        self._add(at, DETAILS, *self._details(counts, len(turn.rounds), at))

    def _details(self, counts: dict[str, int], requests: int, at: int) -> tuple[bytes, bytes]:
        turn, tools = self._turn, self._conversation.tools
        properties: dict[str, Any] = {
            "messageId": turn.message_id,
            "conversationId": self._conversation.conversation_id,
            "toolCounts": encode(counts).decode(),
            "availableTools": encode(tools).decode(),
            "responseType": turn.response_type,
            "turnEndReason": turn.end_reason,
            "model": turn.model,
        }
        measurements = {
            "turnIndex": turn.index,
            "numRequests": requests,
            "turnDuration": (at - turn.rounds[0].asked_at) // 1_000,
            "availableToolCount": len(tools),
            "totalToolCalls": sum(counts.values()),
        }
        return encode(properties), self._measured(measurements)

    def _deliver_twice(self) -> None:
        event = self._dice.pick(self._events)
        late = event.arrived_at + self._dice.between(0, 300) * SECOND
        self._events.append(Event(late, event.generated_at, event.name, event.properties, event.measurements))
