"""Cleaning: secrets and personal data out, poor examples dropped by named rules, exact duplicates once."""

from turnsmith.curate.clean.options import CleanOptions
from turnsmith.curate.clean.report import CleanReport
from turnsmith.curate.clean.step import clean

__all__ = ["CleanOptions", "CleanReport", "clean"]
