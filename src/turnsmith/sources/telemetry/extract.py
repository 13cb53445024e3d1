"""From event files to candidate files, in three phases that each resume where they were stopped.

1. *reading*: each shard's rows into flat tables, partitioned by message, the texts by conversation;
2. *turns*: each message partition's rows into turns and LLM calls, marked with their conversation's chunk;
3. *conversations*: each chunk's turns, calls and texts into candidates.

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
from turnsmith.sources.telemetry.chunks import ChunkCounts, assemble_chunk
from turnsmith.sources.telemetry.events import Window
from turnsmith.sources.telemetry.inputs import Shard
from turnsmith.sources.telemetry.reading import read_block

_BY_MESSAGE = ("members", "repeats", "llm_rows", "turn_facts")
# As JSON instead of text, the tools need no second decoding in the record.
_TURN_COLUMNS = """
    * EXCLUDE (chunk) REPLACE (TRY_CAST(tool_counts AS JSON) AS tool_counts,
                               TRY_CAST(available_tools AS JSON) AS available_tools)"""
# Rows that repeat another, and LLM rows that are alike in all but their `rest`.
_REPEATED = """
    SELECT (SELECT count(*) - count(DISTINCT digest) FROM repeats)
         + (SELECT count(*) - count(DISTINCT hash(*COLUMNS(*))) FROM turn_facts)
         + llm_rows - distinct_rows,
           distinct_rows - distinct_without_rest
    FROM (SELECT count(*) AS llm_rows, count(DISTINCT hash(*COLUMNS(*))) AS distinct_rows,
                 count(DISTINCT hash(*COLUMNS(* EXCLUDE (rest)))) AS distinct_without_rest FROM llm_rows)"""


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
        events, folder = self._folder("events"), self._folder("turns")
        chunk = f"portable_hash(conversation_id) % {self.parts} AS chunk"

        def assemble_part(key: str) -> dict[str, Any]:
            with self.connection.cursor() as cursor:
                for name in _BY_MESSAGE:
                    rows = _rows_of(events, name, f"part = {int(key)}")
                    cursor.execute(f"CREATE TEMP TABLE {name} AS SELECT * EXCLUDE (part) FROM {rows}")
                for name, query in queries.items():
                    path = folder / f"{key}.{name}.parquet"
                    write_parquet(cursor, f"SELECT *, {chunk} FROM ({query}) ORDER BY chunk", path)
                repeated, doubtful = one(cursor, _REPEATED)
                turns = one(cursor, f"SELECT count(*) FROM '{path}'")[0]
                return {"repeated": repeated, "doubtful": doubtful, "turns": turns}

        results = self._phase("Assembling turns", "turns", assemble_part)
        return sum(result["repeated"] for result in results), sum(result["doubtful"] for result in results)

    def assemble_conversations(self) -> Candidates:
        """Turn every chunk's turns into candidates; return where they lie and what became of the rest."""
        assembly = self.assembly.result()
        events, turns, folder = (self._folder(name) for name in ("events", "turns", "conversations"))

        def assemble_one(key: str) -> dict[str, Any]:
            chunk = int(key)
            rows = {
                "messages": f"* EXCLUDE (part) FROM {_rows_of(events, 'messages', f'part = {chunk}')}",
                "turns": f"{_TURN_COLUMNS} FROM {_rows_of(turns, 'turns', f'chunk = {chunk}')}",
                "calls": f"* EXCLUDE (chunk) FROM {_rows_of(turns, 'calls', f'chunk = {chunk}')}",
            }
            with self.connection.cursor() as cursor:
                for name, selected in rows.items():
                    cursor.execute(f"CREATE TEMP VIEW {name} AS SELECT {selected}")
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


def _rows_of(folder: Path, name: str, condition: str) -> str:
    """Return SQL for the rows of all files of this name for which `condition` holds."""
    return f"read_parquet({file_list(sorted(folder.glob(f'*.{name}.parquet')))}) WHERE {condition}"


def _plain(counts: object) -> dict[str, Any]:
    """Return counts as JSON has them, to be kept in the run's folder."""
    plain: dict[str, Any] = msgspec.to_builtins(counts)
    return plain
