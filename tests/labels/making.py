"""Labels and turns for the tests of this folder."""

from typing import Any

from turnsmith.labels.records import Exchange, Label, Signals, Turn


def label(number: int, **fields: Any) -> Label:
    """Return the label of a turn: two turns in a conversation, every third label is 1."""
    digit = int(number % 3 == 0)
    told: dict[str, Any] = {
        "conversation_id": f"c{number // 2}",
        "message_id": f"m{number}",
        "turn_index": number % 2 + 1,
        "split": "train",
        "bucket": "short_3_to_5_turns",
        "request": f"Please do the thing number {number}",
        "llm_vote": digit,
        "soft_label": 0.8 if digit else 0.3,
        "vote": None,
        "strategy": "request",
        "judge_model": "weak",
        "prompt_version": "weak-1",
        "judge": "weak",
    }
    return Label(**{**told, **fields})


def signals(**fields: Any) -> Signals:
    """Return what was observed of a turn with one call and no tool."""
    told: dict[str, Any] = {
        "llm_call_count": 1,
        "tool_counts": {},
        "tool_call_count": 0,
        "tool_variety": 0,
        "available_tool_count": 10,
        "completion_tokens": 200,
        "prompt_tokens": 9_000,
        "prompt_growth": 9_000,
        "duration_ms": 4_000.0,
        "model": "m",
        "response_type": "success",
        "turn_end_reason": "stopped",
        "num_requests": 1,
    }
    return Signals(**{**told, **fields})


def turn(request: str, history: list[Exchange] | None = None, **observed: Any) -> Turn:
    """Return the first turn of a conversation of three."""
    return Turn(
        conversation_id="c",
        message_id="m",
        turn_index=1,
        turn_count=3,
        split="train",
        bucket="short_3_to_5_turns",
        request=request,
        response="Done.",
        signals=signals(**observed),
        is_likely_reasoning=False,
        complexity_bucket="simple",
        dataset="set",
        unit="first",
        history=history or [],
    )
