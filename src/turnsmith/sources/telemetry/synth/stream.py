"""Blocks of conversations whose events are interleaved by time, as in an export."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from turnsmith.core.errors import UsageError
from turnsmith.sources.telemetry.synth.conversations import SECOND, Conversation, simulate
from turnsmith.sources.telemetry.synth.dice import Dice
from turnsmith.sources.telemetry.synth.events import Event, by_arrival, conversation_events
from turnsmith.sources.telemetry.synth.faults import damage
from turnsmith.sources.telemetry.synth.rates import DEFAULT_RATES, Rates

DEFAULT_AS_OF = datetime(2026, 1, 16, tzinfo=UTC)
DEFAULT_DAYS = 15.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # for texts without an offset
MICROSECOND = timedelta(microseconds=1)
DAY = 86_400 * SECOND
BLOCK = 64
"""Conversations that are held in memory at once."""
BLOCK_SPAN = DAY // 3
"""Microseconds within which the conversations of a block begin."""
USERS_PER_CONVERSATION = 0.14

encode = msgspec.json.Encoder().encode


def generate(
    conversations: int,
    seed: int = 0,
    as_of: datetime = DEFAULT_AS_OF,
    days: float = DEFAULT_DAYS,
    rates: Rates = DEFAULT_RATES,
) -> Iterator[bytes]:
    """Make synthetic `AppEvents` rows, one after the other, as JSON Lines with their newline.

    The same arguments give the same bytes, and conversation i is the same however many there are. Nearly all
    events lie in the `days` before `as_of` (UTC where it names no zone), none after it. Raise `UsageError`
    for a negative count or a window that isn't positive.
    """
    chunks = blocks(conversations, seed, as_of, days, rates)
    return (line(event) for _, events in chunks for event in events)


def line(event: Event) -> bytes:
    """Return one event as a line of JSON."""
    return b'{"TimeGenerated":"%b","Name":%b,"Properties":%b,"Measurements":%b}\n' % (
        timestamp(event.generated_at).encode(),
        encode(event.name),
        event.properties,
        event.measurements,
    )


@lru_cache(maxsize=4096)  # the rows of a round share their time
def timestamp(microseconds: int) -> str:
    """Return ISO 8601 text in UTC, always with six decimals."""
    return (NAIVE_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + "Z"


def blocks(
    conversations: int, seed: int, as_of: datetime, days: float, rates: Rates
) -> Iterator[tuple[int, list[Event]]]:
    """Yield (conversations, their events in order of arrival) for each block; errors as `generate`."""
    if conversations < 0:
        raise UsageError(f"the number of conversations can't be negative: {conversations}")
    if not days > 0:
        raise UsageError(f"the window must be longer than 0 days: {days}")
    end = (as_of.replace(tzinfo=as_of.tzinfo or UTC) - EPOCH) // MICROSECOND
    window = int(days * DAY)
    return _blocks(conversations, seed, end, window, rates)


def _blocks(
    conversations: int, seed: int, end: int, window: int, rates: Rates
) -> Iterator[tuple[int, list[Event]]]:
    for first in range(0, conversations, BLOCK):
        indices = range(first, min(first + BLOCK, conversations))
        span = min(BLOCK_SPAN, window)
        opening = end - window + int(Dice("block", seed, first).random() * (window - span))
        events: list[Event] = []
        for index in indices:
            events += _conversation(index, seed, opening, span, end, window, rates)
        events.sort(key=by_arrival)
        yield len(indices), events


def _conversation(
    index: int, seed: int, opening: int, span: int, end: int, window: int, rates: Rates
) -> list[Event]:
    """Return the events of conversation `index`, which depend on nothing but the arguments."""
    dice = Dice("conversation", seed, index)
    conversation = simulate(dice, _user_name(dice, index), rates)
    damage(conversation, dice, rates)
    length = _length(conversation)
    place = dice.random()
    if place < rates.before_window:
        start = end - window - length - dice.between(0, 3 * DAY)
    elif place < rates.before_window + rates.straddles_window:
        start = end - window - int(length * dice.random())
    else:
        start = opening + int(dice.random() * span)
    # A millisecond clock, and nothing later than the moment of the export.
    start = min(start, end - length) // 1_000 * 1_000
    return conversation_events(conversation, start, dice, rates)


def _length(conversation: Conversation) -> int:
    """Return the microseconds from time 0 to the last event, with room for its details rows."""
    return conversation.turns[-1].rounds[-1].answered_at + 2 * SECOND


def _user_name(dice: Dice, index: int) -> str:
    """Return a user: about one per eight conversations, early ones with many more than late ones."""
    share = dice.random()
    return f"user{int((1 + index * USERS_PER_CONVERSATION) * share * share):05d}_example"
