"""From an engine's assembled JSON to the typed record: the same bytes whichever engine assembled it."""

import json
from typing import Any

import msgspec

from turnsmith.core.records import Conversation
from turnsmith.sources.telemetry.events import mend_surrogates, to_integer

_decoder = msgspec.json.Decoder(Conversation)


def finish(assembled: str | bytes, split: str | None) -> Conversation:
    """Return the record of an assembled conversation.

    An engine hands `toolCounts` and `availableTools` over as JSON or as text that holds JSON.
    """
    try:
        record = _decoder.decode(assembled)
    except msgspec.ValidationError:
        record = msgspec.convert(_with_usual_tools(json.loads(assembled)), Conversation)
    record.split = msgspec.UNSET if split is None else split
    for turn in record.turns_array:
        # A property bag has no order of its own: names in order, so that all sources give the same bytes.
        if len(turn.tool_counts) > 1:
            turn.tool_counts = dict(sorted(turn.tool_counts.items()))
    return record


def _with_usual_tools(assembled: dict[str, Any]) -> dict[str, Any]:
    for turn in assembled["turnsArray"]:
        counts, tools = _loaded(turn["toolCounts"], {}), _loaded(turn["availableTools"], [])
        numbers = {mend_surrogates(name): to_integer(count) for name, count in counts.items()}
        turn["toolCounts"] = {name: number for name, number in numbers.items() if number is not None}
        turn["availableTools"] = [mend_surrogates(t if isinstance(t, str) else json.dumps(t)) for t in tools]
    return assembled


def _loaded(value: Any, empty: Any) -> Any:
    value = json.loads(value) if isinstance(value, str) else value
    return value if isinstance(value, type(empty)) else empty
