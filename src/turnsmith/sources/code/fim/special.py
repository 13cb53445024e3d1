"""Special tokens of models inside source code: a tokenizer would take them for the end of a text, or of a hole."""

import re
from collections.abc import Iterable

from turnsmith.curate.check.tokens import FAMILIES
from turnsmith.sources.code.fim.formats import MESSAGES

_LLAMA = FAMILIES["llama"].split("|")
_TOKENS = {
    "qwen": [FAMILIES["barred"], FAMILIES["hermes"]],
    "starcoder": [FAMILIES["starcoder"], r"<\|endoftext\|>"],
    "codellama": [*_LLAMA, "\u2581<(?:PRE|SUF|MID|EOT)>"],
    "deepseek": [FAMILIES["deepseek"], FAMILIES["barred"]],
}
"""By format, patterns of the tokens of its model's tokenizer."""
_OF_CHATS = [FAMILIES[name] for name in FAMILIES if name != "llama"] + _TOKENS["codellama"]


class Special:
    """Find and defuse the tokens that must not stand in the code of a format; of chats those of every model."""

    def __init__(self, name: str) -> None:
        self._patterns = _by_first_character(_OF_CHATS if name == MESSAGES else _TOKENS[name])

    def within(self, text: str) -> bool:
        """Return whether a token stands in a text."""
        return any(pattern.search(text) for pattern in self._patterns)

    def escaped(self, text: str) -> str:
        """Return a text in which no token is left: a space stands behind the first character of each."""
        for pattern in self._patterns:
            text = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        return text


def _by_first_character(tokens: Iterable[str]) -> list[re.Pattern[str]]:
    """Return patterns for all tokens, one for each first character: that is ten times as fast as one for all."""
    rests: dict[str, list[str]] = {}
    for token in tokens:
        size = 2 if token.startswith("\\") else 1
        rests.setdefault(token[:size], []).append(token[size:])
    return [re.compile(f"{first}(?:{'|'.join(each)})") for first, each in rests.items()]
