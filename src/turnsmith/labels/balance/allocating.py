"""How many rows of each label a stratum gives, so that the ratio holds in all of them."""

import math
from typing import Any

import numpy as np


def capacity(available: Any, reasoning: float) -> Any:
    """Return how many rows each stratum can give at the ratio; `available` counts labels, shape (strata, 2)."""
    available = np.asarray(available, float)
    return np.minimum(available[:, 0] / reasoning, available[:, 1] / (1 - reasoning))


def largest_total(available: Any, reasoning: float) -> int:
    """Return the most rows that all strata together can give at the ratio."""
    return math.floor(float(capacity(available, reasoning).sum()) + 1e-6)


def allocate(available: Any, sizes: Any, total: int, reasoning: float) -> Any:
    """Return rows to take by stratum and label, whole numbers that add up to `total` at the ratio exactly.

    A stratum gives in proportion to `sizes`, its rows before balancing, and never more than it has; what a poor
    one can't give, the others do. In each the ratio holds up to one row of each label. `total` must not be above
    `largest_total`.
    """
    available = np.asarray(available, np.int64)
    shares = _fill(capacity(available, reasoning), np.asarray(sizes, float), total)
    zeros = math.floor(total * reasoning + 0.5)
    columns = [
        _whole(shares * reasoning, available[:, 0], zeros),
        _whole(shares * (1 - reasoning), available[:, 1], total - zeros),
    ]
    return np.stack(columns, axis=1)


def _fill(capacities: Any, sizes: Any, total: int) -> Any:
    """Return min(capacity, level * size) for each stratum, with the level at which they add up to `total`."""
    result = np.zeros(len(sizes))
    able = np.flatnonzero((capacities > 0) & (sizes > 0))
    left = float(total)
    weight = float(sizes[able].sum())
    # The poorest first: each gives all it has while that is less than its part of what is left.
    for place in able[np.argsort(capacities[able] / sizes[able], kind="stable")]:
        part = left * sizes[place] / weight
        result[place] = min(capacities[place], part)
        left -= result[place]
        weight -= float(sizes[place])
    return result


def _whole(shares: Any, limits: Any, total: int) -> Any:
    """Return whole numbers near `shares` that add up to `total`, none above its limit.

    Rounding the running sum spreads the fractions evenly, so that small strata favor neither label.
    """
    steps = np.floor(np.cumsum(shares) + 0.5).astype(np.int64)
    counts = np.minimum(np.diff(steps, prepend=0), limits)
    missing = total - int(counts.sum())
    order = np.argsort(counts - shares, kind="stable")
    while missing:
        step = 1 if missing > 0 else -1
        room = [
            place for place in order if (counts[place] < limits[place] if step > 0 else counts[place] > 0)
        ]
        assert room, "the total is above what the strata can give"
        for place in room[: abs(missing)]:
            counts[place] += step
        missing = total - int(counts.sum())
    return counts
