"""Synthetic telemetry: `AppEvents` rows with the skew and the faults of real exports, from a seed alone."""

from turnsmith.sources.telemetry.synth.rates import Rates
from turnsmith.sources.telemetry.synth.stream import DEFAULT_AS_OF, generate
from turnsmith.sources.telemetry.synth.writer import write_events

__all__ = ["DEFAULT_AS_OF", "Rates", "generate", "write_events"]
