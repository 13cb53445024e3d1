"""From event files to candidate files, in three phases that each resume where they were stopped.

1. *reading*: each shard's rows into flat tables, partitioned by message;
2. *turns*: each partition's rows into turns and LLM calls, marked with their conversation's chunk;
3. *conversations*: each chunk's turns into candidates.

Memory follows the size of a block, a partition and a chunk, never the input's.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.engines.duckdb import file_list, one, write_parquet
from turnsmith.sources.telemetry import accounting
from turnsmith.sources.telemetry.assembly import Assembly, Rules
from turnsmith.sources.telemetry.blocks import read_blocks
from turnsmith.sources.telemetry.bulk_sql import OUTPUTS
from turnsmith.sources.telemetry.chunks import ChunkCounts, assemble_chunk
from turnsmith.sources.telemetry.events import Window
from turnsmith.sources.telemetry.inputs import Shard
from turnsmith.sources.telemetry.reading import read_block

# As JSON instead of text, the tools need no second decoding in the record.
_TURN_COLUMNS = """
    * EXCLUDE (chunk) REPLACE (TRY_CAST(tool_counts AS JSON) AS tool_counts,
                               TRY_CAST(available_tools AS JSON) AS available_tools)"""
_REPEATED = (
    "SELECT count(*) - count(DISTINCT digest) FROM repeats",
    "SELECT (SELECT count(*) FROM llm_rows) - (SELECT count(*) FROM (SELECT DISTINCT * FROM llm_rows))",
    "SELECT (SELECT count(*) FROM turn_facts) - (SELECT count(*) FROM (SELECT DISTINCT * FROM turn_facts))",
)
_DOUBTFUL = """
    SELECT (SELECT count(*) FROM (SELECT DISTINCT * FROM llm_rows))
         - (SELECT count(*) FROM (SELECT DISTINCT * EXCLUDE (rest) FROM llm_rows))"""


@dataclass(slots=True)
class Candidates:
    """Hold the candidate files and the account of all conversations."""

    files: list[Path]
    counts: ChunkCounts


@dataclass(slots=True)
class Extractor:
    """Run the phases of one job; `parts` is the number of message partitions and of chunks.

    `canonical` says how repeated LLM rows are told from twins: see `read_turns`.
    """

    run: Run
    connection: duckdb.DuckDBPyConnection
    phases: Phases
    window: Window
    parts: int
    threads: int
    rules: Rules
    assembly: Future[Assembly]
    max_bad_rows: int | None = None
    canonical: bool = False

    def read_turns(self, shards: Sequence[Shard]) -> tuple[dict[str, Any], int]:
        """Read all shards into turns; return the funnel's part about events and the count of repeated rows.

        Rows that repeat another collapse (contract §2.11). They are told by the row's text first, which is
        cheap. Where that leaves a doubt (LLM rows alike in all that is read but not in their text: the same
        events in two formats, or twins that differ in an unread field), all is read once more with a digest
        of the unread fields instead.
        """
        funnel = self.read(shards)
        repeated, doubtful = self.assemble_turns()
        if doubtful and not self.canonical:
            self.canonical = True
            return self.read_turns(shards)
        return funnel, repeated

    def read(self, shards: Sequence[Shard]) -> dict[str, Any]:
        """Read all shards into flat tables; return the funnel's part about events.

        Raises InputError for a file that can't be read and DataError beyond `max_bad_rows`.
        """
        by_key = {f"{shard.number:06}": shard for shard in shards}
        folder = self._folder("events")
        bad_rows = 0

        def read_shard(key: str) -> dict[str, Any]:
            blocks = []
            with self.connection.cursor() as cursor:
                for number, block in enumerate(read_blocks(by_key[key])):
                    stem = folder / f"{key}-{number:04}"
                    counts = read_block(
                        cursor, block, self.window, self.parts, stem, canonical=self.canonical
                    )
                    bad = [[block.place(row), reason] for row, reason in counts.bad]
                    blocks.append({**_plain(counts), "bad": bad})
            return accounting.shard_result(blocks)

        with self.phases.phase("Reading events", sum(s.weight for s in shards), "rows") as advance:

            def on_done(key: str, result: dict[str, Any], earlier: bool) -> None:
                nonlocal bad_rows
                advance(by_key[key].weight, 0 if earlier else result["rows"])
                bad_rows += result["malformed"]
                if self.max_bad_rows is not None and bad_rows > self.max_bad_rows:
                    raise accounting.too_many_bad_rows(by_key[key], result, bad_rows, self.max_bad_rows)

            results = self._each("events", list(by_key), read_shard, on_done)
        return accounting.events_funnel(shards, list(results.values()))

    def assemble_turns(self) -> tuple[int, int]:
        """Turn the rows of every message partition into turns and calls; count repeated and doubtful rows."""
        assembly = self.assembly.result()
        queries = {"calls": assembly.calls, "turns": assembly.turns}
        sources = {name: sorted(self._folder("events").glob(f"*.{name}.parquet")) for name in OUTPUTS}
        folder = self._folder("turns")
        chunk = f"portable_hash(conversation_id) % {self.parts} AS chunk"

        def assemble_part(key: str) -> dict[str, Any]:
            with self.connection.cursor() as cursor:
                for name, files in sources.items():
                    _bind(cursor, name, files, f"part = {int(key)}", "* EXCLUDE (part)")
                for name, query in queries.items():
                    path = folder / f"{key}.{name}.parquet"
                    write_parquet(cursor, f"SELECT *, {chunk} FROM ({query}) ORDER BY chunk", path)
                return {
                    "repeated": sum(int(one(cursor, query)[0]) for query in _REPEATED),
                    "doubtful": int(one(cursor, _DOUBTFUL)[0]),
                    "turns": one(cursor, f"SELECT count(*) FROM '{path}'")[0],
                }

        results = self._phase("Assembling turns", "turns", assemble_part)
        return sum(result["repeated"] for result in results), sum(result["doubtful"] for result in results)

    def assemble_conversations(self) -> Candidates:
        """Turn every chunk's turns into candidates; return where they lie and what became of the rest."""
        assembly = self.assembly.result()
        columns = {"turns": _TURN_COLUMNS, "calls": "* EXCLUDE (chunk)"}
        sources = {name: sorted(self._folder("turns").glob(f"*.{name}.parquet")) for name in columns}
        folder = self._folder("conversations")

        def assemble_one(key: str) -> dict[str, Any]:
            with self.connection.cursor() as cursor:
                for name, files in sources.items():
                    _bind(cursor, name, files, f"chunk = {int(key)}", columns[name])
                return _plain(assemble_chunk(cursor, assembly, self.rules, folder / f"{key}.parquet"))

        results = self._phase("Assembling conversations", "conversations", assemble_one)
        return Candidates([folder / f"{key}.parquet" for key in self._keys()], accounting.sum_chunks(results))

    def _phase(self, title: str, name: str, work: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
        """Work on every partition; the phase's name is also that of the count that it reports."""
        with self.phases.phase(title, self.parts, name) as advance:

            def on_done(_: str, result: dict[str, Any], earlier: bool) -> None:
                advance(1, 0 if earlier else result[name])

            return list(self._each(name, self._keys(), work, on_done).values())

    def _each(
        self,
        phase: str,
        keys: list[str],
        work: Callable[[str], dict[str, Any]],
        on_done: Callable[[str, dict[str, Any], bool], None],
    ) -> dict[str, dict[str, Any]]:
        interrupt = self.connection.interrupt
        return self.run.each(self._named(phase), keys, work, self.threads, on_done, interrupt)

    def _folder(self, name: str) -> Path:
        folder = self.run.path / self._named(name)
        folder.mkdir(exist_ok=True)
        return folder

    def _named(self, phase: str) -> str:
        return f"{phase}-canonical" if self.canonical else phase

    def _keys(self) -> list[str]:
        return [f"{number:06}" for number in range(self.parts)]


def _bind(
    cursor: duckdb.DuckDBPyConnection, name: str, files: list[Path], condition: str, columns: str
) -> None:
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "
        f"SELECT {columns} FROM read_parquet({file_list(files)}) WHERE {condition}"
    )


def _plain(counts: object) -> dict[str, Any]:
    """Return counts as JSON has them, to be kept in the run's folder."""
    plain: dict[str, Any] = msgspec.to_builtins(counts)
    return plain
