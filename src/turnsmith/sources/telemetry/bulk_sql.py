"""The SQL that reads ordinary `AppEvents` rows in bulk; unusual ones get the fate `odd`.

A row is ordinary when every value that matters has its usual type and spelling. Anything else, such as
JSON that does not parse, is left to `events.read_event`: this SQL may be strict because that is tolerant.
Each kind of event is read by a query of its own with only the fields it has: parsing is most of the work.
"""

import json
import re
from typing import Any

import pyarrow as pa

from turnsmith.sources.telemetry import schema
from turnsmith.sources.telemetry.events import Window

KINDS = {
    "messages": schema.MESSAGE_TEXT,
    "llm_rows": schema.MESSAGES_LENGTH,
    "turn_facts": schema.TOOL_CALL_DETAILS,
}
_PROPERTIES = {
    "messages": ("conversationId", "messageId", "source", "messageText", "mode", "common.userName"),
    "llm_rows": ("headerRequestId", "baseModel", "message_direction", "messagesJson"),
    "turn_facts": (
        "conversationId", "messageId", "toolCounts", "availableTools", "responseType", "turnEndReason", "model",
    ),
}  # fmt: skip
_MEASUREMENTS = {
    "messages": (),
    "llm_rows": ("promptTokens", "completionTokens", "totalTokens"),
    "turn_facts": ("turnIndex", "numRequests", "turnDuration", "availableToolCount"),
}
_MAP = "MAP(VARCHAR, VARCHAR)"
_STRING_PROPERTIES = re.compile(r'"Properties"\s*:\s*"')
_KNOWN = ", ".join(f"'{name}'" for name in KINDS.values())


def bulk(kind: str, block: pa.Table, window: Window, *, canonical: bool) -> str:
    """Return SQL for the rows of one kind: `row`, `fate` (`used` or another), and the flat columns.

    `canonical` says how LLM rows are told apart (column `rest`): by a digest of their unread fields, or,
    more cheaply, by a hash of the row's text, which formatting changes (see `extract`).
    """
    rows = _rows(kind, block, canonical)
    return f"""
        SELECT row, CASE WHEN time IS NULL OR is_kind IS DISTINCT FROM true THEN 'odd'
                         WHEN {_UNUSUAL[kind]} THEN 'odd'
                         WHEN NOT (time > {window.after} AND time <= {window.until}) THEN 'outside_window'
                         WHEN in_parts THEN 'odd'
                         ELSE {_FATE[kind]} END AS fate,
               time, {_FLAT[kind]}
        FROM ({_with_estimates(rows) if kind == "llm_rows" else rows})"""


def others(block: pa.Table) -> str:
    """Return SQL for the rows that no kind's query took: `row` and `fate` (`other_name` or `odd`)."""
    taken = " UNION ALL ".join(f"SELECT row FROM read_{kind}" for kind in KINDS)
    rest = f"(SELECT * FROM block ANTI JOIN ({taken}) USING (row))"
    if "line" in block.column_names:
        head = _transform("line", {"TimeGenerated": "VARCHAR", "Name": "VARCHAR"})
        name = "CASE WHEN json_type(line, '$.Name') = 'VARCHAR' THEN e.Name END"
        time, rest = _time("e.TimeGenerated"), f"(SELECT row, line, {head} AS e FROM {rest})"
    else:
        time, name = _column_time(block), "Name"
    ordinary = f"({time}) IS NOT NULL AND ({name}) NOT IN ({_KNOWN})"
    return f"SELECT row, CASE WHEN {ordinary} THEN 'other_name' ELSE 'odd' END AS fate FROM {rest}"


def _rows(kind: str, block: pa.Table, canonical: bool) -> str:
    """Return SQL for one kind's rows with `time`, `is_kind`, `p`, `m`, `in_parts` and `rest`."""
    name = KINDS[kind]
    if "line" not in block.column_names:
        return f"""
            SELECT row, {_column_time(block)} AS time, true AS is_kind,
                   {_bags(kind, "Properties", "Measurements", canonical)}
            FROM block WHERE Name = '{name}'"""
    if _properties_are_strings(block):
        texts = dict.fromkeys(schema.COLUMNS, "VARCHAR")
        return f"""
            SELECT row, {_time("e.TimeGenerated")} AS time, e.Name = '{name}' AS is_kind,
                   {_bags(kind, "e.Properties", "e.Measurements", canonical)}
            FROM (SELECT row, {_transform("line", texts)} AS e FROM block WHERE {_line_has(name)})"""
    shape: dict[str, Any] = {
        "TimeGenerated": "VARCHAR",
        "Name": "VARCHAR",
        "Properties": _shape(_PROPERTIES[kind]),
    }
    if _MEASUREMENTS[kind]:
        shape["Measurements"] = _shape(_MEASUREMENTS[kind])
    rest = "NULL"
    if kind == "llm_rows":
        maps = _transform("line", {"Properties": _MAP, "Measurements": _MAP})
        rest = _digest(maps) if canonical else "hash(line)::VARCHAR"
    return f"""
        SELECT row, {_time("e.TimeGenerated")} AS time, e.Name = '{name}' AS is_kind, e.Properties AS p,
               {"e.Measurements" if _MEASUREMENTS[kind] else "NULL"} AS m,
               contains(line, '_02"') AS in_parts, {rest} AS rest
        FROM (SELECT row, line, {_transform("line", shape)} AS e FROM block WHERE {_line_has(name)})"""


