"""Measures of agreement and calibration, from their published definitions.

Cohen 1960 (kappa), Krippendorff 2011 (alpha, nominal), Rogan and Gladen 1978 (corrected prevalence), Brier 1950,
Guo et al. 2017 (expected calibration error with equal bins).
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


def raw_agreement(table: Any) -> Any:
    """Return the share on the diagonal of tables of counts, shape (..., K, K)."""
    table = np.asarray(table, float)
    return np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1))


def cohen_kappa(table: Any) -> Any:
    """Return Cohen's kappa of tables of counts, shape (..., K, K); nan where chance alone agrees fully."""
    table = np.asarray(table, float)
    total = table.sum(axis=(-2, -1))
    by_chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / total**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(by_chance < 1, (raw_agreement(table) - by_chance) / (1 - by_chance), np.nan)


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Return Krippendorff's alpha for nominal data; each unit is the values that it was given, however many.

    Units with fewer than two values are left out, as the definition says. None where nothing can be compared or
    all values are equal, so that no disagreement is expected.
    """
    observed = 0.0
    totals: Counter[Hashable] = Counter()
    for values in units:
        count = len(values)
        if count < 2:
            continue
        given = Counter(values)
        totals.update(given)
        observed += sum(each * (count - each) for each in given.values()) / (count - 1)
    pairable = totals.total()
    expected = sum(each * (pairable - each) for each in totals.values())
    return 1 - (pairable - 1) * observed / expected if expected else None


def rogan_gladen(apparent: Any, sensitivity: Any, specificity: Any) -> Any:
    """Return the true prevalence behind an apparent one, within 0 and 1; nan for a test no better than chance."""
    power = np.asarray(sensitivity, float) + specificity - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(power > 0, np.clip((np.asarray(apparent) + specificity - 1) / power, 0, 1), np.nan)


@dataclass(frozen=True, slots=True)
class Bin:
    """Hold a bin of predictions: its borders, how many, their mean, and the share that came true."""

    low: float
    high: float
    count: int
    predicted: float
    true: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Hold the expected calibration error, the Brier score and the bins that are not empty."""

    ece: float
    brier: float
    bins: list[Bin]


def calibration(predicted: Any, true: Any, weights: Any | None = None, bins: int = 10) -> Calibration:
    """Return how well probabilities fit what came true (0 or 1), in bins of equal width; arrays of one length."""
    predicted, true = np.asarray(predicted, float), np.asarray(true, float)
    weights = np.ones_like(predicted) if weights is None else np.asarray(weights, float)
    weights = weights / weights.sum()
    number = np.minimum((predicted * bins).astype(int), bins - 1)
    found: list[Bin] = []
    error = 0.0
    for each in range(bins):
        inside = number == each
        share = float(weights[inside].sum())
        if not share:
            continue
        mean = float((weights * predicted)[inside].sum() / share)
        rate = float((weights * true)[inside].sum() / share)
        error += share * abs(mean - rate)
        found.append(Bin(each / bins, (each + 1) / bins, int(inside.sum()), mean, rate))
    brier = float((weights * (predicted - true) ** 2).sum())
    return Calibration(error, brier, found)
