"""Placeholders: `<EMAIL_1>`, or with a key `<EMAIL_3f9a2c11>`, the same wherever that key is used."""

import hashlib
import hmac
import re
from collections.abc import Iterable

PLACEHOLDER = re.compile(r"<[A-Z]+(?:_[A-Z]+)*_(?:[0-9]{1,6}|[0-9a-f]{8})>")
HEX_DIGITS = 8

_NUMBERED = re.compile(r"<([A-Z]+(?:_[A-Z]+)*)_([0-9]{1,6})>")
_DIGITS_ONLY = frozenset({"PHONE", "CARD", "SSN"})
_ANY_CASE = frozenset({"EMAIL", "USER", "NAME", "MAC", "IP"})
_NOT_DIGITS = re.compile(r"[^0-9]+")
_SPACE = re.compile(r"\s+")


def keyed(key: bytes, kind: str, value: str) -> str:
    """Return the first hex digits of the keyed hash (HMAC-SHA256) of a value of a type."""
    return hmac.new(key, f"{kind}\0{value}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def normal(kind: str, value: str) -> str:
    """Return the spelling under which equal values of a type meet: `+49 30 1` and `+49-30-1` are one phone."""
    if kind in _DIGITS_ONLY:
        return _NOT_DIGITS.sub("", value)
    if kind == "IBAN":
        return _SPACE.sub("", value)
    return _SPACE.sub(" ", value).casefold() if kind in _ANY_CASE else value


class Placeholders:
    """Give every value of one conversation its placeholder.

    Without a key they are numbered by type in order of appearance, beginning after the highest number that its
    first example holds already (`texts`), so that two values never share one.
    """

    def __init__(self, key: bytes | None, texts: Iterable[str]) -> None:
        self._key = key
        self._given: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}
        for text in texts if key is None else ():
            for kind, number in _NUMBERED.findall(text):
                self._last[kind] = max(self._last.get(kind, 0), int(number))

    def suit(self, texts: Iterable[str]) -> bool:
        """Say whether a further example may go on with these numbers: not if it holds numbers of its own."""
        return not any(_NUMBERED.search(text) for text in texts)

    def of(self, kind: str, value: str) -> str:
        """Return the placeholder of a value."""
        value = normal(kind, value)
        given = self._given.get((kind, value))
        if given is None:
            given = self._given[kind, value] = f"<{kind}_{self._label(kind, value)}>"
        return given

    def _label(self, kind: str, value: str) -> str:
        if self._key is not None:
            return keyed(self._key, kind, value)[:HEX_DIGITS]
        self._last[kind] = self._last.get(kind, 0) + 1
        return str(self._last[kind])
