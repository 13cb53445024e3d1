"""How long examples are in tokens, and clipping those that are too long."""

from turnsmith.curate.lengths.counting import ExampleCounter, counter, example_counter
from turnsmith.curate.lengths.measuring import Clip, Measured, measure

__all__ = ["Clip", "ExampleCounter", "Measured", "counter", "example_counter", "measure"]
