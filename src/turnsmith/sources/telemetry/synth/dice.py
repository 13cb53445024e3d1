"""Chance that is the same everywhere: only `random()` and `getrandbits()` of the Mersenne Twister are used.

Their sequences are promised across Python versions, unlike those of `choice`, `shuffle` or `gauss`, and no
logarithm or exponential is taken, as these differ in the last bit between C libraries.
"""

from bisect import bisect_right
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

VERSION_AND_VARIANT = 0x4000 << 64 | 0x8000 << 48
UUID_RANDOM_BITS = ~(0xF000 << 64 | 0xC000 << 48)


class Quantiles:
    """Describe a distribution by points (cumulative share, value), straight lines between them."""

    __slots__ = ("shares", "values")

    def __init__(self, *points: tuple[float, int]) -> None:
        self.shares = tuple(share for share, _ in points)
        self.values = tuple(value for _, value in points)

    def at(self, share: float) -> int:
        """Return the value below which `share` (0 <= share < 1) of all draws lie, rounded down."""
        right = bisect_right(self.shares, share)
        low, high = self.shares[right - 1], self.shares[right]
        bottom, top = self.values[right - 1], self.values[right]
        return bottom + int((top - bottom) * ((share - low) / (high - low)))


class Dice:
    """Draw values for one purpose, fully determined by the parts of its key."""

    __slots__ = ("bits", "random")

    def __init__(self, *key: int | str) -> None:
        name = ":".join(str(part) for part in key)
        rng = Random(int.from_bytes(sha256(name.encode()).digest(), "big"))  # noqa: S311 - data, not secrets
        self.random = rng.random
        self.bits = rng.getrandbits

    def below(self, limit: int) -> int:
        """Return an integer from 0 to `limit` - 1."""
        return int(self.random() * limit)

    def between(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def happens(self, rate: float) -> bool:
        """Return true with probability `rate`."""
        return self.random() < rate

    def pick(self, items: "Sequence[T]") -> T:
        """Return one of `items`, each as likely as the others."""
        return items[int(self.random() * len(items))]

    def window(self, items: "tuple[T, ...]", size: int) -> "tuple[T, ...]":
        """Return `size` neighbors from `items` (all of them where there are no more)."""
        start = int(self.random() * max(1, len(items) - size + 1))
        return items[start : start + size]

    def draw(self, quantiles: Quantiles) -> int:
        """Return a value of the distribution."""
        return quantiles.at(self.random())

    def uuid(self) -> str:
        """Return a version 4 UUID as text."""
        return str(UUID(int=self.bits(128) & UUID_RANDOM_BITS | VERSION_AND_VARIANT))
