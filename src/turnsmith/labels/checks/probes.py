"""Probes: how well something beside the text predicts the label, as the area under the ROC curve."""

from collections.abc import Mapping
from typing import Any

import numpy as np

WORST_AUC = 0.6
"""What a probe may reach at most in a balanced training file."""
LENGTH_BINS = 10


def auc(values: Any, labels: Any) -> float:
    """Return P(a random 1 has a larger value than a random 0), ties half; 0.5 where there is but one label."""
    values, labels = np.asarray(values, float), np.asarray(labels)
    ones = int((labels == 1).sum())
    zeros = len(labels) - ones
    if not ones or not zeros:
        return 0.5
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def group_auc(groups: Any, labels: Any) -> float:
    """Return how well groups predict labels: each row by the rate of 1 among its group's other half.

    `groups` are whole numbers. Rates come from the other half of the rows, even or odd ones, so groups of a few
    rows do not predict themselves; a group without rows there gets the overall rate.
    """
    groups, labels = np.asarray(groups), np.asarray(labels)
    scores = np.zeros(len(labels))
    odd = np.arange(len(labels)) % 2 == 1
    size = int(groups.max(initial=0)) + 1
    for half in (odd, ~odd):
        seen = labels[~half]
        overall = seen.mean() if len(seen) else 0.5
        counts = np.bincount(groups[~half], minlength=size)
        sums = np.bincount(groups[~half], weights=seen, minlength=size)
        # One row of the overall rate for each group, so that small groups say little.
        scores[half] = ((sums + overall) / (counts + 1))[groups[half]]
    return (auc(scores[odd], labels[odd]) + auc(scores[~odd], labels[~odd])) / 2


def length_bins(lengths: Any, bins: int = LENGTH_BINS) -> Any:
    """Return the number of each length's quantile bin, from 0; equal lengths share one."""
    lengths = np.asarray(lengths)
    if not len(lengths):
        return np.zeros(0, np.int64)
    edges = np.unique(np.quantile(lengths, np.arange(1, bins) / bins, method="higher"))
    return np.searchsorted(edges, lengths, side="right")


def probes(labels: Any, lengths: Any, properties: Mapping[str, Any]) -> dict[str, float]:
    """Return the AUC of length and of each property (whole numbers for groups), 0.5 for no use at all.

    Length counts in either direction, and by its deciles, so that middle lengths can't hide a label.
    """
    by_length = auc(lengths, labels)
    found = {"length": max(by_length, 1 - by_length, group_auc(length_bins(lengths), labels))}
    found |= {name: group_auc(codes, labels) for name, codes in properties.items()}
    return {name: round(value, 4) for name, value in found.items()}
