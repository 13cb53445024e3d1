"""The records of router labels: a turn to judge, and its label (contract §5).

A label is 0 where a reasoning model is required, 1 where a non-reasoning model is sufficient.
"""

from typing import Annotated, Any

import msgspec

REASONING = 0
NON_REASONING = 1
WEAK = "weak"
LLM = "llm"
KINDS = (WEAK, LLM)
"""What a label's `judge` may be: the built-in rules, or a model."""

Digit = Annotated[int, msgspec.Meta(ge=0, le=1)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Exchange(msgspec.Struct):
    """Hold an earlier turn of the conversation: what the user asked, and the answer."""

    request: str
    response: str


class Signals(msgspec.Struct, rename="camel"):
    """Hold what was observed of a turn: counts, tokens, milliseconds; None where the source has no figure."""

    llm_call_count: int
    tool_counts: dict[str, int]
    tool_call_count: int
    tool_variety: int
    available_tool_count: int | None
    completion_tokens: int
    prompt_tokens: int | None
    prompt_growth: int | None
    duration_ms: float | None
    model: str | None
    response_type: str | None
    turn_end_reason: str | None
    num_requests: int | None = None


class Turn(msgspec.Struct, rename="camel", omit_defaults=True):
    """Hold one turn as `turnsmith turns` writes it, a line each.

    `history` are all earlier turns, oldest first (unit `every`; empty with `first`); `turn_count` is the
    conversation's. `dataset` is the id of the curated set that it came from, `unit` is `first` or `every`.
    """

    conversation_id: str
    message_id: str
    turn_index: int
    turn_count: int
    split: str
    bucket: str
    request: str
    response: str
    signals: Signals
    is_likely_reasoning: bool
    complexity_bucket: str
    dataset: str
    unit: str
    history: list[Exchange] = []


class Label(msgspec.Struct, omit_defaults=True):
    """Hold the label of one turn, as a labeled set holds it; keys as in contract §5.

    `soft_label` is P(1). `judge` is `weak` for the built-in rules and `llm`, which is left out in the file and
    so fits sets that others made by the contract, for a model; `outside` is the
    probability mass on neither digit, None where the server gives none; `agreement` the share of votes for
    `llm_vote` where there were several. `vote` is a person's, None without one.
    """

    conversation_id: str = msgspec.field(name="conversationId")
    message_id: str = msgspec.field(name="messageId")
    turn_index: int = msgspec.field(name="turnIndex")
    split: str
    bucket: str
    request: str
    llm_vote: Digit
    soft_label: Probability
    vote: Digit | None
    strategy: str
    judge_model: str
    prompt_version: str
    judge: str = LLM
    prompt_hash: str = ""
    outside: float | None = None
    agreement: float | None = None
    rationale: str | None = None


_encoder = msgspec.json.Encoder()


def encode(record: Any) -> bytes:
    """Return a record as one line of JSON with its end."""
    return _encoder.encode(record) + b"\n"
