"""Checks that tell a real value from what only looks like one."""

import base64
import binascii
import ipaddress
import math
import re
from collections import Counter

# Length of an IBAN by country, from the SWIFT IBAN registry.
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip

_CARD = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15})|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35[0-9]{14}|62[0-9]{14,17}"
)
_SSN = re.compile(r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}")
_NANP = re.compile(r"1?[2-9](?!11)[0-9]{2}[2-9](?!11)[0-9]{6}")
# Calling codes of one and two digits; those of three digits begin with one of the rest (ITU-T E.164).
_SHORT = """
7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66
81 82 84 86 90 91 92 93 94 95 98
"""
_SHORT_CODES = frozenset(_SHORT.split())
_LONG_CODES = re.compile(r"2(?:1[1-8]|[2346][0-9]|5[0-8]|9[01789])|3(?:5[0-9]|7[0-8]|8[0-25-79])|42[013]"
                         r"|5[09][0-9]|6[789][0-9]|8(?:5[02356]|8[06])|9(?:6[0-8]|7[0-9]|9[2-68])")  # fmt: skip
_CHUNKS = re.compile(r"[A-Za-z0-9]+")
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def luhn(digits: str) -> bool:
    """Tell whether a string of digits ends in its Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Tell whether digits are the number of a payment card: an issuer's prefix and length, and Luhn."""
    return _CARD.fullmatch(digits) is not None and luhn(digits)


def is_iban(text: str) -> bool:
    """Tell whether text without spaces is an IBAN: length by country and mod-97 (ISO 13616)."""
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text.isalnum() or not text.isascii():
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def is_ssn(digits: str) -> bool:
    """Tell whether nine digits can be a US Social Security number (areas 000, 666 and 9xx are never given)."""
    return _SSN.fullmatch(digits) is not None


def is_nanp(digits: str) -> bool:
    """Tell whether digits are a number of the North American plan, with or without the leading 1."""
    return _NANP.fullmatch(digits) is not None


def is_international(digits: str) -> bool:
    """Tell whether digits after a `+` can be a phone number: a calling code, 8 to 15 digits (ITU-T E.164)."""
    if digits[:1] == "1":
        return len(digits) == 11 and is_nanp(digits)
    known = digits[:1] in _SHORT_CODES or digits[:2] in _SHORT_CODES or _LONG_CODES.match(digits) is not None
    return known and 8 <= len(digits) <= 15


def is_public_ip(text: str) -> bool:
    """Tell whether text is an address of the public internet, so not private, local or for documentation."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_mac(text: str) -> bool:
    """Tell whether a MAC address may be a device's: not empty, broadcast, multicast or for documentation."""
    octets = re.sub(r"[^0-9a-f]", "", text.lower())
    if len(octets) != 12 or len(set(octets)) == 1 or octets.startswith("00005e"):
        return False
    return int(octets[:2], 16) % 2 == 0


def entropy(text: str) -> float:
    """Return Shannon's entropy of a text's characters, in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values()) if text else 0.0


def is_wordy(text: str) -> bool:
    """Tell whether a text is made of words, as names in code and prose are: `my-api2`, `someTokenName`, `MAX_AGE`.

    Capitals in a row count as a word only where nothing else is beside them, since tokens are full of them.
    """
    letters = words = digits = 0
    for chunk in _CHUNKS.findall(text):
        for part in [chunk] if chunk.isalpha() and chunk.isupper() else _PARTS.findall(chunk):
            if part.isdigit():
                digits += len(part)
            else:
                letters += len(part)
                words += 1 if part[-1].islower() or part == chunk else len(part)
    return words > 0 and letters / words >= 3.5 and digits <= max(2, letters // 5)


def is_random(text: str) -> bool:
    """Tell whether a text looks like a generated token: long, without words, many characters, digits among them.

    A token of letters only must be longer and change between cases, as base64 does.
    """
    if len(text) < 12 or not text.isascii() or is_wordy(text):
        return False
    has_digit = any(c.isdigit() for c in text)
    if not has_digit:
        mixed = not text.islower() and not text.isupper()
        return len(text) >= 20 and mixed and entropy(text) >= 3.7
    if text.replace("-", "").replace(".", "").isdigit():
        return False
    return entropy(text) >= (2.9 if len(text) < 20 else 3.0)


def decoded(text: str) -> str:
    """Return what base64 holds where that is text, an empty string otherwise."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
