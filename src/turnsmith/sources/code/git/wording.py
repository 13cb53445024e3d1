"""Lists of words as patterns, so that rules about messages can be read."""

import re


def words(listed: str) -> str:
    """Return a pattern for any of the words in a text; `_` stands for a space, `*` for any rest of a word."""
    escaped = (re.escape(word).replace("_", r"\s+").replace(r"\*", r"\w*") for word in listed.split())
    return f"(?:{'|'.join(escaped)})"


def starts(listed: str) -> re.Pattern[str]:
    """Return what finds one of the words at the start of a subject, or behind its `area: `."""
    return re.compile(rf"^(?:[^\s:]+:\s+)?{words(listed)}(?!\w)", re.IGNORECASE)


def has(listed: str) -> re.Pattern[str]:
    """Return what finds one of the words anywhere."""
    return re.compile(rf"(?<!\w){words(listed)}(?!\w)", re.IGNORECASE)
