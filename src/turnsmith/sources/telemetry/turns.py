"""Turns out of the three flat tables: contract §2, rules 3 to 6, as Ibis expressions.

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
ALL_ROUNDS_SEPARATOR = "\n\n"

messages = ibis.table(schema.MESSAGES, name="messages")
llm_rows = ibis.table(schema.LLM_ROWS, name="llm_rows")
turn_facts = ibis.table(schema.TURN_FACTS, name="turn_facts")


def turns(model_text: str) -> Table:
    """Return one row per turn: `conversation_id`, `message_id`, texts, user name, facts, `has_message`.

    `model_text` is `longest` or `all_rounds` (rule 3). A turn known only from its facts has empty texts.
    """
    texts = user_and_model_texts(model_text)
    names = user_names()
    members = turn_members()
    facts = latest_facts()
    joined = members.left_join(texts, TURN_KEY).drop("conversation_id_right", "message_id_right")
    joined = joined.left_join(names, TURN_KEY).drop("conversation_id_right", "message_id_right")
    joined = joined.left_join(facts, "message_id").drop("message_id_right")
    return joined.mutate(
        user_message=_.user_message.fill_null(""), model_message=_.model_message.fill_null("")
    )


def turn_members() -> Table:
    """Return every (conversation, message) seen in an agent message row or in turn facts (rule 4)."""
    told = messages.select(*TURN_KEY, has_message=True)
    ended = turn_facts.filter(_.conversation_id.notnull()).select(*TURN_KEY, has_message=False)
    return ibis.union(told, ended).group_by(TURN_KEY).agg(has_message=_.has_message.any())


def user_and_model_texts(model_text: str) -> Table:
    """Return the user and the model message of each turn (rule 3)."""
    longest = longest_texts()
    user = longest.filter(_.source == "user").select(*TURN_KEY, user_message=_.text)
    model = (
        all_round_texts()
        if model_text == "all_rounds"
        else longest.filter(_.source == "model").select(*TURN_KEY, model_message=_.text)
    )
    both = user.outer_join(model, TURN_KEY)
    return both.select(
        conversation_id=ibis.coalesce(_.conversation_id, _.conversation_id_right),
        message_id=ibis.coalesce(_.message_id, _.message_id_right),
        user_message=_.user_message,
        model_message=_.model_message,
    )


def longest_texts() -> Table:
    """Return the longest text per turn and source; ties to the earliest, then the smallest text."""
    order = [_.text.length().desc(), _.time, _.text]
    return first_of(messages, [*TURN_KEY, "source"], order)


def all_round_texts() -> Table:
    """Return the distinct model texts of each turn in time order, joined by a blank line."""
    rounds = messages.filter((_.source == "model") & (_.text != ""))
    distinct = rounds.group_by([*TURN_KEY, "text"]).agg(time=_.time.min())
    in_order = ibis.struct({"time": distinct.time, "text": distinct.text}).collect().sort()
    return distinct.group_by(TURN_KEY).agg(
        model_message=in_order.map(lambda each: each["text"]).join(ALL_ROUNDS_SEPARATOR)
    )


def user_names() -> Table:
    """Return each turn's first non-empty user name, user rows before model rows (rule 10)."""
    named = messages.filter(_.user_name.notnull())
    order = [(_.source == "user").desc(), _.time, _.user_name]
    return first_of(named, TURN_KEY, order).select(*TURN_KEY, "user_name")


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
    ranked = table.mutate(position=ibis.row_number().over(group_by=key, order_by=order))
    return ranked.filter(_.position == 0).drop("position")
