"""Merging: several files of examples into one training and one evaluation file that share no group."""

from turnsmith.curate.merge.options import MergeOptions
from turnsmith.curate.merge.report import MergeReport
from turnsmith.curate.merge.step import merge

__all__ = ["MergeOptions", "MergeReport", "merge"]
