"""A test set for scrubbing: texts as they stand in assistants' logs, each with one value that must not survive.

Whoever wrote it had not seen the scrubber's rules. All values are random, made at run time.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

import planted_values as v
from planted_homes import LINUX, MACOS, WINDOWS
from planted_passwords import ASSIGNMENTS, PRIVATE_KEYS, URLS
from planted_people import CARDS, EMAILS, IBANS, IPV4, IPV6, MACS, PHONES, SOCIAL_SECURITY
from planted_tokens import TOKENS, Context

Category = Literal["secret", "personal"]

SECRETS: dict[str, list[Context]] = {
    **TOKENS,
    "private_key": PRIVATE_KEYS,
    "url_credentials": URLS,
    "assignment": ASSIGNMENTS,
}
PERSONAL: dict[str, list[Context]] = {
    "email": EMAILS,
    "phone": PHONES,
    "ipv4": IPV4,
    "ipv6": IPV6,
    "mac": MACS,
    "iban": IBANS,
    "card": CARDS,
    "ssn": SOCIAL_SECURITY,
    "home_macos": MACOS,
    "home_linux": LINUX,
    "home_windows": WINDOWS,
}


@dataclass(frozen=True)
class Planted:
    """Hold a text and the one value in it that must go; `type` names what kind of value it is."""

    category: Category
    type: str
    text: str
    value: str


def planted(seed: int = 0) -> list[Planted]:
    """Return all cases; the same seed gives the same values, another seed other values in the same texts."""
    kinds: list[tuple[Category, dict[str, list[Context]]]] = [("secret", SECRETS), ("personal", PERSONAL)]
    return [
        _plant(category, kind, context, Random(f"{seed}:{kind}:{number}"))  # noqa: S311
        for category, table in kinds
        for kind, contexts in table.items()
        for number, context in enumerate(contexts)
    ]


def _plant(category: Category, kind: str, context: Context, rng: Random) -> Planted:
    make, text = context
    value = make(rng)
    for mark, alphabet, count in (("¤", v.HEX, 20), ("¶", v.BASE64, 64)):
        while mark in text:
            text = text.replace(mark, v.letters(rng, alphabet, count), 1)
    return Planted(category, kind, text.replace("§", value), value)
