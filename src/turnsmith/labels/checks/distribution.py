"""Whether the labels of a run look as they should: the share of reasoning, drift between groups, probes."""

import math
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Any

from turnsmith.labels.checks.describing import BUCKET, LANGUAGE, POSITION, language_of, position_of
from turnsmith.labels.checks.probes import Probe, probes
from turnsmith.labels.records import REASONING, Label

EXPECTED_REASONING = (0.60, 0.70)
"""The share that labels of agent mode are expected to have."""
DRIFT = 0.15
SURE = 4.0  # standard errors
FEWEST = 30


@dataclass(frozen=True, slots=True)
class Checked:
    """Hold the share of reasoning, shares and counts by group, the probes' AUC, and warnings in words."""

    labels: int
    reasoning_share: float
    groups: dict[str, dict[str, dict[str, float]]]
    probes: dict[str, float]
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return all of it for a report."""
        return {
            "labels": self.labels,
            "reasoning_share": self.reasoning_share,
            "groups": self.groups,
            "probes": self.probes,
            "warnings": self.warnings,
        }


class Checks:
    """Take labels one by one, about 30 bytes of memory for each, and say in the end what is suspicious."""

    def __init__(self) -> None:
        self._labels = array("b")
        self._lengths = array("q")
        self._codes = {name: array("l") for name in (BUCKET, POSITION, LANGUAGE)}
        self._names: dict[str, dict[str, int]] = {name: {} for name in self._codes}
        self._counts: dict[str, Counter[tuple[str, int]]] = {name: Counter() for name in self._codes}

    def add(self, label: Label) -> None:
        """Take a label."""
        self._labels.append(label.llm_vote)
        self._lengths.append(len(label.request))
        values = {
            BUCKET: label.bucket,
            POSITION: position_of(label.turn_index),
            LANGUAGE: language_of(label.request),
        }
        for name, value in values.items():
            known = self._names[name]
            self._codes[name].append(known.setdefault(value, len(known)))
            self._counts[name][value, label.llm_vote] += 1

    def finish(self) -> Checked:
        """Return what was found; nothing at all for no labels."""
        total = len(self._labels)
        share = self._labels.count(REASONING) / total if total else 0.0
        found = probes(self._labels, self._lengths, self._codes) if total else {}
        values = {name: probe.auc for name, probe in found.items()}
        groups = {name: _shares(counts) for name, counts in self._counts.items()}
        warnings = [*_distribution(share, total), *_drift(groups, share), *_probed(found, total)]
        return Checked(total, round(share, 4), groups, values, warnings)


def _shares(counts: Counter[tuple[str, int]]) -> dict[str, dict[str, float]]:
    totals: Counter[str] = Counter()
    for (value, _), count in counts.items():
        totals[value] += count
    return {
        value: {"labels": total, "reasoning_share": round(counts[value, REASONING] / total, 4)}
        for value, total in sorted(totals.items())
    }


def _distribution(share: float, total: int) -> list[str]:
    """Return a warning where the share is not what is expected, chance apart."""
    low, high = EXPECTED_REASONING
    chance = 2 * math.sqrt(0.25 / total) if total else 1.0
    if share in (0.0, 1.0) and total >= FEWEST:
        return [f"all {total:,} labels are {0 if share else 1}; look at the judge's answers"]
    if share < low - chance or share > high + chance:
        return [
            f"{share:.1%} are labeled reasoning; {low:.0%} to {high:.0%} are expected of agent mode: read some labels"
        ]
    return []


def _drift(groups: dict[str, dict[str, dict[str, float]]], overall: float) -> list[str]:
    """Return a warning for each group whose share is far from that of all, chance apart."""
    warnings = []
    for name, values in groups.items():
        for value, told in values.items():
            away = told["reasoning_share"] - overall
            error = math.sqrt(max(overall * (1 - overall), 1e-9) / told["labels"])
            if told["labels"] >= FEWEST and abs(away) > max(DRIFT, SURE * error):
                warnings.append(
                    f"{name} {value}: {told['reasoning_share']:.1%} reasoning against {overall:.1%} of all labels"
                )
    return warnings


def _probed(found: dict[str, Probe], total: int) -> list[str]:
    if total < FEWEST:
        return []
    return [
        f"{name} alone predicts the label with AUC {probe.auc:.2f}; balance within {name}"
        for name, probe in found.items()
        if probe.tells
    ]
