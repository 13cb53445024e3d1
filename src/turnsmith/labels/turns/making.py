"""Turns of one conversation, with what was observed of each.

`isLikelyReasoning` is that of `sft_session_router_first_turns.kql`; `complexityBucket` counts the requests to the
model that the client reports, or the LLM calls that were captured where it reports none.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from turnsmith.curate.account import Account
from turnsmith.curate.buckets import DEFAULT_BUCKETS
from turnsmith.curate.split import DEFAULT_SPLITS, split_of
from turnsmith.labels.records import Exchange, Signals, Turn
from turnsmith.labels.turns.curated import Curated, CuratedTurn

REASONING_CALLS = 5
REASONING_COMPLETION_TOKENS = 2000
COMPLEXITY = ((1, "simple"), (3, "moderate"), (10, "complex"))
MOST_COMPLEX = "very_complex"
FAILED_ENDS = frozenset({"failed", "cancelled", "canceled", "networkError"})
GOOD_RESPONSES = frozenset({"", "success"})
LONGEST_HISTORY = 32 << 20  # characters; a line must stay readable
OUTSIDE = "outside_buckets"

EMPTY_REQUEST = "empty request"
EMPTY_ANSWER = "empty answer"
TOOLS_ONLY = "empty answer after tool calls"
FAILED = "failed answer"
LATER = "later turn"
NO_INDEX = "no turn index"
REPEATED = "turn met before"


class Unit(StrEnum):
    """Name what is judged: a session by its first turn, or every turn with its history."""

    first = "first"
    every = "every"


def turns_of(
    conversation: Curated, unit: Unit, dataset: str, account: Account, *, keep_tools_only: bool = False
) -> Iterator[Turn]:
    """Yield the turns of a conversation that can be judged, in turn order; the others go to `account`.

    Earlier turns that can't be judged themselves still stand in the history, because the user saw them.
    """
    ordered = sorted(conversation.turns_array, key=lambda turn: (turn.turn_index or 0, turn.message_id))
    history: list[Exchange] = []
    met: set[str] = set()
    for turn in ordered:
        account.read += 1
        request, response = turn.user_message or "", turn.model_message or ""
        reason = REPEATED if turn.message_id in met else _unfit(turn, unit, keep_tools_only=keep_tools_only)
        met.add(turn.message_id)
        if reason:
            account.drop(reason, f"{conversation.conversation_id}/{turn.message_id}")
        else:
            account.kept += 1
            yield _turn(conversation, turn, unit, dataset, _bounded(history, account))
        if unit == Unit.every and reason != REPEATED:
            history.append(Exchange(request, response))


def _unfit(turn: CuratedTurn, unit: Unit, *, keep_tools_only: bool) -> str:
    """Return why a turn is left out, "" for one that is not; the first reason counts."""
    if turn.turn_index is None:
        return NO_INDEX
    if unit == Unit.first and turn.turn_index != 1:
        return LATER
    if not (turn.user_message or "").strip():
        return EMPTY_REQUEST
    if turn.turn_end_reason in FAILED_ENDS or (turn.response_type or "") not in GOOD_RESPONSES:
        return FAILED
    if not (turn.model_message or "").strip():
        if not turn.tool_counts:
            return EMPTY_ANSWER
        return "" if keep_tools_only else TOOLS_ONLY
    return ""


def _bounded(history: Sequence[Exchange], account: Account) -> list[Exchange]:
    """Return the history, without its oldest turns but the first where it is longer than a line may be."""
    if sum(len(each.request) + len(each.response) for each in history) <= LONGEST_HISTORY:
        return list(history)
    account.note("history cut to 32 million characters")
    first, *later = history
    left = LONGEST_HISTORY - len(first.request) - len(first.response)
    kept: list[Exchange] = []
    for each in reversed(later):
        left -= len(each.request) + len(each.response)
        if left < 0:
            break
        kept.append(each)
    return [first, *reversed(kept)] if left >= 0 or kept else []


def _turn(
    conversation: Curated, turn: CuratedTurn, unit: Unit, dataset: str, history: list[Exchange]
) -> Turn:
    signals = signals_of(turn)
    count = conversation.turn_count or len(conversation.turns_array)
    requests = signals.num_requests or signals.llm_call_count
    return Turn(
        conversation_id=conversation.conversation_id,
        message_id=turn.message_id,
        turn_index=turn.turn_index or 0,
        turn_count=count,
        split=conversation.split or split_of(conversation.conversation_id, DEFAULT_SPLITS),
        bucket=conversation.bucket or _bucket(count),
        request=turn.user_message or "",
        response=turn.model_message or "",
        signals=signals,
        is_likely_reasoning=is_likely_reasoning(signals),
        complexity_bucket=complexity(requests),
        dataset=dataset,
        unit=unit.value,
        history=history,
    )


def signals_of(turn: CuratedTurn) -> Signals:
    """Return what was observed of a turn.

    `prompt_tokens` is the prompt of its first call, so what was known when the request came; `prompt_growth` what
    was added from there to its last call, negative where context was lost.
    """
    calls = turn.llm_calls or []
    prompts = [call.prompt_tokens for call in calls if call.prompt_tokens is not None]
    tools = {name: count for name, count in sorted((turn.tool_counts or {}).items()) if count > 0}
    return Signals(
        llm_call_count=len(calls),
        tool_counts=tools,
        tool_call_count=sum(tools.values()),
        tool_variety=len(tools),
        available_tool_count=turn.available_tool_count,
        completion_tokens=sum(call.completion_tokens or 0 for call in calls),
        prompt_tokens=prompts[0] if prompts else None,
        prompt_growth=prompts[-1] - prompts[0] if prompts else None,
        duration_ms=turn.turn_duration_ms,
        model=turn.model,
        response_type=turn.response_type,
        turn_end_reason=turn.turn_end_reason,
        num_requests=turn.num_requests,
    )


def is_likely_reasoning(signals: Signals) -> bool:
    """Tell whether a turn had many LLM calls or many completion tokens: a signal, no label."""
    return (
        signals.llm_call_count >= REASONING_CALLS or signals.completion_tokens >= REASONING_COMPLETION_TOKENS
    )


def complexity(requests: int) -> str:
    """Return the name for so many requests to the model: 1 is simple, up to 3 moderate, up to 10 complex."""
    return next((name for most, name in COMPLEXITY if requests <= most), MOST_COMPLEX)


def _bucket(turn_count: int) -> str:
    fitting = (each.full_name for each in DEFAULT_BUCKETS if each.min <= turn_count <= each.max)
    return next(fitting, OUTSIDE)
