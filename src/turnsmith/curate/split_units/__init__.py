"""Split units: conversations that must not be torn apart by a split, found, moved together and reported."""

from turnsmith.curate.split_units.connecting import SplitBy, find_units
from turnsmith.curate.split_units.moving import move_candidates
from turnsmith.curate.split_units.report import describe_units

__all__ = ["SplitBy", "describe_units", "find_units", "move_candidates"]
