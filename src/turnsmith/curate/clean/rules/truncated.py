"""Answers that were cut off."""

import re
from typing import Any

from turnsmith.core.chat import Example, text_of
from turnsmith.curate.clean.rules.fences import open_fence
from turnsmith.curate.clean.rules.parts import last_answer

REASON_KEYS = ("finish_reason", "stop_reason", "finishReason", "stopReason")
CUT_REASONS = frozenset({"length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens"})
# Words that end no sentence. "to", "for", "with" and "is" may ("what it belongs to"), so they are not here.
DANGLING = frozenset(
    {"the", "an", "and", "of", "because", "your", "my", "our", "their", "whose", "every", "into"}
)
SHORTEST_PROSE = 80
LONGEST_END = 200
_EMPTY_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)]|#{1,6})")


def truncated(example: Example) -> bool:
    """Take a conversation whose last answer was cut.

    Either its source says so (a finish reason such as `length`, in `meta` or in the message), or it ends in an
    open code fence, or in words that can't be the last: after a comma or an opening bracket, in "the" or "and",
    or in an empty list item. Answers under 80 characters and such with tool calls are not judged by their end.
    """
    answer = last_answer(example)
    if answer is None:
        return False
    if _says_cut(answer) or _says_cut(example.get("meta")):
        return True
    return not answer.get("tool_calls") and ends_cut(text_of(answer.get("content")))


def _says_cut(holder: Any) -> bool:
    if not isinstance(holder, dict):
        return False
    reasons = (holder.get(key) for key in REASON_KEYS)
    return any(isinstance(reason, str) and reason in CUT_REASONS for reason in reasons)


def ends_cut(text: str) -> bool:
    """Say whether a text of 80 or more characters ends where no text ends."""
    if len(text) < SHORTEST_PROSE:
        return False
    if open_fence(text) is not None:
        return True
    text = text.rstrip()
    line = text.rpartition("\n")[2]
    if text.endswith((",", "(", "[", "{")) or _EMPTY_ITEM.fullmatch(line):
        return True
    words = line[-LONGEST_END:].split()
    return len(words) > 1 and words[-1] in DANGLING and words[-2][-1].isalpha()
