"""Per-record validation (contract §2.9): fatal errors and warnings of an assembled conversation."""

from collections import Counter
from collections.abc import Mapping, Sequence

from turnsmith.core.records import Conversation
from turnsmith.curate.buckets import Bucket
from turnsmith.curate.split import split_of

WARNINGS = (
    "empty_model_message",
    "turn_without_llm_calls",
    "prompt_tokens_not_positive",
    "completion_tokens_negative",
)


def errors(record: Conversation, buckets: Sequence[Bucket], shares: Mapping[str, int] | None) -> list[str]:
    """Return every fatal error of a record, none quoting its texts; `shares` is None without splits."""
    found = [
        f"Missing required field: {name}"
        for name, value in {
            "conversationId": record.conversation_id,
            "userName": record.user_name,
            "bucket": record.bucket,
            "turnsArray": record.turns_array,
        }.items()
        if not value
    ]
    if shares is not None and record.split != split_of(record.conversation_id, shares):
        found.append(f"Split mismatch: the id hashes to {split_of(record.conversation_id, shares)}")
    indices = [turn.turn_index for turn in record.turns_array]
    if indices and indices[0] != 1:
        found.append(f"First turn has index {indices[0]}, not 1")
    if indices != list(range(1, len(indices) + 1)):
        found.append("Turn indices are not 1, 2, 3, … without a gap")
    bucket = next((b for b in buckets if b.full_name == record.bucket), None)
    if bucket is not None and not bucket.min <= len(indices) <= bucket.max:
        found.append(f"Bucket mismatch: {bucket.name} bucket has {len(indices)} turns")
    found.extend(
        f"Empty user message: turn {turn.turn_index}"
        for turn in record.turns_array
        if not turn.user_message.strip()
    )
    return found


def warnings(record: Conversation) -> Counter[str]:
    """Count what is odd in a record but kept, by the names in `WARNINGS`."""
    counts: Counter[str] = Counter()
    for turn in record.turns_array:
        counts["empty_model_message"] += not turn.model_message
        counts["turn_without_llm_calls"] += not turn.llm_calls
        for call in turn.llm_calls:
            counts["prompt_tokens_not_positive"] += call.prompt_tokens is not None and call.prompt_tokens <= 0
            counts["completion_tokens_negative"] += (call.completion_tokens or 0) < 0
    return counts
