"""Make values of the documented shapes of secrets and personal data, from random letters at run time.

Each maker takes a random generator and returns one value. Nothing here stands for a real account.
"""

import base64
import json
import string
import zlib
from collections.abc import Callable
from random import Random

Maker = Callable[[Random], str]

DIGITS = string.digits
UPPER = string.ascii_uppercase
LOWER = string.ascii_lowercase
LETTERS = string.ascii_letters
ALNUM = DIGITS + UPPER + LOWER
BASE32 = UPPER + "234567"
BASE64 = ALNUM + "+/"
BASE64_URL = ALNUM + "-_"
HEX = DIGITS + "abcdef"


def letters(rng: Random, alphabet: str, count: int) -> str:
    """Return `count` random letters of an alphabet."""
    return "".join(rng.choices(alphabet, k=count))


def shaped(shape: str) -> Maker:
    """Return a maker that puts a random digit for each `#` of a shape."""
    return lambda rng: "".join(rng.choice(DIGITS) if each == "#" else each for each in shape)


def token(prefix: str, alphabet: str, count: int, suffix: str = "") -> Maker:
    """Return a maker of a prefix, `count` random letters, and a suffix."""
    return lambda rng: prefix + letters(rng, alphabet, count) + suffix


def parts(*makers: Maker) -> Maker:
    """Return a maker that joins what other makers give."""
    return lambda rng: "".join(each(rng) for each in makers)


def checked_token(prefix: str) -> Maker:
    """Return a maker of GitHub's shape, also npm's: 30 letters and their CRC-32 in six base-62 digits."""

    def make(rng: Random) -> str:
        body = letters(rng, ALNUM, 30)
        rest, check = zlib.crc32(body.encode()), ""
        for _ in range(6):
            rest, digit = divmod(rest, 62)
            check = ALNUM[digit] + check
        return prefix + body + check

    return make


def word(rng: Random, syllables: int = 3) -> str:
    """Return a word that can be said and is in no dictionary."""
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(syllables))


def user_name(rng: Random) -> str:
    """Return a user name of eight small letters."""
    return word(rng, 4)


def strong_password(rng: Random) -> str:
    """Return 16 letters, digits and marks that need no quotes, at least one of each."""
    core = letters(rng, ALNUM, 11)
    return letters(rng, LETTERS, 2) + letters(rng, DIGITS, 1) + core + rng.choice("_-.") + rng.choice(DIGITS)


def marked_password(rng: Random) -> str:
    """Return 14 letters and digits with marks between them."""
    head, middle = letters(rng, ALNUM, 5), letters(rng, ALNUM, 5)
    return head + rng.choice("!#*^") + middle + rng.choice("!*+?") + rng.choice(LOWER) + rng.choice(DIGITS)


def human_password(rng: Random) -> str:
    """Return what people choose: a word, a year, a mark."""
    return word(rng, 4).capitalize() + str(rng.randint(1970, 2025)) + rng.choice("!*")


def jwt(rng: Random) -> str:
    """Return a signed-looking JSON Web Token."""
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {
        "sub": letters(rng, HEX, 12),
        "scope": word(rng),
        "iat": rng.randint(1_700_000_000, 1_750_000_000),
    }
    encoded = (
        base64.urlsafe_b64encode(json.dumps(each, separators=(",", ":")).encode()).decode().rstrip("=")
        for each in (head, claims)
    )
    return ".".join([*encoded, letters(rng, BASE64_URL, 43)])


def basic_credentials(rng: Random) -> str:
    """Return what follows `Basic` in an Authorization header."""
    return base64.b64encode(f"{word(rng)}:{strong_password(rng)}".encode()).decode()


def base64_of(count: int) -> Maker:
    """Return a maker of the standard base64 of `count` random bytes."""
    return lambda rng: base64.b64encode(rng.randbytes(count)).decode()


def sas_signature(rng: Random) -> str:
    """Return the signature of a shared access signature: base64 of 32 bytes, percent-encoded."""
    signature = base64_of(32)(rng)
    return signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def email(shape: str) -> Maker:
    """Return a maker of an address: each `*` of the shape becomes a word, each `#` a digit."""

    def make(rng: Random) -> str:
        made = {"*": lambda: word(rng), "#": lambda: rng.choice(DIGITS)}
        return "".join(made[each]() if each in made else each for each in shape)

    return make


def public_ipv4(rng: Random) -> str:
    """Return an address from blocks that providers hand out to customers."""
    first = rng.choice([31, 52, 62, 78, 81, 87, 91, 95, 109, 135, 142, 178, 185, 188, 213, 217])
    return f"{first}.{rng.randint(2, 250)}.{rng.randint(2, 250)}.{rng.randint(2, 250)}"


def public_ipv6(rng: Random) -> str:
    """Return a full global address of eight groups."""
    first = rng.choice(["2a01", "2a02", "2600", "2607", "2408", "2804"])
    return ":".join([first, *(_group(rng) for _ in range(7))])


def short_ipv6(rng: Random) -> str:
    """Return a global address with its zeros left out."""
    groups = ":".join(_group(rng) for _ in range(2))
    return f"{rng.choice(['2a03', '2a05', '2603', '2400'])}:{groups}::{_group(rng)}"


def _group(rng: Random) -> str:
    return rng.choice("123456789abcdef") + letters(rng, HEX, 3)


def mac(separator: str, capital: bool = False) -> Maker:
    """Return a maker of a hardware address of a vendor: first byte even and not locally administered."""

    def make(rng: Random) -> str:
        pairs = [f"{rng.randrange(4, 252, 4):02x}", *(f"{rng.randint(1, 254):02x}" for _ in range(5))]
        text = (
            separator.join(pairs)
            if separator != "."
            else ".".join("".join(pairs[at : at + 2]) for at in (0, 2, 4))
        )
        return text.upper() if capital else text

    return make


def iban(country: str, shape: str, spaced: bool = False) -> Maker:
    """Return a maker of an IBAN: its national part by shape (`#` digit, `A` letter), check digits by mod 97."""

    def make(rng: Random) -> str:
        national = "".join({"#": rng.choice(DIGITS), "A": rng.choice(UPPER)}[each] for each in shape)
        check = 98 - int("".join(str(int(each, 36)) for each in f"{national}{country}00")) % 97
        whole = f"{country}{check:02d}{national}"
        return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if spaced else whole

    return make


def card(prefix: str, length: int = 16, groups: tuple[int, ...] = (), separator: str = " ") -> Maker:
    """Return a maker of a payment card's number with its Luhn digit, in one piece or in groups."""

    def make(rng: Random) -> str:
        body = prefix + letters(rng, DIGITS, length - len(prefix) - 1)
        number = body + next(last for last in DIGITS if luhn(body + last))
        pieces, at = [], 0
        for size in groups or (length,):
            pieces.append(number[at : at + size])
            at += size
        return separator.join(pieces)

    return make


def luhn(number: str) -> bool:
    """Say whether the last digit of a number is its Luhn check digit."""
    doubled = (int(each) * (1 + at % 2) for at, each in enumerate(reversed(number)))
    return sum(each // 10 + each % 10 for each in doubled) % 10 == 0


def social_security(shape: str = "{}-{}-{}") -> Maker:
    """Return a maker of a number that the US could have given out."""

    def make(rng: Random) -> str:
        area = rng.choice([*range(1, 666), *range(667, 900)])
        return shape.format(f"{area:03d}", f"{rng.randint(1, 99):02d}", f"{rng.randint(1, 9999):04d}")

    return make
