"""From probabilities of a router trained at one share of labels to those at another (Saerens et al. 2002)."""

from typing import Any

import numpy as np

FORMULA = "p' = p*pi/tau / (p*pi/tau + (1-p)*(1-pi)/(1-tau))"
WORKED = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def correct(probability: Any, true_rate: float, training_rate: float) -> Any:
    """Return P(1) at the true rate of label 1, from P(1) of a model trained at another rate.

    It holds where training rows are a fair draw within each label. Takes a number or an array; rates lie between
    0 and 1, both excluded.
    """
    ones = np.asarray(probability, float) * true_rate / training_rate
    zeros = (1 - np.asarray(probability, float)) * (1 - true_rate) / (1 - training_rate)
    return ones / (ones + zeros)


def explained(true_rate: float, training_rate: float) -> dict[str, Any]:
    """Return the correction for a manifest: both rates, the formula, and what it makes of some probabilities."""
    return {
        "of": "P(1), the probability that a non-reasoning model is sufficient",
        "pi": round(true_rate, 6),
        "tau": round(training_rate, 6),
        "formula": FORMULA,
        "threshold_for_even_odds": round(float(correct(0.5, training_rate, true_rate)), 6),
        "worked": [
            {"p": value, "corrected": round(float(correct(value, true_rate, training_rate)), 6)}
            for value in WORKED
        ],
    }
