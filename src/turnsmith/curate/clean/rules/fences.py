"""Code fences, read as CommonMark does."""

import re

from turnsmith.core.chat import Example
from turnsmith.curate.clean.rules.parts import answers

# Quotes and list items may stand in front of an opening fence; how deep they nest does not matter here.
_OPENING = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`]*$)|~{3,})")
_CLOSING = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*$")


def open_fence(text: str) -> str | None:
    """Return the fence that is still open at the end of a text, None where all are closed.

    A fence is closed by a line of the same character, at least as many of them, and nothing after
    (CommonMark 0.31, section 4.5), so that a longer fence may hold shorter ones.
    """
    fence: str | None = None
    for line in text.replace("\r", "\n").split("\n"):
        if fence is None:
            opening = _OPENING.match(line)
            fence = opening[1] if opening else None
        else:
            closing = _CLOSING.match(line)
            if closing and closing[1].startswith(fence):
                fence = None
    return fence


def unbalanced_fences(example: Example) -> bool:
    """Take a conversation with an assistant message in which a code fence is not closed."""
    return any(open_fence(text) for text in answers(example) if "```" in text or "~~~" in text)
