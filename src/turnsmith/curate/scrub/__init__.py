"""Scrubbing: secrets and personal data out of examples, typed placeholders in their places."""

from turnsmith.curate.scrub.names import Names
from turnsmith.curate.scrub.scrubber import Scrubber

__all__ = ["Names", "Scrubber"]
