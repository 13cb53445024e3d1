"""Where a number is a phone's because of what names it: a word before it, a key, the head of its column."""

import csv
import re
from collections.abc import Iterator
from functools import lru_cache

from turnsmith.curate.scrub.page import Page

FEWEST, MOST = 7, 15  # digits
LONGEST_LINE = 2000
LONGEST_TABLE = 50_000  # characters between a number and the head of its column

_NUMBER = re.compile(r"\+?\(?[0-9][0-9 .()/\xa0-]{5,18}[0-9]")
_ANY_FORM = re.compile(r"(?<![A-Za-z0-9_.])\(?[0-9][0-9 .()/\xa0-]{5,18}[0-9](?![A-Za-z0-9_])")
_CONTEXT = re.compile(
    r"(?:(?:\b|_)(?:tele)?(?:phone|fon)|\btel\b|\bmobile\b|\bcell\b|\bfax\b|\bcall\b|whatsapp|\bsms\b|\bhandy\b"
    r"|t[ée]l[ée](?:ph|f)on|phone[_ -]?(?:number|no)|\bdial\b|\bm[oó][bv]il|\bcel(?:ular|lulare)\b|rufnummer"
    r"|手机|电话|電話|携帯|телефон)[^0-9\n]{0,16}\Z",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?:[a-z0-9]{1,20}[_ .-]){0,3}(?:(?:tele|mobile|cell|home|work)?[_ -]?phone|tel|telefone?"
    r"|t[ée]l[ée](?:phone|fono)|fax|whatsapp|mobile|m[oó][bv]il|handy|cel(?:ular|lulare)|rufnummer)"
    r"(?:s|nummer|[_ -]?(?:number|num|no|nr|[0-9]))?"
)
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DELIMITERS = ",;\t|"
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}[-/. ][01]?[0-9][-/. ][0-3]?[0-9].*|[0-3]?[0-9][-/. ][01]?[0-9][-/. ](?:19|20)[0-9]{2}.*"
)


def is_date(number: str) -> bool:
    """Tell whether grouped digits are a day of this century or the last."""
    return _DATE.fullmatch(number) is not None


@lru_cache(maxsize=4096)
def names_a_phone(name: str) -> bool:
    """Tell whether a key or the head of a column says that phones stand under it: `mobile`, `homePhone`."""
    name = name.strip(" \"'")
    return len(name) <= 60 and _NAME.fullmatch(_CAPITAL.sub("_", name).lower()) is not None


def is_phone(text: str) -> bool:
    """Tell whether a text that stands where a phone does can be one."""
    return _NUMBER.fullmatch(text) is not None and _can_be(text)


def named_phones(page: Page, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield numbers in any form between two places that a word before them or their column calls phones."""
    for number in _ANY_FORM.finditer(page.narrow, start, end):
        begin = number.start()
        if _can_be(number[0]) and (
            _CONTEXT.search(page.text, max(0, begin - 40), begin) or _in_column(page, begin)
        ):
            yield number.span()


def _can_be(number: str) -> bool:
    return FEWEST <= sum(c.isdigit() for c in number) <= MOST and not is_date(number)


def _in_column(page: Page, at: int) -> bool:
    """Tell whether what begins at a place is a cell of a table whose head names a phone."""
    text = page.narrow
    before = text[max(0, at - 4) : at].rstrip(" \"'+")[-1:]
    if before not in (*_DELIMITERS, "\n"):
        return False
    furthest = max(0, at - LONGEST_TABLE)
    top = max(text.rfind("\n\n", furthest, at), text.rfind("\0\n", furthest, at)) + 2
    if top < 2:  # no border found: the table begins the page, or is too long
        top = furthest
    head_end = text.find("\n", top, at)
    line = text.rfind("\n", top, at) + 1
    if head_end < 0 or at - line > LONGEST_LINE or head_end - top > LONGEST_LINE:
        return False
    head = text[top:head_end]
    delimiter = before if before in _DELIMITERS else next((each for each in _DELIMITERS if each in head), ",")
    heads, cells = _cells(head, delimiter), _cells(text[line:at] + "0", delimiter)
    return len(cells) <= len(heads) and names_a_phone(heads[len(cells) - 1])


def _cells(row: str, delimiter: str) -> list[str]:
    return next(csv.reader([row.replace("\r", " ")], delimiter=delimiter), [])
