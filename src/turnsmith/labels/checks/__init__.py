"""Checks of finished labels: a likely distribution, no drift, and nothing beside the text that gives the label away."""

from turnsmith.labels.checks.describing import LANGUAGE, PROPERTIES, language_of, position_of
from turnsmith.labels.checks.distribution import Checked, Checks
from turnsmith.labels.checks.probes import WORST_AUC, Probe, auc, group_auc, probes

__all__ = [
    "LANGUAGE", "PROPERTIES", "WORST_AUC", "Checked", "Checks", "Probe", "auc", "group_auc", "language_of",
    "position_of", "probes",
]  # fmt: skip
