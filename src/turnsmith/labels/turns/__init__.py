"""Turns to judge, out of a curated set: one for each conversation, or every turn with its history."""

from turnsmith.labels.turns.making import Unit
from turnsmith.labels.turns.step import TurnsReport, read_turns, write_turns

__all__ = ["TurnsReport", "Unit", "read_turns", "write_turns"]
