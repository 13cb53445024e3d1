"""Near duplicates: texts whose sets of word n-grams overlap at or above a threshold, found without a miss."""

from turnsmith.curate.near_duplicates.finding import find_pairs
from turnsmith.curate.near_duplicates.options import Near
from turnsmith.curate.near_duplicates.pairs import Kept, Pairs, clusters, keep_first
from turnsmith.curate.near_duplicates.shingling import shingles

__all__ = ["Kept", "Near", "Pairs", "clusters", "find_pairs", "keep_first", "shingles"]
