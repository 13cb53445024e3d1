"""Decontamination: examples that share a long passage with a benchmark go, or are marked."""

from turnsmith.curate.decontaminate.options import DecontaminateOptions
from turnsmith.curate.decontaminate.report import DecontaminateReport
from turnsmith.curate.decontaminate.step import decontaminate

__all__ = ["DecontaminateOptions", "DecontaminateReport", "decontaminate"]
