"""The SQL that reads ordinary `AppEvents` rows in bulk; unusual ones get the fate `odd`.

A row is ordinary when every value that matters has its usual type and spelling. Anything else, such as
JSON that does not parse, is left to `events.read_event`: this SQL may be strict because that is tolerant.
"""

import json
import re
from typing import Any

import pyarrow as pa

from turnsmith.sources.telemetry import schema
from turnsmith.sources.telemetry.events import Window

_STRING_PROPERTIES = re.compile(r'"Properties"\s*:\s*"')
_MAP = "MAP(VARCHAR, VARCHAR)"


def parsed(block: pa.Table, window: Window) -> str:
    """Return SQL for a block's rows: `row`, `time`, `p`, `m`, `unread`, `estimates`, `fate`."""
    return f"""
        SELECT row, time, p, m, estimates, unread, {_fate(window)} AS fate
        FROM (SELECT *, {_ESTIMATES} AS estimates FROM ({_rows(block)}))"""


def _rows(block: pa.Table) -> str:
    if "line" not in block.column_names:
        is_number = block.schema.field("TimeGenerated").type == pa.int64()
        time = "TimeGenerated" if is_number else _time("TimeGenerated")
        return f"SELECT row, {time} AS time, Name AS name, {_bags('Properties', 'Measurements')} FROM block"
    if _properties_are_strings(block):
        texts = dict.fromkeys(schema.COLUMNS, "VARCHAR")
        return f"""
            SELECT row, {_time("e.TimeGenerated")} AS time, e.Name AS name,
                   {_bags("e.Properties", "e.Measurements")}
            FROM (SELECT row, {_transform("line", texts)} AS e FROM block)"""
    whole = {
        "TimeGenerated": "VARCHAR",
        "Name": "VARCHAR",
        "Properties": _PROPERTIES,
        "Measurements": _MEASUREMENTS,
    }
    maps = {"Properties": _MAP, "Measurements": _MAP}
    return f"""
        SELECT row, {_time("e.TimeGenerated")} AS time, e.Name AS name, e.Properties AS p, e.Measurements AS m,
               contains(line, '_02"') AS in_parts,
               CASE WHEN e.Name = '{schema.MESSAGES_LENGTH}' THEN {_transform("line", maps)} END AS unread
        FROM (SELECT row, line, {_transform("line", whole)} AS e FROM block)"""


def _bags(properties: str, measurements: str) -> str:
    return f"""
        {_transform(properties, _PROPERTIES)} AS p, {_transform(measurements, _MEASUREMENTS)} AS m,
        contains({properties}, '_02"') AS in_parts,
        {{'Properties': {_transform(properties, _MAP)}, 'Measurements': {_transform(measurements, _MAP)}}} AS unread"""


def _properties_are_strings(block: pa.Table) -> bool:
    return block.num_rows > 0 and bool(_STRING_PROPERTIES.search(block.column("line")[0].as_py()))


def _transform(text: str, shape: Any) -> str:
    return f"TRY(json_transform({text}, '{json.dumps(shape)}'))"


def _time(text: str) -> str:
    """Return SQL for nanoseconds since 1970 of a time that ends in Z, else null."""
    return (
        f"CASE WHEN {text} LIKE '____-__-__T__:__:__%Z' THEN epoch_ns(TRY_CAST({text} AS TIMESTAMP_NS)) END"
    )


def _is_plain_integer(number: str) -> str:
    return f"TRY_CAST({number} AS BIGINT)::VARCHAR IS NOT DISTINCT FROM {number}"


def _fate(window: Window) -> str:
    known = ", ".join(f"'{name}'" for name in schema.EVENT_NAMES)
    return f"""
        CASE WHEN time IS NULL OR name IS NULL THEN 'odd'
             WHEN name NOT IN ({known}) THEN 'other_name'
             WHEN NOT (time > {window.after} AND time <= {window.until}) THEN 'outside_window'
             WHEN coalesce(in_parts, true) OR p IS NULL THEN 'odd'
             WHEN name = '{schema.MESSAGE_TEXT}' THEN {_MESSAGE_FATE}
             WHEN name = '{schema.MESSAGES_LENGTH}' THEN {_LLM_ROW_FATE}
             ELSE {_TURN_FACTS_FATE} END"""


_PROPERTIES = dict.fromkeys(schema.TEXT_FIELDS, "VARCHAR")
_MEASUREMENTS = dict.fromkeys(schema.NUMBER_FIELDS, "VARCHAR")
_ESTIMATES = """
    CASE WHEN p.message_direction = 'input'
         THEN TRY(from_json(p.messagesJson, '[{"role": "VARCHAR", "content": "VARCHAR"}]')) END"""