def _bags(kind: str, properties: str, measurements: str, canonical: bool) -> str:
    rest = "NULL"
    if kind == "llm_rows":
        maps = f"{{'Properties': {_transform(properties, _MAP)}, 'Measurements': {_transform(measurements, _MAP)}}}"
        rest = _digest(maps) if canonical else f"hash({properties}, {measurements})::VARCHAR"
    numbers = _transform(measurements, _shape(_MEASUREMENTS[kind])) if _MEASUREMENTS[kind] else "NULL"
    return f"""
        {_transform(properties, _shape(_PROPERTIES[kind]))} AS p, {numbers} AS m,
        coalesce(contains({properties}, '_02"'), false) AS in_parts, {rest} AS rest"""


def _line_has(name: str) -> str:
    """Return SQL that is true for valid lines with this Name.

    A name inside a text has no quote behind it but an escaped one. Without the quote in front the search
    goes from G to G, which are rare, and is much faster.
    """
    return f"contains(line, '{name}\"')"


def _properties_are_strings(block: pa.Table) -> bool:
    return block.num_rows > 0 and bool(_STRING_PROPERTIES.search(block.column("line")[0].as_py()))


def _shape(fields: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(fields, "VARCHAR")


def _transform(text: str, shape: Any) -> str:
    return f"TRY(json_transform({text}, '{json.dumps(shape)}'))"


def _column_time(block: pa.Table) -> str:
    is_number = block.schema.field("TimeGenerated").type == pa.int64()
    return "TimeGenerated" if is_number else _time("TimeGenerated")


def _time(text: str) -> str:
    """Return SQL for nanoseconds since 1970 of a time that ends in Z, else null."""
    return (
        f"CASE WHEN {text} LIKE '____-__-__T__:__:__%Z' THEN epoch_ns(TRY_CAST({text} AS TIMESTAMP_NS)) END"
    )


def _is_plain_integer(number: str) -> str:
    return f"TRY_CAST({number} AS BIGINT)::VARCHAR IS NOT DISTINCT FROM {number}"


def _with_estimates(rows: str) -> str:
    """Return SQL that adds the sums by role of `messagesJson`, null where it holds no messages.

    `plain` is false where a size is no plain integer, which the engine would read in its own way.
    """
    sums = ", ".join(f"coalesce(sum(size) FILTER (role = '{r}'), 0) AS estimate_{r}" for r in schema.ROLES)
    return f"""
        WITH rows AS MATERIALIZED ({rows}),
        messages AS (
            SELECT row, unnest(TRY(from_json(p.messagesJson, '{_MESSAGES}')), recursive := true)
            FROM rows WHERE p.message_direction = 'input'),
        sizes AS (SELECT row, role, content, TRY_CAST(content AS BIGINT) AS size FROM messages)
        FROM rows LEFT JOIN (
            SELECT row, bool_and(size::VARCHAR IS NOT DISTINCT FROM content) AS plain, {sums}
            FROM sizes GROUP BY row) USING (row)"""


def _digest(maps: str) -> str:
    """Return SQL for `events.rest`: a digest of the unread fields of both bags, "" for none."""
    unread = f"""
        list_sort([concat(x.key, '=', x.value, E'\\n')
                   FOR x IN list_concat(map_entries(bags.Properties),
                       CASE WHEN map_extract_value(bags.Properties, 'message_direction') = 'output'
                            THEN map_entries(bags.Measurements) ELSE [] END)
                   IF x.value IS NOT NULL AND x.key NOT IN {schema.CALL_FIELDS}])"""
    return f"""
        (SELECT CASE WHEN len(unread) > 0 THEN md5(array_to_string(unread, '')) ELSE '' END
         FROM (SELECT {unread} AS unread FROM (SELECT {maps} AS bags)))"""


_MESSAGES = '[{"role": "VARCHAR", "content": "VARCHAR"}]'
# Rows without what tells whether they count at all.
_UNUSUAL = {
    "messages": f"p.source IS NULL OR p.source NOT IN {schema.SOURCES}",
    "llm_rows": f"p.message_direction IS NULL OR p.message_direction NOT IN {schema.DIRECTIONS}",
    "turn_facts": "p.messageId IS NULL",
}
_FATE = {
    "messages": f"""
        CASE WHEN p.mode IS NULL THEN 'odd'
             WHEN p.mode != '{schema.AGENT_MODE}' THEN 'not_agent_mode'
             WHEN coalesce(p.conversationId, '') = '' OR coalesce(p.messageId, '') = '' THEN 'odd'
             ELSE 'used' END""",
    "llm_rows": f"""
        CASE WHEN coalesce(p.headerRequestId, '') = '' THEN 'odd'
             WHEN p.message_direction = 'input' THEN
                 CASE WHEN plain THEN 'used' ELSE 'odd' END
             WHEN m.promptTokens IS NOT NULL AND m.completionTokens IS NOT NULL
                  AND {_is_plain_integer("m.promptTokens")} AND {_is_plain_integer("m.completionTokens")}
                  AND {_is_plain_integer("m.totalTokens")} THEN 'used'
             ELSE 'odd' END""",
    "turn_facts": f"""
        CASE WHEN coalesce(p.messageId, '') != '' AND m.turnIndex IS NOT NULL
                  AND {_is_plain_integer("m.turnIndex")} AND {_is_plain_integer("m.numRequests")}
                  AND {_is_plain_integer("m.turnDuration")} AND {_is_plain_integer("m.availableToolCount")}
                  AND (p.toolCounts IS NULL OR coalesce(TRY(json_type(p.toolCounts)) = 'OBJECT', false))
                  AND (p.availableTools IS NULL OR coalesce(TRY(json_type(p.availableTools)) = 'ARRAY', false))
             THEN 'used'
             ELSE 'odd' END""",
}
_FLAT = {
    "messages": """
        p.conversationId AS conversation_id, p.messageId AS message_id, p.source AS source,
        coalesce(p.messageText, '') AS text, nullif(p."common.userName", '') AS user_name""",
    "llm_rows": f"""
        p.headerRequestId AS message_id, p.message_direction AS direction, p.baseModel AS model,
        CASE WHEN p.message_direction = 'output' THEN TRY_CAST(m.promptTokens AS BIGINT) END AS prompt_tokens,
        CASE WHEN p.message_direction = 'output' THEN TRY_CAST(m.completionTokens AS BIGINT) END AS completion_tokens,
        CASE WHEN p.message_direction = 'output' THEN TRY_CAST(m.totalTokens AS BIGINT) END AS total_tokens,
        {", ".join(f"TRY_CAST(estimate_{r} AS BIGINT) AS estimate_{r}" for r in schema.ROLES)},
        rest""",
    "turn_facts": """
        p.messageId AS message_id, nullif(p.conversationId, '') AS conversation_id,
        TRY_CAST(m.turnIndex AS BIGINT) AS turn_index, TRY_CAST(m.numRequests AS BIGINT) AS num_requests,
        TRY_CAST(m.turnDuration AS BIGINT) AS turn_duration_ms,
        TRY_CAST(m.availableToolCount AS BIGINT) AS available_tool_count,
        p.toolCounts AS tool_counts, p.availableTools AS available_tools,
        p.responseType AS response_type, p.turnEndReason AS turn_end_reason, p.model AS model""",
}

_BY_MESSAGE = "hash(message_id) % {parts} AS part"
# What is written of each block. Message rows repeat with every round of a turn: equal ones are kept once,
# at their earliest time, which changes no rule; `repeats` keeps a digest of each row, to count duplicates.
# Texts are only looked at once it is known which conversations count, so they go by conversation.
OUTPUTS = {
    "messages": """
        SELECT *, portable_hash(conversation_id) % {parts} AS part
        FROM (SELECT conversation_id, message_id, source, text, user_name, min(time) AS time
              FROM messages GROUP BY ALL) ORDER BY part""",
    "members": f"SELECT DISTINCT conversation_id, message_id, {_BY_MESSAGE} FROM messages ORDER BY part",
    "repeats": f"""
        SELECT hash(conversation_id, message_id, source, text, user_name, time) AS digest, {_BY_MESSAGE}
        FROM messages ORDER BY part""",
    "llm_rows": f"SELECT *, {_BY_MESSAGE} FROM llm_rows ORDER BY part",
    "turn_facts": f"SELECT *, {_BY_MESSAGE} FROM turn_facts ORDER BY part",
}
