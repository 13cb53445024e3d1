"""A loopback Kusto server over event files, to rehearse with the official client what runs on a cluster."""

from turnsmith.sources.telemetry.kql.server.options import MAX_BYTES, MAX_ROWS
from turnsmith.sources.telemetry.kql.server.service import running_server, serve

__all__ = ["MAX_BYTES", "MAX_ROWS", "running_server", "serve"]
