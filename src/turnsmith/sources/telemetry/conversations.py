"""Conversations out of turns: contract §2, rules 7, 8 and the bucket, with the texts, as Ibis expressions.

They hold for any partition of the turns by conversation. Each conversation gets one `reason` why it is
left out, or null.
"""

from collections.abc import Sequence

import ibis
from ibis import _
from ibis.expr.types import StructColumn, Table

from turnsmith.curate.buckets import Bucket
from turnsmith.sources.telemetry import schema
from turnsmith.sources.telemetry.schema import FILTERS
from turnsmith.sources.telemetry.texts import messages, user_and_model_texts, user_names
from turnsmith.sources.telemetry.turns import ESTIMATE_COLUMNS, FACT_COLUMNS, TURN_KEY

turns = ibis.table(
    {
        "conversation_id": "string",
        "message_id": "string",
        "has_message": "boolean",
        **{name: schema.TURN_FACTS[name] for name in FACT_COLUMNS},
    },
    name="turns",
)
calls = ibis.table(
    {
        "conversation_id": "string",
        "message_id": "string",
        "call_index": "int64",
        "model": "string",
        "prompt_tokens": "int64",
        "completion_tokens": "int64",
        "total_tokens": "int64",
        **dict.fromkeys(["estimate_total", *ESTIMATE_COLUMNS], "int64"),
    },
    name="calls",
)


def summaries(buckets: Sequence[Bucket], failed_reasons: Sequence[str]) -> Table:
    """Return one row per conversation: turn count, completeness, bucket, and the filter that takes it."""
    summary = turns.group_by("conversation_id").agg(
        has_message=_.has_message.any(),
        turn_count=_.count(),
        indexed=_.turn_index.count(),
        min_index=_.turn_index.min(),
        max_index=_.turn_index.max(),
        distinct_indices=_.turn_index.nunique(),
        failed=_.turn_end_reason.isin(list(failed_reasons)).fill_null(False).any(),
    )
    summary = summary.filter(_.has_message).mutate(bucket=_bucket(summary, buckets))
    missing = summary.indexed < summary.turn_count
    late = summary.min_index != 1
    gap = (summary.max_index != summary.turn_count) | (summary.distinct_indices != summary.turn_count)
    reason = ibis.cases(
        (missing, FILTERS[0]),
        (late, FILTERS[1]),
        (gap, FILTERS[2]),
        (summary.failed, FILTERS[3]),
        (summary.bucket.isnull(), FILTERS[4]),
    )
    return summary.select(
        "conversation_id", "turn_count", "min_index", "max_index", "bucket",
        is_complete=~(missing | late | gap), reason=reason,
    )  # fmt: skip


def _turn_position(table: Table) -> ibis.Value:
    order = [table.turn_index.asc(nulls_first=False), table.message_id]
    return ibis.row_number().over(group_by=table.conversation_id, order_by=order)


def _bucket(summary: Table, buckets: Sequence[Bucket]) -> ibis.Value:
    return ibis.cases(*((summary.turn_count.between(b.min, b.max), b.full_name) for b in buckets))


def records(wanted: Table, model_text: str) -> Table:
    """Return `conversation_id` and the nested `record` of each conversation in `wanted`, of `summaries`.

    `model_text` is `longest` or `all_rounds` (rule 3). A turn known only from its facts has empty texts.
    """
    kept = turns.semi_join(wanted, "conversation_id")
    ordered = kept.mutate(position=_turn_position(kept))
    positions = ordered.select(*TURN_KEY, "position")
    rows = messages.semi_join(wanted, "conversation_id")
    texts = user_and_model_texts(rows, model_text)
    with_deltas = prompt_token_deltas(positions, wanted)
    per_turn = with_deltas.group_by(TURN_KEY).agg(
        llm_calls=_call_struct(with_deltas).collect().sort(),
    )
    totals = with_deltas.group_by("conversation_id").agg(
        max_prompt_tokens=_.prompt_tokens.max(),
        total_completion_tokens=_.completion_tokens.sum(),
        llm_call_count=_.count(),
    )
    full = ordered.left_join(texts, TURN_KEY).drop("conversation_id_right", "message_id_right")
    full = full.left_join(per_turn, TURN_KEY).drop("conversation_id_right", "message_id_right")
    nested = full.group_by("conversation_id").agg(turns_array=_turn_struct(full).collect().sort())
    joined = wanted.join(nested, "conversation_id").left_join(totals, "conversation_id")
    joined = joined.drop("conversation_id_right").left_join(user_names(rows, positions), "conversation_id")
    return joined.select(_.conversation_id, record=_record_struct(joined))


def prompt_token_deltas(positions: Table, wanted: Table) -> Table:
    """Return the calls with `prompt_token_delta` against the conversation's previous call (rule 7).

    The first captured call of an incomplete conversation gets null.
    """
    placed = calls.join(positions, TURN_KEY).join(
        wanted.select("conversation_id", "is_complete"), "conversation_id"
    )
    window = ibis.window(group_by=placed.conversation_id, order_by=[placed.position, placed.call_index])
    previous = placed.prompt_tokens.lag().over(window)
    is_first = ibis.row_number().over(window) == 0
    first_delta = ibis.cases((placed.is_complete, placed.prompt_tokens))
    return placed.mutate(
        prompt_token_delta=ibis.ifelse(is_first, first_delta, placed.prompt_tokens - previous)
    )


def _call_struct(table: Table) -> StructColumn:
    """Return the call as on the wire; `callIndex` comes first because the list is sorted by it."""
    estimates = ibis.struct(
        {
            **{name.removeprefix("estimate_"): table[name] for name in ESTIMATE_COLUMNS},
            "total": table.estimate_total,
        }
    )
    has_trajectory = table.estimate_total.notnull()
    return ibis.struct(
        {
            "callIndex": table.call_index,
            "model": table.model,
            "promptTokens": table.prompt_tokens,
            "completionTokens": table.completion_tokens,
            "totalTokens": table.total_tokens,
            "promptTokenDelta": table.prompt_token_delta,
            "estimates": ibis.cases((has_trajectory, estimates)),
            "hasTrajectory": has_trajectory,
        }
    )


def _turn_struct(table: Table) -> StructColumn:
    """Return the turn as on the wire, with its `position` in front: the list is sorted by it."""
    facts = {_camel(name): table[name] for name in FACT_COLUMNS}
    return ibis.struct(
        {
            "position": table.position,
            "messageId": table.message_id,
            "userMessage": table.user_message.fill_null(""),
            "modelMessage": table.model_message.fill_null(""),
            "llmCalls": ibis.coalesce(table.llm_calls, ibis.literal([], table.llm_calls.type())),
            **facts,
        }
    )


def _record_struct(table: Table) -> StructColumn:
    return ibis.struct(
        {
            "conversationId": table.conversation_id,
            "userName": table.user_name,
            "turnCount": table.turn_count,
            "capturedTurnCount": table.turn_count,
            "minTurnIndex": table.min_index,
            "maxTurnIndex": table.max_index,
            "isComplete": table.is_complete,
            "bucket": table.bucket,
            "maxPromptTokens": table.max_prompt_tokens,
            "totalCompletionTokens": table.total_completion_tokens.fill_null(0),
            "llmCallCount": table.llm_call_count.fill_null(0),
            "turnsArray": table.turns_array,
        }
    )


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)
