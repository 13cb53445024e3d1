"""The steps between candidates and sample that bring what belongs together into one split."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.curate.split_units import SplitBy, find_units, move_candidates
from turnsmith.engines.duckdb import file_list, quoted
from turnsmith.sources.telemetry.extract import Candidates


@dataclass(frozen=True, slots=True)
class Units:
    """Bring candidates into the splits of their units; `variant` tells one configuration of a run from another."""

    run: Run
    phases: Phases
    variant: str
    by: SplitBy
    shares: Mapping[str, int]
    memory: int
    threads: int

    def regroup(self, connection: duckdb.DuckDBPyConnection, candidates: Candidates) -> Candidates:
        """Return the candidates with their splits, and counts, by unit; each step is done once."""
        finding, moving = f"units{self.variant}", f"moved{self.variant}"
        units = self._folder(finding) / "units.parquet"
        splits = ", ".join(map(quoted, self.shares))
        rows = f"FROM read_parquet({file_list(candidates.files)}) WHERE split IN ({splits})"

        total = sum(candidates.counts.candidates.values())
        with self.phases.phase("Finding split units", 2 * total, "requests") as advance:

            def find(_: str) -> dict[str, Any]:
                with connection.cursor() as cursor:
                    query = f"SELECT * {rows}"
                    find_units(
                        cursor, query, self.by, self.shares, units, self.memory, lambda n: advance(n, n)
                    )
                return {}

            self.run.once(finding, "units", find)
        by_name = {path.stem: path for path in candidates.files}
        folder = self._folder(moving)

        def move(name: str) -> dict[str, Any]:
            with connection.cursor() as cursor:
                return move_candidates(cursor, by_name[name], units, folder / f"{name}.parquet")

        with self.phases.phase("Moving to splits", len(by_name), "conversations") as advance:

            def on_done(_: str, counts: dict[str, Any], earlier: bool) -> None:
                advance(1, 0 if earlier else sum(counts.values()))

            moved = self.run.each(moving, list(by_name), move, self.threads, on_done, connection.interrupt)
        by_group: Counter[str] = Counter()
        for counts in moved.values():
            by_group.update(counts)
        return Candidates(
            [folder / f"{name}.parquet" for name in by_name], replace(candidates.counts, candidates=by_group)
        )

    def _folder(self, name: str) -> Path:
        folder = self.run.path / name
        folder.mkdir(exist_ok=True)
        return folder
