"""Rules for private keys: whole blocks, cut ones, on one line with escaped ends, and packed in base64."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.page import Hit, Page, occurrences
from turnsmith.curate.scrub.validators import decoded

LONGEST = 20_000
LONGEST_LINE = 260

_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")
# What may stand between two lines of a key: ends of lines, real or escaped, and what quotes, diffs and listings add.
_BETWEEN = r"(?:\\{1,4}[nrt]|[ \t\r\n\"'`,+>|?:;#*()\\-]|(?<![A-Za-z0-9+/=])[0-9]{1,6}(?=[\t?:|-]))"
_HEADER = r"(?:[A-Z][A-Za-z-]{2,20}: [^\n\\]{1,80})"
_BODY = re.compile(rf"(?:{_BETWEEN}{{1,24}}+(?:{_HEADER}|[A-Za-z0-9+/=]{{4,}}+(?![:_])))*+")
_LINE_BEFORE = re.compile(
    rf"(?:^|\n|\\\\{{1,4}}[nr])[ \t>|+\"']{{0,16}}(?P<key>[A-Za-z0-9+/]{{16,200}}={{0,2}}){_BETWEEN}{{1,24}}\Z"
)
_RUN = re.compile(r"[A-Za-z0-9+/]{24}")
_PUTTY = re.compile(r"Private-Lines: [0-9]+\s+(?P<key>(?:[A-Za-z0-9+/=]{4,}\s+)+)")
_PACKED_BEGIN = "LS0tLS1CRUdJTi"  # -----BEGIN in base64
_PACKED = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,}={0,2}")


def find_private_keys(page: Page) -> Iterator[Hit]:
    """Yield private keys with their armor; armor alone, as code that looks for keys has it, is no hit."""
    text = page.narrow
    if "PRIVATE KEY" in text:
        yield from _armored(text)
    if "Private-Lines: " in text:
        for putty in _PUTTY.finditer(text):
            yield *putty.span("key"), "private-key"
    for at in occurrences(text, _PACKED_BEGIN):
        packed = _PACKED.match(text, at)
        if packed is not None and "PRIVATE KEY" in decoded(packed[0][:100].rstrip("=")[:100]):
            yield *packed.span(), "private-key"


def _armored(text: str) -> Iterator[Hit]:
    done = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < done:
            continue
        end = _END.search(text, begin.end(), begin.end() + LONGEST)
        following = _BEGIN.search(text, begin.end(), end.start() if end else begin.end())
        if end is not None and following is None:
            stop = end.end()
        else:
            body = _BODY.match(text, begin.end(), begin.end() + LONGEST)
            stop = body.end() if body else begin.end()
        if _RUN.search(text, begin.end(), stop):
            yield begin.start(), stop, "private-key"
            done = stop
    for end in _END.finditer(text, done):
        start = _first_line(text, done, end.start())
        if start < end.start():
            yield start, end.end(), "private-key"
        done = end.end()


def _first_line(text: str, floor: int, end: int) -> int:
    """Return where the lines of base64 before `end` begin, for a key whose head is cut off."""
    floor = max(floor, end - LONGEST)
    start = end
    while (line := _LINE_BEFORE.search(text, max(floor, start - LONGEST_LINE), start)) is not None:
        start = line.start("key")
    return start
