"""Messages that are mostly noise: one character over and over, base64 or hex."""

import re
from collections.abc import Callable

from turnsmith.core.chat import Example
from turnsmith.curate.clean.rules.parts import answers, user_texts

# Both kinds stand in long words only, and those are found much faster.
_LONG_WORD = re.compile(r"\S{16,}")
_REPEATED = re.compile(r"(\S)\1{15,}|(\S{2,4})\2{15,}")
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{60,}={0,2}")
_CHANGES = re.compile(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[a-z0-9]|(?<=[0-9])[A-Za-z]")
# Random base64 changes between capitals, small letters and digits at two characters of three, random hex at one
# of two; names, paths and words stay far below one of three.
CHANGES_OF_A_BLOB = 1 / 3


def noise(share: float) -> Callable[[Example], bool]:
    """Return a rule that takes examples with a user or assistant message of more than `share` noise.

    Noise is a run of 16 or more times the same one to four characters, or 60 or more characters of base64 or
    hex. What tools return is not looked at: it may well be binary.
    """

    def drops(example: Example) -> bool:
        texts = [*user_texts(example), *answers(example)] if "messages" in example else [example["text"]]
        return any(_is_noise(text, share) for text in texts)

    return drops


def _is_noise(text: str, share: float) -> bool:
    words = _LONG_WORD.findall(text)
    most = share * len(text)
    return sum(map(len, words)) > most and sum(map(_noise_in_word, words)) > most


def _noise_in_word(word: str) -> int:
    rest = _REPEATED.sub(" ", word)
    return len(word) - len(rest) + sum(len(run[0]) for run in _BLOB.finditer(rest) if _is_blob(run[0]))


def _is_blob(run: str) -> bool:
    changes = sum(1 for _ in _CHANGES.finditer(run))
    return changes > CHANGES_OF_A_BLOB * len(run)
