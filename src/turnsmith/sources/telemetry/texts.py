"""Texts and user names of turns: contract §2, rules 3 and 10, as Ibis expressions.

They hold for any partition of the message rows by conversation or by message.
"""

import ibis
from ibis import _
from ibis.expr.types import Table

from turnsmith.sources.telemetry import schema
from turnsmith.sources.telemetry.turns import TURN_KEY, first_of

ALL_ROUNDS_SEPARATOR = "\n\n"

messages = ibis.table(schema.MESSAGES, name="messages")


def user_and_model_texts(rows: Table, model_text: str) -> Table:
    """Return the user and the model message of each turn in `rows`, of `messages` (rule 3).

    `model_text` is `longest` or `all_rounds`.
    """
    longest = longest_texts(rows)
    user = longest.filter(_.source == "user").select(*TURN_KEY, user_message=_.text)
    model = (
        all_round_texts(rows)
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


def longest_texts(rows: Table) -> Table:
    """Return the longest text per turn and source; ties to the earliest, then the smallest text."""
    order = [_.text.length().desc(), _.time, _.text]
    return first_of(rows, [*TURN_KEY, "source"], order)


def all_round_texts(rows: Table) -> Table:
    """Return the distinct model texts of each turn in time order, joined by a blank line."""
    rounds = rows.filter((_.source == "model") & (_.text != ""))
    distinct = rounds.group_by([*TURN_KEY, "text"]).agg(time=_.time.min())
    in_order = ibis.struct({"time": distinct.time, "text": distinct.text}).collect().sort()
    return distinct.group_by(TURN_KEY).agg(
        model_message=in_order.map(lambda each: each["text"]).join(ALL_ROUNDS_SEPARATOR)
    )


def user_names(rows: Table, positions: Table) -> Table:
    """Return each conversation's first non-empty user name, user rows before model rows (rule 10).

    `positions` has the `position` of every turn among its conversation's turns.
    """
    named = rows.filter(_.user_name.notnull()).join(positions, TURN_KEY)
    order = [_.position, (_.source == "user").desc(), _.time, _.user_name]
    return first_of(named, ["conversation_id"], order).select("conversation_id", "user_name")
