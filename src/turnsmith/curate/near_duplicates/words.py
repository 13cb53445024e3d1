"""Words of a batch of texts as 64-bit hashes, found with a few passes over the bytes.

A word is a run of letters, digits, underscores and combining marks, in Unicode; a character of a script that is written
without spaces (Chinese, Japanese, Thai and the like) is a word by itself. All else parts words. Texts are compared case
folded and in NFC.
"""

import functools
import hashlib
import sys
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

PARTS, WORD, ALONE = 0, 1, 2
_KIND, _FOLDS = 3, 4  # bits of a class: what the character is, and whether folding or NFC may change it
LONG_WORD = 64
_HAN_PLANES = range(0x20000, 0x40000)
_VARIATIONS = range(0xE0100, 0xE01F0)  # marks that choose a glyph
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark and zero
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D),  # half-width Katakana
)
_HANGUL_PARTS = range(0x1100, 0x1200)
_FIRST_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MORE_FACTOR = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
_PAD = b"\n" * 8


def folded(text: str) -> str:
    """Return a text as it is compared: case folded, in Unicode NFC."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())


@dataclass(slots=True)
class Words:
    """Hold the hashes of all words of a batch, text after text; text i has words `first[i]` to `first[i + 1]`."""

    hashes: U64
    first: I64


@dataclass(slots=True)
class _Foreign:
    """Hold the characters beyond ASCII in some bytes: where each begins, how many bytes it has, its class."""

    leads: I64
    sizes: I64
    classes: U8


def words_of_texts(texts: list[str], seed: int) -> Words:
    """Return the hashes of the words of texts, after folding them."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    joined, begins = _joined(encoded)
    if not joined.isascii():
        # Folding text by text is slow, and few texts hold a character beyond ASCII that it changes.
        foreign = _foreign(joined)
        places = foreign.leads[(foreign.classes & _FOLDS) != 0]
        if len(places):
            for index in np.unique(np.searchsorted(begins, places, "right") - 1).tolist():
                encoded[index] = folded(texts[index]).encode("utf-8", "replace")
            return words_of(encoded, seed)
        return _words(joined, begins, foreign, seed)
    return _words(joined, begins, None, seed)


def words_of(encoded: list[bytes], seed: int) -> Words:
    """Return the hashes of the words of texts that are folded, in UTF-8."""
    joined, begins = _joined(encoded)
    return _words(joined, begins, None if joined.isascii() else _foreign(joined), seed)


def _words(joined: bytes, begins: I64, foreign: _Foreign | None, seed: int) -> Words:
    starts, sizes = _bounds(joined, foreign)
    return Words(_hashes(joined, starts, sizes, seed), np.searchsorted(starts, begins))


def _joined(encoded: list[bytes]) -> tuple[bytes, I64]:
    """Return the texts as one, with ASCII in lower case, and where each begins."""
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded)) + 1
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return b"\n".join([*encoded, _PAD]).lower(), begins


def _foreign(joined: bytes) -> _Foreign:
    data = np.frombuffer(joined, np.uint8)
    leads = np.flatnonzero(data >= 0xC0)
    first, second, third, fourth = (data[leads + offset].astype(np.int32) for offset in range(4))
    second, third, fourth = second & 0x3F, third & 0x3F, fourth & 0x3F
    points = (first & 0x1F) << 6 | second
    three, four = first >= 0xE0, first >= 0xF0
    points[three] = ((first & 0x0F) << 12 | second << 6 | third)[three]
    points[four] = ((first & 0x07) << 18 | second << 12 | third << 6 | fourth)[four]
    sizes = 2 + three.astype(np.int64) + four
    return _Foreign(leads, sizes, _flagged_classes()[points])


