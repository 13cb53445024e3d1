"""Leakage: how much of a split can be read in another one."""

from turnsmith.curate.leakage.measuring import measure_leakage
from turnsmith.curate.leakage.report import Leakage, Shares, SplitPair, Twin, leakage_line
from turnsmith.curate.leakage.requests import Asked, Unit

__all__ = ["Asked", "Leakage", "Shares", "SplitPair", "Twin", "Unit", "leakage_line", "measure_leakage"]
