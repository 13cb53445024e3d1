"""Near duplicates: texts whose sets of word n-grams overlap at or above a threshold, found without a miss."""

from turnsmith.curate.near_duplicates.fields import FIELDS, Field
from turnsmith.curate.near_duplicates.finding import find_pairs
from turnsmith.curate.near_duplicates.options import Near
from turnsmith.curate.near_duplicates.pairs import Kept, Pairs, clusters, keep_first
from turnsmith.curate.near_duplicates.report import NearReport
from turnsmith.curate.near_duplicates.shingling import shingles
from turnsmith.curate.near_duplicates.step import Outputs, drop_near_duplicates, near_duplicates

__all__ = [
    "FIELDS", "Field", "Kept", "Near", "NearReport", "Outputs", "Pairs", "clusters", "drop_near_duplicates",
    "find_pairs", "keep_first", "near_duplicates", "shingles",
]  # fmt: skip
