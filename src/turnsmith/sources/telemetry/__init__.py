"""Chat telemetry: events in, whole conversations out."""
