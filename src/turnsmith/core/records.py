"""Curated conversations as typed records; on the wire their names are camelCase (contract §4).

The order of the fields is the order in the file, so it is part of the format.
"""

import msgspec


class Record(msgspec.Struct, rename="camel"):
    """Base of all records: camelCase on the wire."""


class Estimates(Record):
    """Hold the client's size estimates of one prompt by role, in the client's own unit."""

    system: int
    user: int
    assistant: int
    tool: int
    total: int


class LlmCall(Record):
    """Hold one call of a language model; token counts are the server's, null where it sent none."""

    call_index: int
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    prompt_token_delta: int | None
    estimates: Estimates | None
    has_trajectory: bool


class Turn(Record):
    """Hold one user request with everything the assistant did for it; durations in milliseconds."""

    turn_index: int | None
    message_id: str
    user_message: str
    model_message: str
    llm_calls: list[LlmCall]
    tool_counts: dict[str, int]
    available_tools: list[str]
    available_tool_count: int | None
    num_requests: int | None
    turn_duration_ms: int | None
    turn_end_reason: str | None
    response_type: str | None
    model: str | None


class Conversation(Record, kw_only=True):
    """Hold one assembled conversation; `split` is left out in the layout without splits."""

    conversation_id: str
    user_name: str | None
    split: str | msgspec.UnsetType = msgspec.UNSET
    bucket: str | None
    turn_count: int
    captured_turn_count: int
    min_turn_index: int | None
    max_turn_index: int | None
    is_complete: bool
    max_prompt_tokens: int | None
    total_completion_tokens: int
    llm_call_count: int
    turns_array: list[Turn]
