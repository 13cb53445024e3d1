"""Answers that only refuse."""

import re
from collections.abc import Callable

from turnsmith.core.chat import Example
from turnsmith.curate.clean.rules.parts import answers

# An apology alone is no refusal ("I'm sorry, but the test still fails"), nor is "I can't" alone ("I can't find
# the file", "I can't do this without the log"): the words must decline the request itself, at the very start.
_APOLOGY = (
    r"(?:i(?:'m| am) (?:very |really |so )?sorry|sorry|i apologi[sz]e|my apologies|unfortunately|as an ai)"
)
_LEAD = rf"(?:{_APOLOGY}[^.!?\n]{{0,80}}?[,.:;]? (?:but )?)?"
_CANNOT = (
    r"i(?: can't| cannot| can not| won't| will not| must decline to| have to decline to"
    r"|(?:'m| am) (?:unable|not able) to)"
)
_HELP = (
    r"(?:help|assist|comply|engage|participate)(?: you)?"
    r"(?: (?:with|in) (?:that|this|these|those|your|such|any of (?:that|this)|it)"
    r"(?: (?:kind|type|sort) of)?(?: (?:requests?|task|topic|content|conversation|prompt|activity))?)?\s*(?:[.!,;]|$)"
)
_MAKE = (
    r"(?:fulfill?|provide|create|write|generate|produce|support|answer) "
    r"(?:that|this|your|such|any such)(?: (?:kind|type|sort) of)? (?:requests?|content|material)\b"
)
_REFUSALS = re.compile(
    rf"{_LEAD}{_CANNOT} (?:{_HELP}|{_MAKE})"
    r"|as an ai(?: language)?(?: model| assistant)?[^.!?\n]{0,60}?,? "
    r"i(?: can't| cannot| can not|(?:'m| am) (?:unable|not able) to| don't have the ability to)\b"
    rf"|{_LEAD}i(?:'m not| am not| don't feel) comfortable (?:with|helping|assisting|providing|writing|creating)\b"
    rf"|{_LEAD}i (?:must |have to )?(?:respectfully )?decline "
    r"(?:this|that|your|to (?:help|assist|answer|write|create))\b",
    re.IGNORECASE,
)
_LONGEST_START = 400


def refusal(max_chars: int) -> Callable[[Example], bool]:
    """Return a rule that takes conversations in which an assistant message declines the request in English.

    Only the start of an answer counts, and an answer with code in it or longer than `max_chars` helps after all.
    """

    def drops(example: Example) -> bool:
        return any(
            len(text) <= max_chars and "```" not in text and _refuses(text) for text in answers(example)
        )

    return drops


def _refuses(text: str) -> bool:
    start = " ".join(text[:_LONGEST_START].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    return _REFUSALS.match(start) is not None
