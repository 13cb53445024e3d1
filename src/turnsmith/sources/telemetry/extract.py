"""From event files to candidate files, in three phases that each resume where they were stopped.

1. *reading*: each shard's rows into flat tables, partitioned by message;
2. *turns*: each partition's rows into turns and LLM calls, marked with their conversation's chunk;
3. *conversations*: each chunk's turns into candidates.

Memory follows the size of a block, a partition and a chunk, never the input's.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import msgspec

from turnsmith.core.errors import DataError
from turnsmith.core.files import PART_SUFFIX
from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.engines.duckdb import file_list, one, write_parquet
from turnsmith.sources.telemetry import turns as turn_rules
from turnsmith.sources.telemetry.blocks import read_blocks
from turnsmith.sources.telemetry.bulk_sql import OUTPUTS
from turnsmith.sources.telemetry.chunks import ChunkCounts, ChunkQueries, Rules, assemble_chunk
from turnsmith.sources.telemetry.events import Window
from turnsmith.sources.telemetry.inputs import Shard
from turnsmith.sources.telemetry.reading import SAMPLES, read_block


@dataclass(slots=True)
class Extractor:
    """Run the phases of one job; `parts` is the number of message partitions and of chunks."""

    run: Run
    connection: duckdb.DuckDBPyConnection
    phases: Phases
    window: Window
    parts: int
    threads: int
    model_text: str
    rules: Rules
    max_bad_rows: int | None = None

    def read(self, shards: Sequence[Shard]) -> dict[str, Any]:
        """Read all shards; return the funnel's part about events.

        Raises InputError for a file that can't be read and DataError beyond `max_bad_rows`.
        """
        by_key = {f"{shard.number:06}": shard for shard in shards}
        folder = self._folder("events")
        bad_rows = 0

        def read_shard(key: str) -> dict[str, Any]:
            with self.connection.cursor() as cursor:
                blocks = []
                for number, block in enumerate(read_blocks(by_key[key])):
                    stem = folder / f"{key}-{number:04}"
                    counts = read_block(cursor, block, self.window, self.parts, stem)
                    blocks.append({**_plain(counts), "first": block.first})
            return _shard_result(blocks)

        with self.phases.phase("Reading events", sum(s.weight for s in shards), "rows") as advance:

            def on_done(key: str, result: dict[str, Any], earlier: bool) -> None:
                nonlocal bad_rows
                advance(by_key[key].weight, 0 if earlier else result["rows"])
                bad_rows += result["malformed"]
                if self.max_bad_rows is not None and bad_rows > self.max_bad_rows:
                    raise _too_many_bad_rows(by_key[key], result, bad_rows, self.max_bad_rows)

            results = self._each("events", list(by_key), read_shard, on_done)
        return _events_funnel(shards, list(results.values()))

    def assemble_turns(self) -> dict[str, int]:
        """Turn the rows of every message partition into turns and calls; return counts of repeated rows."""
        queries = {
            "turns": ibis.to_sql(turn_rules.turns(self.model_text), dialect="duckdb"),
            "calls": ibis.to_sql(turn_rules.calls_of_turns(), dialect="duckdb"),
        }
        sources = {name: sorted(self._folder("events").glob(f"*.{name}.parquet")) for name in OUTPUTS}
        folder = self._folder("turns")

        def assemble_part(key: str) -> dict[str, Any]:
            with self.connection.cursor() as cursor:
                for name, files in sources.items():
                    _bind(cursor, name, files, f"part = {int(key)}", "part")
                for name, query in queries.items():
                    chunk = f"portable_hash(conversation_id) % {self.parts} AS chunk"
                    path = folder / f"{key}.{name}.parquet"
                    write_parquet(cursor, f"SELECT *, {chunk} FROM ({query}) ORDER BY chunk", path)
                return {
                    "repeated": _count_repeated(cursor),
                    "turns": one(cursor, f"SELECT count(*) FROM '{path}'")[0],
                }

        results = self._phase("Assembling turns", "turns", "turns", assemble_part)
        return {"identical_rows": sum(result["repeated"] for result in results)}

    def assemble_conversations(self) -> "Candidates":
        """Turn every chunk's turns into candidates; return where they lie and what became of the rest."""
        queries = ChunkQueries(self.rules)
        sources = {
            name: sorted(self._folder("turns").glob(f"*.{name}.parquet")) for name in ("turns", "calls")
        }
        folder = self._folder("candidates")

        def assemble_one(key: str) -> dict[str, Any]:
            with self.connection.cursor() as cursor:
                for name, files in sources.items():
                    _bind(cursor, name, files, f"chunk = {int(key)}", "chunk")
                return msgspec.to_builtins(
                    assemble_chunk(cursor, queries, self.rules, folder / f"{key}.parquet")
                )

        results = self._phase("Assembling conversations", "conversations", "conversations", assemble_one)
        return Candidates([folder / f"{key}.parquet" for key in self._keys()], _sum_chunks(results))

    def _folder(self, name: str) -> Path:
        folder = self.run.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def _keys(self) -> list[str]:
        return [f"{number:06}" for number in range(self.parts)]

    def _phase(
        self, title: str, name: str, unit: str, work: Callable[[str], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        with self.phases.phase(title, self.parts, unit) as advance:

            def on_done(_: str, result: dict[str, Any], earlier: bool) -> None:
                advance(1, 0 if earlier else result[unit])

            return list(self._each(name, self._keys(), work, on_done).values())

    def _each(
        self,
        phase: str,
        keys: list[str],
        work: Callable[[str], dict[str, Any]],
        on_done: Callable[[str, dict[str, Any], bool], None],
    ) -> dict[str, dict[str, Any]]:
        return self.run.each(phase, keys, work, self.threads, on_done, self.connection.interrupt)


@dataclass(slots=True)
class Candidates:
    """Hold the candidate files and the account of all conversations."""

    files: list[Path]
    counts: ChunkCounts


def _bind(cursor: duckdb.DuckDBPyConnection, name: str, files: list[Path], condition: str, key: str) -> None:
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * EXCLUDE ({key}) "
        f"FROM read_parquet({file_list(files)}) WHERE {condition}"
    )


def _count_repeated(cursor: duckdb.DuckDBPyConnection) -> int:
    """Count the rows that repeat another one exactly (contract §2.11)."""
    queries = (
        "SELECT count(*) - count(DISTINCT digest) FROM repeats",
        "SELECT (SELECT count(*) FROM llm_rows) - (SELECT count(*) FROM (SELECT DISTINCT * FROM llm_rows))",
        "SELECT (SELECT count(*) FROM turn_facts) - (SELECT count(*) FROM (SELECT DISTINCT * FROM turn_facts))",
    )
    return sum(int(one(cursor, query)[0]) for query in queries)


def _plain(counts: object) -> dict[str, Any]:
    """Return counts as JSON has them, to be kept in the run's folder."""
    plain: dict[str, Any] = msgspec.to_builtins(counts)
    return plain


def _shard_result(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    bad = [[block["first"] + row, reason] for block in blocks for row, reason in block["bad"]]
    return {
        "rows": sum(block["rows"] for block in blocks),
        "lines": sum(block["lines"] for block in blocks),
        "malformed": sum(block["malformed"] for block in blocks),
        "fates": sum((Counter(block["fates"]) for block in blocks), Counter()),
        "wrong": sum((Counter(block["wrong"]) for block in blocks), Counter()),
        "bad": bad[:SAMPLES],
    }


def _events_funnel(shards: Sequence[Shard], results: list[dict[str, Any]]) -> dict[str, Any]:
    fates = sum((Counter(result["fates"]) for result in results), Counter())
    samples = []
    lines_before: Counter[str] = Counter()
    for shard, result in zip(shards, results, strict=True):
        for row, reason in result["bad"]:
            samples.append(
                {"file": Path(shard.path).name, "line": lines_before[shard.path] + row + 1, "reason": reason}
            )
        lines_before[shard.path] += result["lines"]
    return {
        "events_read": sum(result["rows"] for result in results),
        "malformed_rows": sum(result["malformed"] for result in results),
        "malformed_samples": samples[:SAMPLES],
        "events": {
            fate: fates[fate]
            for fate in ("other_name", "outside_window", "not_agent_mode", "without_id", "used")
        },
        "wrong_values": dict(
            sorted(sum((Counter(result["wrong"]) for result in results), Counter()).items())
        ),
    }


def _too_many_bad_rows(shard: Shard, result: dict[str, Any], found: int, allowed: int) -> DataError:
    row, reason = result["bad"][0]
    return DataError(
        f"{found} malformed rows, more than --max-bad-rows {allowed}; for example row {row + 1} after byte "
        f"{shard.start} of {shard.path}: {reason}"
    )


def _sum_chunks(results: list[dict[str, Any]]) -> ChunkCounts:
    total = ChunkCounts()
    for result in results:
        total.conversations += result["conversations"]
        total.filtered.update(result["filtered"])
        total.invalid.extend(result["invalid"])
        total.candidates.update(result["candidates"])
        total.warnings.update(result["warnings"])
    total.invalid.sort(key=lambda entry: str(entry["conversationId"]))
    return total
