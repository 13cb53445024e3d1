"""Rules for numbers of people: phones, payment cards, bank accounts (IBAN), US Social Security numbers."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.left_alone import CARDS, SSNS
from turnsmith.curate.scrub.page import Hit, Page
from turnsmith.curate.scrub.phones import is_date, named_phones
from turnsmith.curate.scrub.validators import (
    IBAN_LENGTHS,
    is_card,
    is_iban,
    is_international,
    is_nanp,
    is_ssn,
)

# Every number looked for holds such a run; what it is, the patterns below find out.
FEWEST_DIGITS = 7
_TIMES = re.compile(r"(?:19|20)[0-9]{2}[-/][01][0-9][-/][0-3][0-9](?:[ -][0-2][0-9].*)?")
_RUN = re.compile(r"[0-9][0-9 .()/\xa0-]{5,}[0-9]")
_LEFT, _RIGHT = r"(?<![A-Za-z0-9_.,:+#=/\\-])", r"(?![A-Za-z0-9_]|[.,:/-][0-9])"

_CARD = re.compile(r"(?<![A-Za-z0-9_.+-])[2-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}(?![A-Za-z0-9_]|[.-][0-9])"
                   r"|(?<![A-Za-z0-9_.+-])3[0-9]{3}[ -]?[0-9]{6}[ -]?[0-9]{4,5}(?![A-Za-z0-9_]|[.-][0-9])")  # fmt: skip
_SSN = re.compile(
    r"(?<![A-Za-z0-9_.+-])[0-9]{3}(?P<gap>[ -])[0-9]{2}(?P=gap)[0-9]{4}(?![A-Za-z0-9_]|[.-][0-9])"
)
_SSN_BARE = re.compile(r"(?<![A-Za-z0-9_.+-])[0-9]{9}(?![A-Za-z0-9_]|[.-][0-9])")
_SSN_CONTEXT = re.compile(r"(?:\bssn\b|social.security|\bss#|taxpayer)[^0-9\n]{0,30}\Z", re.IGNORECASE)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
IBAN_REACH = 14  # letters of a bank's code may stand before the first long run of digits

_INTERNATIONAL = re.compile(
    r"(?<![A-Za-z0-9_+*/.)\]-])(?:\+|\b00(?=[1-9]))[ ]?\(?[1-9][0-9 .()/\xa0-]{5,20}[0-9]"
    + r"(?![A-Za-z0-9_]|[.,:][0-9])"
)
_NANP = re.compile(
    _LEFT
    + r"(?:1[ .-])?(?:\([2-9][0-9]{2}\)[ -]?|[2-9][0-9]{2}(?P<gap>[.-]))[2-9][0-9]{2}(?(gap)(?P=gap)|[ .-])[0-9]{4}"
    + _RIGHT
)
_NATIONAL = re.compile(  # a trunk prefix 0: Germany, the United Kingdom, France and most of Europe and Asia
    _LEFT + r"(?:\(0[1-9][0-9]{1,4}\)[ /-]?[0-9]{3,8}(?:[ -][0-9]{2,8}){0,2}"
    r"|(?![0-9]{5}-[0-9]{4}(?![0-9]))0[1-9][0-9]{1,4}(?: ?[/-] ?| )[0-9]{3,8}(?:[ -][0-9]{2,8}){0,2}"
    r"|0[1-9](?P<sep>[ .])[0-9]{2}(?:(?P=sep)[0-9]{2}){3})" + _RIGHT
)


def find_numbers(page: Page) -> Iterator[Hit]:
    """Yield numbers that belong to people, each proven by its checksum, its plan, or the words before it."""
    text, done = page.narrow, 0
    for run in _RUN.finditer(text):
        start, end = run.span()
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        joined = before.isalnum() or after.isalnum()
        if (joined and not before.isupper()) or sum(map(run[0].count, "0123456789")) < FEWEST_DIGITS:
            continue
        if not joined and not _TIMES.fullmatch(run[0]):
            yield from _cards(text, start, end)
            yield from _social(text, start, end)
            yield from _phones(page, start, end)
        for place in _ibans(text, max(done, start - IBAN_REACH), end + IBAN_REACH):
            done = place[1]
            yield *place, "iban"


def _ibans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for iban in _IBAN.finditer(text, start, end):
        account = re.sub(r"[ -]", "", iban[0])
        if (length := _iban_length(account)) and is_iban(account[:length]):
            yield iban.start(), iban.start() + _span_of(iban[0], length)


def _iban_length(account: str) -> int:
    """Return how much of a match is the account: the match may have run on into a word behind it."""
    length = IBAN_LENGTHS.get(account[:2], 0)
    return length if length <= len(account) else 0


def _span_of(written: str, length: int) -> int:
    """Return how many characters of a written account hold its first `length` letters and digits."""
    seen = 0
    for place, character in enumerate(written):
        seen += character.isalnum()
        if seen == length:
            return place + 1
    return len(written)


def _cards(text: str, start: int, end: int) -> Iterator[Hit]:
    if end - start < 13:
        return
    for card in _CARD.finditer(text, start, min(end + 1, len(text))):
        digits = re.sub("[^0-9]", "", card[0])
        if is_card(digits) and digits not in CARDS:
            yield *card.span(), "card"


def _social(text: str, start: int, end: int) -> Iterator[Hit]:
    for number in _SSN.finditer(text, start, end):
        digits = re.sub("[^0-9]", "", number[0])
        stated = number["gap"] == "-" or _SSN_CONTEXT.search(
            text, max(0, number.start() - 40), number.start()
        )
        if stated and is_ssn(digits) and digits not in SSNS:
            yield *number.span(), "ssn"
    for number in _SSN_BARE.finditer(text, start, end):
        if _SSN_CONTEXT.search(text, max(0, number.start() - 40), number.start()) and is_ssn(number[0]):
            yield *number.span(), "ssn"


def _phones(page: Page, start: int, end: int) -> Iterator[Hit]:
    text, before = page.narrow, max(0, start - 3)
    for number in _INTERNATIONAL.finditer(text, before, end):
        digits = re.sub("[^0-9]", "", number[0].replace("(0)", "")).removeprefix("00")
        if is_international(digits) and _is_grouped(number[0]):
            yield *number.span(), "phone"
    for number in _NANP.finditer(text, before, end):
        if is_nanp(re.sub("[^0-9]", "", number[0])):
            yield *number.span(), "phone"
    for number in _NATIONAL.finditer(text, before, end):
        digits = re.sub("[^0-9]", "", number[0])
        if 9 <= len(digits) <= 12 and not is_date(number[0]):
            yield *number.span(), "phone"
    for place in named_phones(page, before, end):
        yield *place, "phone"


def _is_grouped(number: str) -> bool:
    """Tell whether the groups of a number are those of a phone: few, and none of a single digit but the first."""
    groups = re.findall("[0-9]+", number)
    return len(groups) <= 7 and all(len(group) > 1 for group in groups[2:])
