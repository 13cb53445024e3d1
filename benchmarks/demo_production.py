"""Rehearse the production run on this machine: `make demo-production`.

Both ends are real servers on loopback: our Kusto server over generated telemetry, and Azurite for Blob
Storage. The commands are those of docs/production.md; each is printed, then run, then timed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import markdown
from servers import azurite, connection_string, kusto, make_container

AS_OF = "2026-01-16T00:00:00Z"


def main() -> None:
    """Run all commands and print their times."""
    parser = argparse.ArgumentParser(description="Rehearse the production run on loopback.")
    parser.add_argument("--conversations", type=int, default=2_000)
    parser.add_argument("--chunks", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnsmith-demo-") as folder:
        rehearsal = Rehearsal(Path(folder))
        rehearsal.run(options.conversations, options.chunks)
    print(f"\n{markdown(['step', 'seconds'], rehearsal.times)}")


class Rehearsal:
    """Keep the folder and the times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.times: list[list[str]] = []

    def run(self, conversations: int, chunks: int) -> None:
        """Do it all; every command must succeed."""
        events = self.folder / "events.jsonl"
        self.do("generate telemetry", "synth", "--conversations", conversations, "--out", events)
        started = time.perf_counter()
        with kusto(events, self.folder) as cluster, azurite(self.folder) as (_, endpoint):
            self.note("start both servers", started)
            container = make_container(endpoint, "datasets")
            os.environ["AZURE_STORAGE_CONNECTION_STRING"] = connection_string(endpoint)
            source = [
                "--source",
                "kusto",
                "--cluster",
                cluster,
                "--database",
                "NetDefaultDB",
                "--mode",
                "test",
            ]
            source += ["--as-of", AS_OF]
            self.do("plan the window", "export", *source, "--plan")
            self.do("pull and curate", "export", *source, "--chunks", chunks, "--out", self.folder / "sets")
            (dataset,) = (self.folder / "sets").glob("*/metadata.json")
            self.do("verify", "verify", dataset.parent)
            self.do("publish", "publish", dataset.parent, f"{container}/rehearsal")
            self.do("verify the remote", "verify", f"{container}/rehearsal/{dataset.parent.name}")

    def do(self, step: str, *arguments: object) -> None:
        """Print a command, run it, note its time."""
        command = [str(argument) for argument in arguments]
        print(f"\n$ turnsmith {' '.join(command)}", flush=True)
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "turnsmith", *command], check=True)
        self.note(step, started)

    def note(self, step: str, started: float) -> None:
        """Keep the time of a step."""
        self.times.append([step, f"{time.perf_counter() - started:.1f}"])


if __name__ == "__main__":
    main()
