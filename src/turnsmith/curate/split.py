"""Splits by the portable hash of the conversation id (contract §3)."""

from collections.abc import Mapping
from itertools import accumulate

from turnsmith.core.hashing import portable_hash

DEFAULT_SPLITS = {"train": 83, "val": 9, "test": 8}


def bounds(shares: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return each split's range of `h(id) % 100`, lower end included: `{"train": (0, 83), …}`."""
    ends = list(accumulate(shares.values()))
    return {name: (end - share, end) for (name, share), end in zip(shares.items(), ends, strict=True)}


def split_of(conversation_id: str, shares: Mapping[str, int]) -> str:
    """Return the split of a conversation; `shares` are per cent that add up to 100."""
    place = portable_hash(conversation_id) % 100
    return next(name for name, (low, high) in bounds(shares).items() if low <= place < high)


def order_in_sample(conversation_id: str, seed: int) -> tuple[int, str]:
    """Return the key by which a (split, bucket) group is sampled and written: the smallest come first."""
    return portable_hash(f"{seed}:{conversation_id}"), conversation_id