def _bounds(joined: bytes, foreign: _Foreign | None) -> tuple[I64, I64]:
    """Return where each word starts and how many bytes it has."""
    kinds = np.frombuffer(joined.translate(_ascii_classes()), np.bool_)
    if foreign is None:
        return _runs(kinds)
    kinds = kinds.copy()
    kind = foreign.classes & _KIND
    in_word = kind == WORD
    for offset in range(4):
        kinds[foreign.leads[in_word & (foreign.sizes > offset)] + offset] = True
    starts, sizes = _runs(kinds)
    alone = kind == ALONE
    if not alone.any():
        return starts, sizes
    starts = np.concatenate([starts, foreign.leads[alone]])
    sizes = np.concatenate([sizes, foreign.sizes[alone]])
    order = np.argsort(starts, kind="stable")
    return starts[order], sizes[order]


def _runs(in_word: npt.NDArray[np.bool_]) -> tuple[I64, I64]:
    # The last bytes part words, so starts and ends come in turn once a word at the very first byte has its edge.
    edges = np.flatnonzero(in_word[1:] != in_word[:-1])
    edges += 1
    if in_word[0]:
        edges = np.concatenate([np.zeros(1, np.int64), edges])
    starts = edges[0::2]
    return starts, edges[1::2] - starts


def _hashes(joined: bytes, starts: I64, sizes: I64, seed: int) -> U64:
    """Return a hash per word, eight bytes at a time; a long one, such as a picture in base64, as a whole."""
    eights: Any = np.ndarray((len(joined) - 7,), np.dtype("<u8"), joined, strides=(1,))
    hashes: U64 = eights[starts].astype(np.uint64, copy=False)
    hashes &= _MASKS[np.minimum(sizes, 8)]
    hashes ^= np.uint64(seed)
    hashes *= _FIRST_FACTOR
    hashes ^= hashes >> _HALF
    longer = np.flatnonzero(sizes > 8)
    huge = longer[sizes[longer] > LONG_WORD]
    longer = longer[sizes[longer] <= LONG_WORD]
    done = 8
    while len(longer):
        rest = eights[starts[longer] + done].astype(np.uint64, copy=False)
        rest &= _MASKS[np.minimum(sizes[longer] - done, 8)]
        more = (hashes[longer] + rest) * _MORE_FACTOR
        hashes[longer] = more ^ (more >> _HALF)
        done += 8
        longer = longer[sizes[longer] > done]
    for index in huge.tolist():
        start = int(starts[index])
        hashes[index] = whole_hash(joined[start : start + int(sizes[index])], seed)
    return hashes


def whole_hash(data: bytes, seed: int) -> int:
    """Return a 64-bit hash of bytes as they are."""
    digest = hashlib.blake2b(data, digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little")


@functools.cache
def _ascii_classes() -> bytes:
    return bytes(code < 128 and (chr(code).isalnum() or code == ord("_")) for code in range(256))


def kinds_of_characters() -> U8:
    """Return PARTS, WORD or ALONE for each code point."""
    kinds: U8 = _flagged_classes() & np.uint8(_KIND)
    return kinds


@functools.cache
def _flagged_classes() -> U8:
    """Return the class of each code point."""
    classes = np.zeros(sys.maxunicode + 1, np.uint8)
    for code in (*range(_HAN_PLANES.start), *_VARIATIONS):
        char = chr(code)
        is_mark = unicodedata.category(char)[0] == "M"
        if char.isalnum() or char == "_" or is_mark:
            classes[code] = WORD
        # Characters that may join the one before in NFC are marks and parts of Hangul syllables.
        if is_mark or code in _HANGUL_PARTS or folded(char) != char:
            classes[code] |= _FOLDS
    for begin, end in _UNSPACED:
        span = classes[begin : end + 1]
        span[(span & _KIND) == WORD] += ALONE - WORD
    classes[_HAN_PLANES.start : _HAN_PLANES.stop] = ALONE
    compatible = range(0x2F800, 0x2FA20)  # ideographs that NFC replaces
    classes[compatible.start : compatible.stop] |= _FOLDS
    return classes
