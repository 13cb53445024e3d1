"""`AppEvents` and the three flat tables that an engine reads it into (contract §1).

`messages`, `llm_rows` and `turn_facts` hold one row per event that counts; everything after them is
the same for all engines. Times are nanoseconds since 1970 in UTC, so that Kusto's 100 ns ticks survive.
"""

from typing import Final

PREFIX: Final = "GitHub.copilot-chat/"
MESSAGE_TEXT: Final = PREFIX + "conversation.messageText"
MESSAGES_LENGTH: Final = PREFIX + "engine.messages.length"
TOOL_CALL_DETAILS: Final = PREFIX + "toolCallDetailsInternal"
EVENT_NAMES: Final = (MESSAGE_TEXT, MESSAGES_LENGTH, TOOL_CALL_DETAILS)

COLUMNS: Final = ("TimeGenerated", "Name", "Properties", "Measurements")
AGENT_MODE: Final = "agent"
SOURCES: Final = ("user", "model")
DIRECTIONS: Final = ("input", "output")
ROLES: Final = ("system", "user", "assistant", "tool")

TEXT_FIELDS: Final = (
    "conversationId", "messageId", "source", "messageText", "mode", "common.userName",
    "headerRequestId", "baseModel", "message_direction", "messagesJson",
    "toolCounts", "availableTools", "responseType", "turnEndReason", "model",
)  # fmt: skip
NUMBER_FIELDS: Final = (
    "promptTokens", "completionTokens", "totalTokens",
    "turnIndex", "numRequests", "turnDuration", "availableToolCount",
)  # fmt: skip
CALL_FIELDS: Final = (
    "headerRequestId", "baseModel", "message_direction", "messagesJson",
    "promptTokens", "completionTokens", "totalTokens",
)  # fmt: skip

# The filters of contract §2.8 in their order; a conversation counts under the first that takes it.
FILTERS: Final = ("missing_turn_index", "incomplete_start", "turn_gap", "failed_turn", "outside_buckets")

# Column name to type, in the spelling of both Ibis and (upper-cased) DuckDB.
MESSAGES: Final = {
    "conversation_id": "string",
    "message_id": "string",
    "source": "string",
    "text": "string",
    "user_name": "string",
    "time": "int64",
}
# What the message rows say of turns, without their texts.
MEMBERS: Final = {"conversation_id": "string", "message_id": "string"}
LLM_ROWS: Final = {
    "message_id": "string",
    "direction": "string",
    "time": "int64",
    "model": "string",
    "prompt_tokens": "int64",
    "completion_tokens": "int64",
    "total_tokens": "int64",
    "estimate_system": "int64",
    "estimate_user": "int64",
    "estimate_assistant": "int64",
    "estimate_tool": "int64",
    "rest": "string",
}
TURN_FACTS: Final = {
    "message_id": "string",
    "conversation_id": "string",
    "time": "int64",
    "turn_index": "int64",
    "num_requests": "int64",
    "turn_duration_ms": "int64",
    "available_tool_count": "int64",
    "tool_counts": "string",
    "available_tools": "string",
    "response_type": "string",
    "turn_end_reason": "string",
    "model": "string",
}
