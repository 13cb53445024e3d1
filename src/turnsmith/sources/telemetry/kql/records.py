"""From a row of the candidate query to the record of contract §4, the same as the embedded assembly's."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from turnsmith.core.records import Conversation, Estimates, LlmCall, Turn
from turnsmith.sources.telemetry.events import mend_surrogates, to_integer


def to_conversation(row: Mapping[str, Any], split: str | None = None) -> Conversation:
    """Return the record of a row of `sft_candidates_hash_chunked`; `split` is left out where None.

    Lists are put in order again, and the empty texts that stand for absent ones become null.
    """
    turns = [_turn(_loaded(turn)) for turn in _loaded(row["turnsArray"])]
    turns.sort(key=lambda turn: (turn.turn_index is None, turn.turn_index or 0, turn.message_id))
    return Conversation(
        conversation_id=row["conversationId"],
        user_name=row["userName"] or None,
        split=msgspec.UNSET if split is None else split,
        bucket=row["bucket"] or None,
        turn_count=row["turnCount"],
        captured_turn_count=len(turns),
        min_turn_index=row["minTurnIndex"],
        max_turn_index=row["maxTurnIndex"],
        is_complete=bool(row["isComplete"]),
        max_prompt_tokens=row["maxPromptTokens"],
        total_completion_tokens=row["totalCompletionTokens"],
        llm_call_count=row["llmCallCount"],
        turns_array=turns,
    )


def _loaded(value: Any) -> Any:
    """Return a nested value; some servers hand it over as JSON text."""
    return json.loads(value) if isinstance(value, str) else value


def _turn(given: Mapping[str, Any]) -> Turn:
    calls = [_call(_loaded(call)) for call in _loaded(given["llmCalls"]) or []]
    counts, tools = _json(given["toolCounts"], dict), _json(given["availableTools"], list)
    numbers = ((name, to_integer(value)) for name, value in counts.items())
    return Turn(
        turn_index=given["turnIndex"],
        message_id=given["messageId"],
        user_message=given["userMessage"],
        model_message=given["modelMessage"],
        llm_calls=sorted(calls, key=lambda call: call.call_index),
        tool_counts=dict(sorted((mend_surrogates(name), n) for name, n in numbers if n is not None)),
        available_tools=[tool if isinstance(tool, str) else json.dumps(tool) for tool in tools],
        available_tool_count=given["availableToolCount"],
        num_requests=given["numRequests"],
        turn_duration_ms=given["turnDurationMs"],
        turn_end_reason=given["turnEndReason"] or None,
        response_type=given["responseType"] or None,
        model=given["model"] or None,
    )


def _json(value: Any, kind: type) -> Any:
    """Return an object or array, empty where the property held something else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    return value if isinstance(value, kind) else kind()


def _call(given: Mapping[str, Any]) -> LlmCall:
    sizes = _loaded(given["estimates"])
    return LlmCall(
        call_index=given["callIndex"],
        model=given["model"] or None,
        prompt_tokens=given["promptTokens"],
        completion_tokens=given["completionTokens"],
        total_tokens=given["totalTokens"],
        prompt_token_delta=given["promptTokenDelta"],
        estimates=Estimates(**{name: int(sizes[name]) for name in Estimates.__struct_fields__})
        if sizes
        else None,
        has_trajectory=bool(given["hasTrajectory"]),
    )
