"""`turnsmith kusto`: a Kusto server on loopback, to rehearse an extraction."""

import contextlib
import re
import signal
from typing import Annotated

import typer

from turnsmith.cli.app import ManyValues
from turnsmith.core.errors import UsageError
from turnsmith.sources.telemetry.kql.server import MAX_ROWS, serve

kusto_app = typer.Typer(help="Rehearse with a Kusto server on this machine.", no_args_is_help=True)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?)B?", re.IGNORECASE)


@kusto_app.callback()
def _group() -> None:
    """Rehearse with a Kusto server on this machine."""


@kusto_app.command("serve", cls=ManyValues)
def serve_command(
    events: Annotated[list[str], typer.Option(help="Files, folders or globs of events.", metavar="PATH...")],
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)] = 0,
    max_rows: Annotated[
        int, typer.Option(help="Most rows of a result; more make it partial.", min=0)
    ] = MAX_ROWS,
    max_bytes: Annotated[
        str, typer.Option(help="Most bytes of a result; more make it partial.", metavar="SIZE")
    ] = "64MB",
) -> None:
    """Answer Kusto queries about event files, as database NetDefaultDB; Ctrl-C stops it.

    The address comes first, on a line of its own; then a line on stderr for each request. Only this machine can
    reach it, and nothing is asked for a password.

    Example: turnsmith kusto serve --events events/ --port 8080
    """
    size = _parsed_size(max_bytes)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        serve(events, port, max_rows, size, ready=typer.echo, log=lambda line: typer.echo(line, err=True))


def _parsed_size(text: str) -> int:
    """Return the bytes of a size; a megabyte is 1,048,576 of them, as Kusto counts."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--max-bytes: {text!r} is no size such as 64MB")
    return int(float(match[1]) * 1_024 ** " KMG".index(match[2].upper() or " "))
