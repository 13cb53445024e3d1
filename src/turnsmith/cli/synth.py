"""`turnsmith synth`: generate telemetry to try things on."""

from pathlib import Path
from typing import Annotated

import typer

from turnsmith.core.progress import Phases
from turnsmith.sources.telemetry.synth import DEFAULT_AS_OF, write_events

AS_OF = DEFAULT_AS_OF.strftime("%Y-%m-%dT%H:%M:%SZ")


def synth_command(
    conversations: Annotated[int, typer.Option(min=1, help="How many conversations.")],
    out: Annotated[
        Path, typer.Option(help="File to write: .jsonl, .jsonl.gz, .jsonl.zst, .parquet or .csv.")
    ],
    seed: Annotated[int, typer.Option(help="Another seed, other conversations.")] = 0,
) -> None:
    """Generate chat telemetry with the faults of the real thing.

    Example: turnsmith synth --conversations 1000 --out events.jsonl
    """
    with Phases() as phases, phases.phase("Generating", conversations, "conversations") as advance:
        events = write_events(out, conversations, seed, on_progress=lambda n: advance(n, n))
    typer.echo(f"{events:,} events of {conversations:,} conversations; export them with --as-of {AS_OF}")
    typer.echo(out)
