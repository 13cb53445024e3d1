"""Growth: a conversation that was saved again with more turns is one conversation; the longest stays."""

from turnsmith.curate.growth.step import GrowthReport, keep_longest

__all__ = ["GrowthReport", "keep_longest"]
