"""Probes: how well something beside the text predicts the label, as the area under the ROC curve."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

WORST_AUC = 0.6
"""What a probe may reach at most in a balanced training file."""
CONFIDENCE = 0.99
LENGTH_BINS = 10
LENGTH_VIEWS = 2


@dataclass(frozen=True, slots=True)
class Probe:
    """Hold an AUC and the interval in which it lies; at 99 %, all intervals of a file hold together."""

    auc: float
    low: float
    high: float

    @property
    def tells(self) -> bool:
        """Say whether the label can be told: the AUC is above 0.6, and chance does not explain it."""
        return self.auc > WORST_AUC and self.low > 0.5


def auc(values: Any, labels: Any) -> float:
    """Return P(a random 1 has a larger value than a random 0), ties half; 0.5 where there is but one label."""
    values, labels = np.asarray(values, float), np.asarray(labels)
    ones = int((labels == 1).sum())
    zeros = len(labels) - ones
    if not ones or not zeros:
        return 0.5
    return float((_ranks(values)[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _ranks(values: Any) -> Any:
    """Return the rank of each value from 1, the mean one for equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def group_auc(groups: Any, labels: Any) -> float:
    """Return how well groups predict labels: each row by the rate of 1 among its group's other half.

    `groups` are whole numbers. Rates come from the other half of the rows, even or odd ones, so groups of a few
    rows do not predict themselves; a group without rows there gets the overall rate.
    """
    scores, odd = _group_scores(groups, labels)
    labels = np.asarray(labels)
    return (auc(scores[odd], labels[odd]) + auc(scores[~odd], labels[~odd])) / 2


def _group_scores(groups: Any, labels: Any) -> tuple[Any, Any]:
    """Return for each row the rate of 1 in its group's other half, and which rows are the odd ones."""
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
    return scores, odd


def auc_error(values: Any, labels: Any) -> float:
    """Return the standard error of `auc`: that of DeLong et al. (1988), or the one by chance where that is larger.

    The one by chance is Mann and Whitney's for an AUC of 0.5, ties counted. It holds up small sets, in which a
    perfect order leaves DeLong's at 0. 0.5 where there are fewer than two of a label.
    """
    values, labels = np.asarray(values, float), np.asarray(labels)
    by_label = [values[labels == 0], values[labels == 1]]
    zeros, ones = map(len, by_label)
    if min(zeros, ones) < 2:
        return 0.5
    wins = [
        (_ranks(values)[labels == n] - _ranks(own)) / len(by_label[1 - n]) for n, own in enumerate(by_label)
    ]
    spread = sum(float(each.var(ddof=1)) / len(each) for each in wins)
    total = zeros + ones
    ties = np.unique(values, return_counts=True)[1].astype(float)
    untied = total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))
    return float(np.sqrt(max(spread, untied / (12 * zeros * ones))))


def group_auc_error(groups: Any, labels: Any) -> float:
    """Return the standard error of `group_auc`, its halves taken as independent."""
    scores, odd = _group_scores(groups, labels)
    labels = np.asarray(labels)
    return math.hypot(*(auc_error(scores[half], labels[half]) for half in (odd, ~odd))) / 2


def length_bins(lengths: Any, bins: int = LENGTH_BINS) -> Any:
    """Return the number of each length's quantile bin, from 0; equal lengths share one."""
    lengths = np.asarray(lengths)
    if not len(lengths):
        return np.zeros(0, np.int64)
    edges = np.unique(np.quantile(lengths, np.arange(1, bins) / bins, method="higher"))
    return np.searchsorted(edges, lengths, side="right")


def probes(
    labels: Any, lengths: Any, properties: Mapping[str, Any], repeats: float = 1.0
) -> dict[str, Probe]:
    """Return how well length and each property (whole numbers for groups) tell the label, 0.5 for no use at all.

    Length counts in either direction, and by its deciles, so that middle lengths can't hide a label. Intervals are
    at 99 % for all probes together (Bonferroni), so that many probes do not make a finding by chance. `repeats`
    is how many rows say what one would, because rows are repeated: it widens them.
    """
    level = 1 - (1 - CONFIDENCE) / 2 / (LENGTH_VIEWS + len(properties))
    width = NormalDist().inv_cdf(level) * repeats**0.5
    by_length = auc(lengths, labels)
    views = [
        _probe(max(by_length, 1 - by_length), width * auc_error(lengths, labels)),
        _grouped(length_bins(lengths), labels, width),
    ]
    found = {"length": max(views, key=lambda each: (each.tells, each.auc))}
    return found | {name: _grouped(codes, labels, width) for name, codes in properties.items()}


def _grouped(groups: Any, labels: Any, width: float) -> Probe:
    return _probe(group_auc(groups, labels), width * group_auc_error(groups, labels))


def _probe(value: float, half: float) -> Probe:
    return Probe(round(value, 4), round(max(value - half, 0.0), 4), round(min(value + half, 1.0), 4))