_MESSAGE_FATE = f"""
    CASE WHEN p.source IS NULL OR p.source NOT IN {schema.SOURCES} OR p.mode IS NULL THEN 'odd'
         WHEN p.mode != '{schema.AGENT_MODE}' THEN 'not_agent_mode'
         WHEN coalesce(p.conversationId, '') = '' OR coalesce(p.messageId, '') = '' THEN 'odd'
         ELSE 'messages' END"""
_LLM_ROW_FATE = f"""
    CASE WHEN coalesce(p.headerRequestId, '') = '' THEN 'odd'
         WHEN p.message_direction = 'input' THEN
             CASE WHEN len(estimates) > 0 AND len(list_filter(estimates, lambda x:
                       x.role IS NULL OR NOT ({_is_plain_integer("x.content")}))) = 0
                  THEN 'llm_rows' ELSE 'odd' END
         WHEN p.message_direction = 'output' AND m.promptTokens IS NOT NULL AND m.completionTokens IS NOT NULL
              AND {_is_plain_integer("m.promptTokens")} AND {_is_plain_integer("m.completionTokens")}
              AND {_is_plain_integer("m.totalTokens")} THEN 'llm_rows'
         ELSE 'odd' END"""
_TURN_FACTS_FATE = f"""
    CASE WHEN coalesce(p.messageId, '') != '' AND m.turnIndex IS NOT NULL
              AND {_is_plain_integer("m.turnIndex")} AND {_is_plain_integer("m.numRequests")}
              AND {_is_plain_integer("m.turnDuration")} AND {_is_plain_integer("m.availableToolCount")}
              AND coalesce(TRY(json_type(p.toolCounts)), 'OBJECT') = 'OBJECT'
              AND coalesce(TRY(json_type(p.availableTools)), 'ARRAY') = 'ARRAY' THEN 'turn_facts'
         ELSE 'odd' END"""


def _estimate(role: str) -> str:
    matching = f"list_filter(estimates, lambda x: x.role = '{role}')"
    total = f"list_sum(list_transform({matching}, lambda x: x.content::BIGINT))"
    return f"CASE WHEN len(estimates) > 0 THEN coalesce({total}, 0)::BIGINT END AS estimate_{role}"


_UNREAD_ENTRIES = f"""
    list_sort(list_transform(list_filter(
        list_concat(map_entries(unread.Properties), map_entries(unread.Measurements)),
        lambda x: x.value IS NOT NULL AND x.key NOT IN {schema.CALL_FIELDS}),
        lambda x: concat(x.key, '=', x.value, E'\\n')))"""

# How each flat table is read out of `parsed`.
FLAT = {
    "messages": """
        SELECT p.conversationId AS conversation_id, p.messageId AS message_id, p.source AS source,
               coalesce(p.messageText, '') AS text, nullif(p."common.userName", '') AS user_name, time
        FROM parsed WHERE fate = 'messages'""",
    "llm_rows": f"""
        SELECT p.headerRequestId AS message_id, p.message_direction AS direction, time, p.baseModel AS model,
               m.promptTokens::BIGINT AS prompt_tokens, m.completionTokens::BIGINT AS completion_tokens,
               m.totalTokens::BIGINT AS total_tokens,
               {", ".join(_estimate(role) for role in schema.ROLES)},
               CASE WHEN len({_UNREAD_ENTRIES}) > 0 THEN md5(array_to_string({_UNREAD_ENTRIES}, '')) ELSE '' END AS rest
        FROM parsed WHERE fate = 'llm_rows'""",
    "turn_facts": """
        SELECT p.messageId AS message_id, nullif(p.conversationId, '') AS conversation_id, time,
               m.turnIndex::BIGINT AS turn_index, m.numRequests::BIGINT AS num_requests,
               m.turnDuration::BIGINT AS turn_duration_ms, m.availableToolCount::BIGINT AS available_tool_count,
               p.toolCounts AS tool_counts, p.availableTools AS available_tools,
               p.responseType AS response_type, p.turnEndReason AS turn_end_reason, p.model AS model
        FROM parsed WHERE fate = 'turn_facts'""",
}

_PART = "hash(message_id) % {parts} AS part"
# What is written of each block. Message rows repeat with every round of a turn: equal ones are kept once,
# at their earliest time, which changes no rule; `repeats` keeps a digest of each row, to count duplicates.
OUTPUTS = {
    "messages": f"""
        SELECT conversation_id, message_id, source, text, user_name, min(time) AS time, {_PART}
        FROM messages GROUP BY ALL ORDER BY part""",
    "repeats": f"""
        SELECT hash(conversation_id, message_id, source, text, user_name, time) AS digest, {_PART}
        FROM messages ORDER BY part""",
    "llm_rows": f"SELECT *, {_PART} FROM llm_rows ORDER BY part",
    "turn_facts": f"SELECT *, {_PART} FROM turn_facts ORDER BY part",
}
