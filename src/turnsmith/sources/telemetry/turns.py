"""Turns without their texts, and LLM calls: contract §2, rules 4 to 6, as Ibis expressions.

Everything about a turn is keyed by its `messageId`, so these expressions hold for any partition of the
events by message. They name unbound tables; an engine binds and runs them.
"""

import ibis
from ibis import _
from ibis.expr.types import IntegerColumn, Table

from turnsmith.sources.telemetry import schema

ESTIMATE_COLUMNS = [f"estimate_{role}" for role in schema.ROLES]
FACT_COLUMNS = [
    name for name in schema.TURN_FACTS if name not in ("message_id", "conversation_id", "time")
]  # fmt: skip
TURN_KEY = ["conversation_id", "message_id"]

members = ibis.table(schema.MEMBERS, name="members")
llm_rows = ibis.table(schema.LLM_ROWS, name="llm_rows")
turn_facts = ibis.table(schema.TURN_FACTS, name="turn_facts")


def turns() -> Table:
    """Return one row per turn: `conversation_id`, `message_id`, `has_message` and its facts."""
    return turn_members().left_join(latest_facts(), "message_id").drop("message_id_right")


def turn_members() -> Table:
    """Return every (conversation, message) seen in an agent message row or in turn facts (rule 4)."""
    told = members.select(*TURN_KEY, has_message=True)
    ended = turn_facts.filter(_.conversation_id.notnull()).select(*TURN_KEY, has_message=False)
    return ibis.union(told, ended).group_by(TURN_KEY).agg(has_message=_.has_message.any())


def latest_facts() -> Table:
    """Return the facts of each message from its latest `toolCallDetailsInternal` row (rule 5)."""
    tie_breakers = [
        turn_facts[name].desc(nulls_first=False) for name in ["turn_index", *FACT_COLUMNS, "conversation_id"]
    ]
    latest = first_of(turn_facts, ["message_id"], [_.time.desc(), *tie_breakers])
    return latest.select("message_id", *FACT_COLUMNS)


def calls() -> Table:
    """Return one row per LLM call of a message with its index and its prompt's estimates (rule 6)."""
    rows = llm_rows.distinct()
    tokens = ["prompt_tokens", "completion_tokens", "total_tokens", "model", "rest"]
    outputs = rows.filter(_.direction == "output")
    outputs = outputs.mutate(call_index=_position(outputs, tokens)).drop(
        "direction", "time", "rest", *ESTIMATE_COLUMNS
    )
    inputs = rows.filter(_.direction == "input").mutate(
        estimate_total=sum((rows[name] for name in ESTIMATE_COLUMNS[1:]), rows[ESTIMATE_COLUMNS[0]])
    )
    estimates = ["estimate_total", *ESTIMATE_COLUMNS]
    inputs = inputs.select(
        "message_id", *estimates, call_index=_position(inputs, [*estimates, "model", "rest"])
    )
    return outputs.left_join(inputs, ["message_id", "call_index"]).drop(
        "message_id_right", "call_index_right"
    )


def calls_of_turns() -> Table:
    """Return the calls with the conversation of their message; calls of unknown messages fall away."""
    return calls().join(turn_members().select(*TURN_KEY), "message_id")


def _position(rows: Table, tie_breakers: list[str]) -> IntegerColumn:
    """Return the 1-based position of a row among its message's rows, by time and then by `tie_breakers`."""
    order = [rows.time, *(rows[name].asc(nulls_first=False) for name in tie_breakers)]
    return ibis.row_number().over(group_by=rows.message_id, order_by=order) + 1


def first_of(table: Table, key: list[str], order: list[ibis.Value]) -> Table:
    """Return the first row of each group under a total order."""
    ranked = table.mutate(rank=ibis.row_number().over(group_by=key, order_by=order))
    return ranked.filter(_.rank == 0).drop("rank")
