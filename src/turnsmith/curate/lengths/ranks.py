"""Count tokens with a tiktoken file of ranks: exact, and faster the more often words return."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import regex
import tiktoken

from turnsmith.core.errors import InputError, UsageError
from turnsmith.curate.lengths.vocabularies import (
    SPACE,
    SPACE_NOT_NEWLINE,
    VOCABULARIES,
    Vocabulary,
)

# Text may be cut here without changing its tokens (see Vocabulary.splits_at_spaces): white space goes with the
# word after it, except for what ends in a newline, which goes with the word before it.
UNIT = re.compile(rf"[{SPACE_NOT_NEWLINE}]*[^{SPACE}]+(?:[{SPACE}]*[\r\n]+)?|[{SPACE}]*[\r\n]+|[{SPACE}]+")
ASCII_UNIT = re.compile(r"[^\S\r\n]*\S+(?:\s*[\r\n]+)?|\s*[\r\n]+|\s+", re.ASCII)  # the same, faster

CACHED_UNITS = 300_000
LONGEST_CACHED = 128
# Where white space goes on for longer, tiktoken's regular expression runs out of stack.
LONGEST_SPACE = 100_000


class RanksTokenizer:
    """Count the tokens of a vocabulary that is given by its ranks."""

    chat_template: Path | None = None

    def __init__(self, name: str, ranks: dict[bytes, int], vocabulary: Vocabulary) -> None:
        self.name = name
        self.vocabulary = vocabulary
        self.special = frozenset(vocabulary.special)
        self._encoding = tiktoken.Encoding(
            vocabulary.name, pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={}
        )
        self._special = re.compile("|".join(map(re.escape, vocabulary.special)))
        self._units = _UnitCounts(self._encode)

    @property
    def description(self) -> str:
        """Return the vocabulary in words."""
        return f"{self.name} ({self.vocabulary.ranks:,} ranks, split as {self.vocabulary.name})"

    def count(self, text: str) -> int:
        """Return the number of tokens of a text; a special token inside it is one."""
        pieces = self._special.split(text)
        return len(pieces) - 1 + sum(map(self.count_plain, pieces))

    def count_content(self, text: str) -> int:
        """Return the number of tokens of a message's text, as the vocabulary's trainers see it."""
        return self.count_plain(text) if self.vocabulary.plain_contents else self.count(text)

    def count_plain(self, text: str) -> int:
        """Return the number of tokens of a text whose special tokens are ordinary characters."""
        if text.isascii():
            unit = ASCII_UNIT
        else:
            unit = UNIT
            if self.vocabulary.normalizes:
                text = unicodedata.normalize("NFC", text)
        if not self.vocabulary.splits_at_spaces:
            return self._encode(text)
        return sum(map(self._units.__getitem__, unit.findall(text)))

    def forget(self) -> None:
        """Forget the words seen so far, as a benchmark must."""
        self._units.clear()

    def _encode(self, text: str) -> int:
        if len(text) > LONGEST_SPACE and _longest_space(text) > LONGEST_SPACE:
            encode_piece = self._encoding._encode_single_piece
            return sum(len(encode_piece(piece)) for piece in self._split.findall(text))
        return len(self._encoding.encode_ordinary(text))

    @cached_property
    def _split(self) -> Any:
        spelled_out = self.vocabulary.pattern.replace(r"[^\s", f"[^{SPACE}")
        spelled_out = spelled_out.replace(r"\s", f"[{SPACE}]").replace(r"\S", f"[^{SPACE}]")
        return regex.compile(spelled_out)


class _UnitCounts(dict[str, int]):
    """Remember the number of tokens of short units of text."""

    def __init__(self, count: Callable[[str], int]) -> None:
        super().__init__()
        self._count = count

    def __missing__(self, unit: str) -> int:
        count = self._count(unit)
        if len(unit) <= LONGEST_CACHED:
            if len(self) >= CACHED_UNITS:
                self.clear()
            self[unit] = count
        return count


def _longest_space(text: str) -> int:
    return max(map(len, re.findall(rf"[{SPACE}]+", text)), default=0)


def read_ranks(path: Path) -> dict[bytes, int]:
    """Return the ranks of a tiktoken file: on each line a token in base64 and its rank.

    Raises InputError with file and line for anything else.
    """
    ranks: dict[bytes, int] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise InputError(f"{path}:{number}: is no token in base64 and its rank") from error
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing:
        raise InputError(f"{path}: {len(missing)} of the 256 single bytes have no rank; is the file whole?")
    return ranks


def load_ranks(path: Path, pattern: str | None) -> RanksTokenizer:
    """Return the tokenizer of a tiktoken file; its pattern is told by the number of ranks if not given.

    Raises UsageError where the number of ranks says nothing.
    """
    ranks = read_ranks(path)
    if pattern is None:
        known = {each.ranks: each for each in VOCABULARIES.values()}
        if len(ranks) not in known:
            names = ", ".join(VOCABULARIES)
            raise UsageError(
                f"{path}: {len(ranks):,} ranks are of no known vocabulary; say with --pattern how text is split: "
                f"{names}"
            )
        return RanksTokenizer(path.name, ranks, known[len(ranks)])
    if pattern not in VOCABULARIES:
        raise UsageError(f"--pattern: {pattern!r} is none of {', '.join(VOCABULARIES)}")
    return RanksTokenizer(path.name, ranks, VOCABULARIES[pattern])
