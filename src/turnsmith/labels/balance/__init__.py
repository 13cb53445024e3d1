"""Balanced training files: exact label shares, matched inside strata, and the way back to true probabilities."""

from turnsmith.labels.balance.correction import correct
from turnsmith.labels.balance.options import BalanceOptions, Format, Input
from turnsmith.labels.balance.step import BalanceReport, balance

__all__ = ["BalanceOptions", "BalanceReport", "Format", "Input", "balance", "correct"]
