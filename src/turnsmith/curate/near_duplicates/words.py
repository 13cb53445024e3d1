"""Words of a batch of texts as 64-bit hashes, found with a few passes over the bytes.

A word is a run of letters, digits, underscores and combining marks, in Unicode; a character of a script that
is written without spaces (Chinese, Japanese, Thai and the like) is a word by itself. All else parts words.
"""

import functools
import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

PARTS, WORD, ALONE = 0, 1, 2
LONG_WORD = 64
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
_HAN_PLANES = (0x20000, 0x3FFFF)
_FIRST_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MORE_FACTOR = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
PAD = b"\n" * 8


def folded(text: str) -> str:
    """Return a text as it is compared: case folded, in Unicode NFC."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())


@dataclass(slots=True)
class Words:
    """Hold the hashes of all words of a batch, text after text; text i has words `first[i]` to `first[i + 1]`."""

    hashes: U64
    first: I64


def words_of(texts: list[bytes], seed: int) -> Words:
    """Return the hashes of the words of texts, which are folded and in UTF-8."""
    joined = b"\n".join([*texts, PAD])
    lengths = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    starts, sizes = _bounds(joined)
    hashes = _hashes(joined, starts, sizes, seed)
    return Words(hashes, np.searchsorted(starts, begins))


def _bounds(joined: bytes) -> tuple[I64, I64]:
    """Return where each word starts and how many bytes it has."""
    if joined.isascii():
        return _runs(np.frombuffer(joined.translate(_ascii_classes()), np.uint8))
    kinds = np.frombuffer(joined.translate(_ascii_classes()), np.uint8).copy()
    data = np.frombuffer(joined, np.uint8)
    leads = np.flatnonzero(data >= 0xC0)
    points, sizes = _code_points(data, leads)
    classes = _classes()[np.minimum(points, 0x3FFFF)]
    in_word = classes == WORD
    for offset in range(4):
        kinds[leads[in_word & (sizes > offset)] + offset] = WORD
    starts, lengths = _runs(kinds)
    alone = classes == ALONE
    if not alone.any():
        return starts, lengths
    starts = np.concatenate([starts, leads[alone]])
    lengths = np.concatenate([lengths, sizes[alone]])
    order = np.argsort(starts, kind="stable")
    return starts[order], lengths[order]


def _runs(kinds: npt.NDArray[np.uint8]) -> tuple[I64, I64]:
    # The last bytes part words, so ends and starts come in turn once the very first byte has an edge before it.
    edges = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
    if kinds[0] == WORD:
        edges = np.concatenate([np.zeros(1, np.int64), edges])
    starts = edges[0::2]
    return starts, edges[1::2] - starts


def _code_points(data: npt.NDArray[np.uint8], leads: I64) -> tuple[I64, I64]:
    """Return the code point that each lead byte begins, and its bytes."""
    first, second, third, fourth = (data[leads + offset].astype(np.int64) for offset in range(4))
    second, third, fourth = second & 0x3F, third & 0x3F, fourth & 0x3F
    sizes = 2 + (first >= 0xE0) + (first >= 0xF0)
    points = np.select(
        [sizes == 2, sizes == 3],
        [(first & 0x1F) << 6 | second, (first & 0x0F) << 12 | second << 6 | third],
        (first & 0x07) << 18 | second << 12 | third << 6 | fourth,
    )
    return points, sizes


def _hashes(joined: bytes, starts: I64, sizes: I64, seed: int) -> U64:
    """Return a hash per word, eight bytes at a time; a long one, such as a picture in base64, as a whole."""
    eights: Any = np.ndarray((len(joined) - 7,), np.dtype("<u8"), joined, strides=(1,))
    hashes: U64 = eights[starts].astype(np.uint64)
    hashes &= _MASKS[np.minimum(sizes, 8)]
    hashes ^= np.uint64(seed)
    hashes *= _FIRST_FACTOR
    hashes ^= hashes >> _HALF
    longer = np.flatnonzero(sizes > 8)
    huge = longer[sizes[longer] > LONG_WORD]
    longer = longer[sizes[longer] <= LONG_WORD]
    done = 8
    while len(longer):
        rest = eights[starts[longer] + done].astype(np.uint64)
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
    return bytes(
        WORD if code < 128 and (chr(code).isalnum() or code == ord("_")) else PARTS for code in range(256)
    )


@functools.cache
def _classes() -> npt.NDArray[np.uint8]:
    """Return the class of each code point below 0x40000; none above is a letter."""
    classes = np.zeros(0x40000, np.uint8)
    for code in range(0x20000):
        char = chr(code)
        if char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M":
            classes[code] = WORD
    for begin, end in (*_UNSPACED, _HAN_PLANES):
        span = classes[begin : end + 1]
        span[(span == WORD) | (begin >= 0x20000)] = ALONE
    return classes
