"""Prove a finished data set again from its files alone.

Nothing of this package is shared with what wrote the data set: it imports the standard library, pyarrow, numpy and
`turnsmith.core.errors`, and has its own hash, its own arithmetic and its own reading.
"""

from turnsmith.verify.dataset import verify_dataset
from turnsmith.verify.report import Check, Report

__all__ = ["Check", "Report", "verify_dataset"]
