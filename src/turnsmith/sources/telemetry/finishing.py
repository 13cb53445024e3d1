"""From an engine's assembled JSON to the typed record: the same bytes whichever engine assembled it."""

import functools
import json

import msgspec

from turnsmith.core.records import Conversation, LlmCall, Record, Turn
from turnsmith.sources.telemetry.events import mend_surrogates, to_integer


class AssembledTurn(Record):
    """Hold a turn as the engines hand it over: JSON properties still as text."""

    position: int
    message_id: str
    user_message: str
    model_message: str
    llm_calls: list[LlmCall] | None
    turn_index: int | None
    num_requests: int | None
    turn_duration_ms: int | None
    available_tool_count: int | None
    tool_counts: str | None
    available_tools: str | None
    response_type: str | None
    turn_end_reason: str | None
    model: str | None


class Assembled(Record):
    """Hold a conversation as the engines hand it over."""

    conversation_id: str
    user_name: str | None
    turn_count: int
    min_turn_index: int | None
    max_turn_index: int | None
    is_complete: bool
    bucket: str | None
    max_prompt_tokens: int | None
    total_completion_tokens: int | None
    llm_call_count: int | None
    turns_array: list[AssembledTurn]


_decoder = msgspec.json.Decoder(Assembled)


def finish(assembled: str, split: str | None) -> Conversation:
    """Return the record of an assembled conversation."""
    given = _decoder.decode(assembled)
    return Conversation(
        conversation_id=given.conversation_id,
        user_name=given.user_name,
        split=msgspec.UNSET if split is None else split,
        bucket=given.bucket,
        turn_count=given.turn_count,
        captured_turn_count=len(given.turns_array),
        min_turn_index=given.min_turn_index,
        max_turn_index=given.max_turn_index,
        is_complete=given.is_complete,
        max_prompt_tokens=given.max_prompt_tokens,
        total_completion_tokens=given.total_completion_tokens or 0,
        llm_call_count=given.llm_call_count or 0,
        turns_array=[_turn(turn) for turn in given.turns_array],
    )


def _turn(given: AssembledTurn) -> Turn:
    return Turn(
        turn_index=given.turn_index,
        message_id=given.message_id,
        user_message=given.user_message,
        model_message=given.model_message,
        llm_calls=given.llm_calls or [],
        tool_counts=dict(_count_items(given.tool_counts or "{}")),
        available_tools=list(_tool_names(given.available_tools or "[]")),
        available_tool_count=given.available_tool_count,
        num_requests=given.num_requests,
        turn_duration_ms=given.turn_duration_ms,
        turn_end_reason=given.turn_end_reason,
        response_type=given.response_type,
        model=given.model,
    )


@functools.lru_cache(maxsize=4096)
def _count_items(text: str) -> tuple[tuple[str, int], ...]:
    """Return tool counts sorted by name (an engine's property bag has no order); values must be numbers."""
    counts = ((name, to_integer(value)) for name, value in json.loads(text).items())
    return tuple(sorted((mend_surrogates(name), count) for name, count in counts if count is not None))


@functools.lru_cache(maxsize=4096)
def _tool_names(text: str) -> tuple[str, ...]:
    return tuple(
        mend_surrogates(name if isinstance(name, str) else json.dumps(name)) for name in json.loads(text)
    )
