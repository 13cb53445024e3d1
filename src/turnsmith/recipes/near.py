"""The steps between candidates and sample that take near duplicates out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from turnsmith.core.errors import DataError
from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.curate.near_candidates import drop_candidates, find_near_candidates
from turnsmith.curate.near_duplicates import Field, Near
from turnsmith.engines.duckdb import file_list, quoted
from turnsmith.sources.telemetry.chunks import DROPPED
from turnsmith.sources.telemetry.extract import Candidates

REASON = "near_duplicate"
LARGEST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Dropped:
    """Hold which candidates went: the table of them, and how many by split; `described` is metadata's part."""

    table: Path
    by_split: dict[str, int]
    described: dict[str, Any]

    @property
    def total(self) -> int:
        """Return how many went."""
        return sum(self.by_split.values())


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Take near duplicates out of candidates; `variant` tells one configuration of a run from another.

    `splits` are all that candidates fall into. With `keep_dropped` what goes is kept as a filter's losses are.
    """

    run: Run
    phases: Phases
    variant: str
    near: Near
    field: Field
    max_dropped: float
    splits: Sequence[str]
    threads: int
    keep_dropped: bool

    def drop(
        self, connection: duckdb.DuckDBPyConnection, candidates: Candidates
    ) -> tuple[Candidates, Dropped]:
        """Return the candidates that stay, and what went; each step is done once.

        Raises DataError where more than the share `max_dropped` would go.
        """
        table = self._folder(f"near{self.variant}") / "twins.parquet"
        counts = self._find(connection, candidates, table)
        by_split = dict.fromkeys(self.splits, 0)
        by_split |= dict(
            connection.execute(f"SELECT split, count(*) FROM {quoted(table)} GROUP BY 1").fetchall()
        )
        described = {
            "threshold": self.near.threshold,
            "ngram": self.near.ngram,
            "field": self.field,
            "compared": counts["compared"],
            "dropped": sum(by_split.values()),
        }
        dropped = Dropped(table, by_split, described)
        if dropped.total > self.max_dropped * counts["candidates"]:
            raise DataError(self._too_many(connection, dropped, counts["candidates"]))
        return self._take_out(connection, candidates, table), dropped

    def _find(
        self, connection: duckdb.DuckDBPyConnection, candidates: Candidates, table: Path
    ) -> dict[str, Any]:
        splits = ", ".join(map(quoted, self.splits))
        query = f"SELECT * FROM read_parquet({file_list(candidates.files)}) WHERE split IN ({splits})"
        total = 2 * sum(candidates.counts.candidates.values())
        with self.phases.phase("Finding near duplicates", total, "conversations") as advance:

            def find(_: str) -> dict[str, Any]:
                with connection.cursor() as cursor:
                    return find_near_candidates(
                        cursor, query, self.near, self.field, table, lambda n: advance(n, n)
                    )

            return self.run.once(f"near{self.variant}", "twins", find)

    def _take_out(
        self, connection: duckdb.DuckDBPyConnection, candidates: Candidates, table: Path
    ) -> Candidates:
        phase = f"apart{self.variant}"
        by_name, folder = {path.stem: path for path in candidates.files}, self._folder(phase)
        keep_as = (DROPPED, REASON) if self.keep_dropped else None

        def take(name: str) -> dict[str, Any]:
            with connection.cursor() as cursor:
                left = drop_candidates(cursor, by_name[name], table, folder / f"{name}.parquet", keep_as)
                plain: dict[str, Any] = msgspec.to_builtins(left)
                return plain

        with self.phases.phase("Dropping near duplicates", len(by_name), "conversations") as advance:

            def on_done(_: str, left: dict[str, Any], earlier: bool) -> None:
                advance(1, 0 if earlier else sum(left["candidates"].values()))

            results = self.run.each(phase, list(by_name), take, self.threads, on_done, connection.interrupt)
        left: Counter[str] = Counter()
        warnings = Counter(candidates.counts.warnings)
        for result in results.values():
            left.update(result["candidates"])
            warnings.subtract(result["gone_warnings"])
        counts = replace(candidates.counts, candidates=left, warnings=warnings)
        return Candidates([folder / f"{name}.parquet" for name in by_name], counts)

    def _too_many(self, connection: duckdb.DuckDBPyConnection, dropped: Dropped, candidates: int) -> str:
        """Return the error that names the largest groups by the conversation that would stay."""
        largest = connection.execute(
            f"SELECT near_id, count(*) FROM {quoted(dropped.table)} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {LARGEST_SHOWN}"
        ).fetchall()
        groups = "\n".join(f"  conversation {name}: {count:,} are near it" for name, count in largest)
        return (
            f"{dropped.total:,} of {candidates:,} candidates ({dropped.total / candidates:.1%}) are near duplicates, "
            f"more than --max-dropped {self.max_dropped:g} allows. What was finished is kept: look at the largest "
            "groups, then run the same command with a higher --max-dropped; or compare another --near-field:\n"
            f"{groups}"
        )

    def _folder(self, name: str) -> Path:
        folder = self.run.path / name
        folder.mkdir(exist_ok=True)
        return folder


def entries_of(connection: duckdb.DuckDBPyConnection, table: Path) -> list[dict[str, Any]]:
    """Return id, user and split of all that went, by id, with the id of what stays and the similarity."""
    rows = connection.execute(
        f"SELECT conversation_id, user_name, split, near_id, similarity FROM {quoted(table)} ORDER BY 1"
    ).fetchall()
    keys = ("conversationId", "userName", "split", "near", "similarity")
    return [dict(zip(keys, row, strict=True)) for row in rows]
