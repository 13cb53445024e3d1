"""The rule for passwords that statements and commands hand over: SQL, PowerShell, `chpasswd`, `.pgpass`."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.assignments import PASSWORD, is_secret
from turnsmith.curate.scrub.page import Hit, Page, occurrences

REACH = 200

_QUOTED = r"""(?P<quote>\\{0,3}["'])(?P<pass>(?:(?!(?P=quote))[^\n\0]){4,200})(?P=quote)"""
_IDENTIFIED = re.compile(
    rf"identified\s+(?:with\s+\S{{1,40}}\s+)?(?:by|as)\s+(?:password\s+)?{_QUOTED}", re.IGNORECASE
)
_SECURE_STRING = re.compile(rf"convertto-securestring(?:\s+-\w+)*\s+{_QUOTED}", re.IGNORECASE)
_HERE_STRING = re.compile(
    r"""chpasswd[^\S\n]{0,4}<<<[^\S\n]{0,4}["']?[\w.-]{1,32}:(?P<pass>[^\s"'\\]{4,120})"""
)
_PIPED = re.compile(
    r"""[\w.-]{1,32}:(?P<pass>[^\s"'|\\]{4,120})(?:\\n)?\\{0,3}["']?\s{0,4}\|\s{0,4}(?:sudo[^\S\n]{1,4})?(?:/usr/sbin/)?\Z"""
)
_PGPASS = re.compile(
    r"^[\w.*-]{1,120}:(?:[0-9]{1,5}|\*):[\w.*-]{1,64}:[\w.*-]{1,64}:(?P<pass>[^\s:\"'\\]{4,120})(?=\s|\Z)",
    re.MULTILINE,
)
PORT = ":5432:"  # tells such a line where no file is named


def find_stated_passwords(page: Page) -> Iterator[Hit]:
    """Yield passwords in `IDENTIFIED BY`, `ConvertTo-SecureString`, `chpasswd` and lines of `.pgpass`."""
    for place in _places(page):
        if is_secret(page.narrow[slice(*place)], PASSWORD, certain=True):
            yield *place, "command-password"


def _places(page: Page) -> Iterator[tuple[int, int]]:
    text = page.narrow
    for word, pattern in (("identified", _IDENTIFIED), ("convertto-securestring", _SECURE_STRING)):
        for at in occurrences(page.lower, word):
            if (match := pattern.match(text, at)) is not None:
                yield match.span("pass")
    for at in occurrences(text, "chpasswd"):
        match = _HERE_STRING.match(text, at) or _PIPED.search(text, max(0, at - REACH), at)
        if match is not None:
            yield match.span("pass")
    for at in occurrences(text, PORT):
        line = _PGPASS.match(text, text.rfind("\n", max(0, at - REACH), at) + 1)
        if line is not None:
            yield line.span("pass")
    for at in occurrences(text, "pgpass"):
        for line in _PGPASS.finditer(text, at, at + 2 * REACH):
            yield line.span("pass")
