"""Planted values, made at run time, so that nothing in this repository looks like a secret."""

from __future__ import annotations

import random
import string

BASE62 = string.ascii_letters + string.digits
BASE64 = BASE62 + "+/"
URLSAFE = BASE62 + "_-"
HEX = "0123456789abcdef"
CAPITALS = string.ascii_uppercase + "234567"

_dice = random.Random(20260116)


def some(length: int, alphabet: str = BASE62) -> str:
    """Return random characters, the first and last a letter and a digit so that borders are plain."""
    middle = "".join(_dice.choice(alphabet) for _ in range(length - 2))
    letters = [c for c in alphabet if c.isalpha()] or alphabet
    digits = [c for c in alphabet if c.isdigit()] or alphabet
    return _dice.choice(letters) + middle + _dice.choice(digits)


def key_lines(lines: int = 6, end: str = "\n") -> str:
    """Return lines of base64 such as stand in a private key."""
    return end.join(some(64, BASE64) for _ in range(lines))


def armor(word: str, kind: str = "RSA PRIVATE KEY") -> str:
    """Return a line of a key's armor."""
    return "-----" + f"{word} {kind}" + "-----"


def with_luhn(digits: str) -> str:
    """Return digits with their check digit."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def with_mod97(country: str, account: str) -> str:
    """Return an account as an IBAN with its check digits."""
    number = int("".join(str(int(c, 36)) for c in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02}{account}"
