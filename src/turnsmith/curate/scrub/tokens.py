"""Rules for tokens that their issuers made easy to tell: where they can be, and what is there."""

import re
from collections.abc import Iterator

from turnsmith.curate.scrub.left_alone import is_sample_secret
from turnsmith.curate.scrub.page import Hit, Page, occurrences, start_of_run
from turnsmith.curate.scrub.token_table import DISCORD, LETTERS, TOKENS, Token
from turnsmith.curate.scrub.validators import is_random, is_wordy

_DISCORD_TOKEN = re.compile(DISCORD)
_DISCORD_MIDDLE = re.compile(r"\.[A-Za-z0-9_-]{6}\.(?=[A-Za-z0-9_-]{27})")

AWS_REACH = 200
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_HEX = re.compile("[0-9a-f]+")
_BY_HEAD: dict[str, list[Token]] = {}
for _token in TOKENS:
    for _head in () if _token.literal else _token.heads:
        _BY_HEAD.setdefault(_head, []).append(_token)
LONGEST_HEAD = max(map(len, _BY_HEAD))


def _separators() -> list[re.Pattern[str]]:
    """Return patterns of a separator with a known head before and sixteen of a token's characters behind.

    One for each separator, because a search that begins with one known character is much faster than one that
    begins with any of three. A look back has one width.
    """
    widths: dict[int, list[str]] = {}
    for head in _BY_HEAD:
        widths.setdefault(len(head), []).append(head)
    known = "|".join(f"(?<=(?:{'|'.join(heads)}).)" for _, heads in sorted(widths.items()))
    return [re.compile(rf"{separator}(?=[A-Za-z0-9_-]{{16}})(?:{known})") for separator in (r"\.", "-", "_")]


_SEPARATORS = _separators()
# What must stand around a literal that is frequent by itself; a pattern finds that out faster than a loop.
_AROUND = {
    "hook": r"(?=s\.slack|s/[0-9]{17}|\.office\.)",
    "==": r"(?<=[A-Za-z0-9+/]{86}==)(?![A-Za-z0-9=])",
    "-us": r"(?<=[0-9a-f]{32}-us)(?=[0-9])",
    "SK": r"(?=[0-9a-f]{32})",
    "eyJ": r"(?=[A-Za-z0-9_-]{8})",
}
_LITERALS = [
    (re.compile(re.escape(literal) + _AROUND.get(literal, "")), token)
    for token in TOKENS
    if token.literal
    for literal in token.heads
    if literal[0] != "A"
]
# Those that begin with the same letter are found in one pass.
_WITH_A = {
    literal: token for token in TOKENS if token.literal for literal in token.heads if literal[0] == "A"
}
_A = re.compile(f"A(?:{'|'.join(literal[1:] for literal in _WITH_A)})")


def find_tokens(page: Page) -> Iterator[Hit]:
    """Yield the tokens of a page that are nobody's example."""
    for start, end, rule in _candidates(page.narrow):
        value = page.narrow[start:end]
        # Capitals alone would be a word; but an id of AWS may have no digit in it.
        if not is_sample_secret(value) and (value.isupper() or not is_wordy(value)):
            yield start, end, rule


def find_aws_secrets(page: Page) -> Iterator[Hit]:
    """Yield AWS secret keys: forty characters of base64 near an access key id."""
    text = page.narrow
    places = [(at - AWS_REACH, at + AWS_REACH) for key in ("AKIA", "ASIA") for at in occurrences(text, key)]
    for start, end in places:
        for secret in _AWS_SECRET.finditer(text, max(0, start), end):
            if is_random(secret[0]) and not is_sample_secret(secret[0]) and not _HEX.fullmatch(secret[0]):
                yield *secret.span(), "aws-secret"


def _candidates(text: str) -> Iterator[Hit]:
    for separator in (match for pattern in _SEPARATORS for match in pattern.finditer(text)):
        at = separator.start()
        start = start_of_run(text, LETTERS, at, LONGEST_HEAD + 1)
        for token in _BY_HEAD.get(text[start:at], ()):
            if (match := token.pattern.match(text, start)) is not None:
                yield match.start(), match.end(), token.rule
    for letter in _A.finditer(text):
        yield from _around(text, letter.start(), _WITH_A[letter[0]])
    for middle in _DISCORD_MIDDLE.finditer(text):
        start = start_of_run(text, LETTERS + "_-", middle.start(), 28)
        if (match := _DISCORD_TOKEN.match(text, start)) is not None:
            yield *match.span(), "discord-token"
    for literal, token in _LITERALS:
        for part in literal.finditer(text):
            yield from _around(text, part.start(), token)


def _around(text: str, at: int, token: Token) -> Iterator[Hit]:
    """Yield what matches at a literal, or at most `back` characters before it."""
    if token.back > 0:
        match = token.pattern.match(text, start_of_run(text, token.alphabet, at, token.back))
        if match is not None and match.end() > at:
            yield match.start(), match.end(), token.rule
        return
    match = token.pattern.match(text, at - token.back)
    if match is not None and (at == 0 or token.back or not text[at - 1].isalnum()):
        yield match.start(), match.end(), token.rule
