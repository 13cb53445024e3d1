"""Measure `turnsmith export` beside DuckDB's bare load and a plain Python script, in one run.

    python benchmarks/export.py [--conversations 20000] [--runs 3] [--write-docs]

Prints one table: medians of wall time, peak memory of the process tree, and the ratios that matter.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from measuring import Measured, machine, markdown, side_by_side, write_between

from turnsmith.sources.telemetry.synth import DEFAULT_AS_OF, write_events

HERE = Path(__file__).parent
AS_OF = DEFAULT_AS_OF.strftime("%Y-%m-%dT%H:%M:%SZ")
COLUMNS = "{TimeGenerated: 'TIMESTAMP', Name: 'VARCHAR', Properties: 'JSON', Measurements: 'JSON'}"


def duckdb_load(source: str) -> Sequence[str]:
    """Return the baseline: DuckDB loads the events into a table and leaves the bags as JSON."""
    return [
        sys.executable,
        "-c",
        f"import duckdb; duckdb.connect().execute({f'CREATE TABLE t AS FROM {source}'!r})",
    ]


def export(events: Path, out: Path) -> Sequence[str]:
    """Return the export of all that the events hold, under a memory limit of 1 GB."""
    shutil.rmtree(out, ignore_errors=True)
    return [
        sys.executable, "-m", "turnsmith", "export", "--events", str(events), "--out", str(out),
        "--as-of", AS_OF, "--memory-limit", "1GB",
    ]  # fmt: skip


def reference(events: Path, out: Path) -> Sequence[str]:
    """Return the plain Python script on the same events."""
    shutil.rmtree(out, ignore_errors=True)
    return [
        sys.executable, str(HERE / "reference_export.py"), "--events", str(events), "--out", str(out), "--as-of", AS_OF,
    ]  # fmt: skip


def main() -> None:
    """Generate the input, run everything, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--conversations", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnsmith-bench-") as folder:
        table = run(Path(folder), options.conversations, options.runs)
    print(table)
    if options.write_docs:
        write_between(HERE.parent / "docs" / "benchmarks.md", "export", f"\n{table}\n")


def run(folder: Path, conversations: int, runs: int) -> str:
    """Return the table for inputs of `conversations` and twice as many."""
    once, twice, columns = folder / "once.jsonl", folder / "twice.jsonl", folder / "once.parquet"
    events = write_events(once, conversations)
    write_events(twice, 2 * conversations)
    write_events(columns, conversations)
    out = folder / "out"
    commands: dict[str, Callable[[], Sequence[str]]] = {
        "load_json": partial(
            duckdb_load, f"read_json('{once}', columns={COLUMNS}, format='newline_delimited')"
        ),
        "load_parquet": partial(duckdb_load, f"'{columns}'"),
        "export_json": partial(export, once, out),
        "export_parquet": partial(export, columns, out),
        "export_twice": partial(export, twice, out),
        "reference": partial(reference, once, out),
    }
    measured = side_by_side(commands, runs)
    size = once.stat().st_size / 1e6
    title = (
        f"{conversations:,} generated conversations: {events:,} events, {size:,.0f} MB of JSON Lines; "
        f"medians of {runs} runs, on {machine()}."
    )
    return f"{title}\n\n{times(measured)}\n\n{bars(measured)}"


def times(measured: dict[str, Measured]) -> str:
    """Return the table of times and memory."""
    names = {
        "load_json": "DuckDB loads the JSON Lines, bags left as JSON",
        "load_parquet": "DuckDB loads the Parquet file, bags left as JSON",
        "export_json": "turnsmith export from JSON Lines",
        "export_parquet": "turnsmith export from Parquet",
        "export_twice": "turnsmith export from twice the JSON Lines",
        "reference": "plain Python script from JSON Lines",
    }
    rows = [
        [label, f"{measured[k].median:.2f}", f"{measured[k].peak / 1e6:,.0f}"] for k, label in names.items()
    ]
    return markdown(["what", "seconds", "peak MB"], rows)


def bars(measured: dict[str, Measured]) -> str:
    """Return the table of ratios beside their bars."""
    seconds = {name: each.median for name, each in measured.items()}
    growth = measured["export_twice"].peak / measured["export_json"].peak
    rows = [
        [
            "time, JSON Lines / bare load",
            f"{seconds['export_json'] / seconds['load_json']:.2f}",
            "at most 3.5",
        ],
        [
            "time, Parquet / bare load",
            f"{seconds['export_parquet'] / seconds['load_parquet']:.2f}",
            "at most 6",
        ],
        ["time, plain Python / export", f"{seconds['reference'] / seconds['export_json']:.1f}", "at least 4"],
        [
            "peak memory with a limit of 1 GB",
            f"{measured['export_json'].peak / 1e9:.2f} GB",
            "at most 1.5 GB",
        ],
        ["peak memory, twice the input / once", f"{growth:.2f}", "at most 1.10"],
        [
            "time, twice the input / once",
            f"{seconds['export_twice'] / seconds['export_json']:.2f}",
            "about 2",
        ],
    ]
    return markdown(["ratio", "measured", "bar"], rows)


if __name__ == "__main__":
    main()
