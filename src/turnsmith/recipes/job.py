"""One telemetry job: candidates, sample, files, metadata, and the move to where the data set stays."""

import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from turnsmith.core.errors import EmptyResultError
from turnsmith.core.files import sync, write_json, writing
from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.curate.near_duplicates import Near
from turnsmith.curate.sample import Group, fetched_texts, sampled_records, shortfalls
from turnsmith.curate.scrub.pseudonyms import key_id, read_key
from turnsmith.curate.split_units import SplitBy, describe_units
from turnsmith.engines.duckdb import connect
from turnsmith.publish import metadata
from turnsmith.publish.blob import redact
from turnsmith.publish.funnel import funnel_text
from turnsmith.publish.invalid import write_invalid
from turnsmith.publish.near_duplicates import write_near_duplicates
from turnsmith.publish.units import write_units
from turnsmith.publish.writing import write_group
from turnsmith.recipes.keeping import Keeping, kept_folder
from turnsmith.recipes.leaking import leakage_of
from turnsmith.recipes.near import REASON, Dropped, NearDuplicates, entries_of
from turnsmith.recipes.telemetry import TelemetryRecipe, parse_size, parse_window
from turnsmith.recipes.units import Units
from turnsmith.sources.telemetry import inputs
from turnsmith.sources.telemetry.assembly import Rules, compile_assembly
from turnsmith.sources.telemetry.chunks import DROPPED, NO_SPLIT
from turnsmith.sources.telemetry.events import Window
from turnsmith.sources.telemetry.extract import Candidates, Extractor
from turnsmith.sources.telemetry.schema import FILTERS

MEMORY_PER_THREAD = 400_000_000
DUCKDB_SHARE = 2  # of the memory limit; the other half is for rows on their way in and out


class Job:
    """Carry one run's settings through its phases; `state` is what the run froze at its first start."""

    def __init__(
        self, recipe: TelemetryRecipe, phases: Phases, run: Run, fingerprint: str,
        origin: metadata.Origin, state: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self.phases = phases
        self.run = run
        self.fingerprint = fingerprint
        self.origin = origin
        # Where a run's folder serves more than one configuration, what one of them writes is told by this.
        self.variant = "" if run.path.name == fingerprint else f"-{fingerprint}"
        self.as_of = datetime.fromisoformat(state["as_of"])
        self.stamp: str = recipe.stamp or state["stamp"]
        self.parts: int = state["parts"]
        self.user_key = read_key(Path(recipe.pseudonymize)) if recipe.pseudonymize is not None else None
        self.with_splits = recipe.layout == "splits"
        self.shares = recipe.splits if self.with_splits else None
        self.by = recipe.split_by
        self.groups = groups_of(recipe)
        total = sum(group.target for group in self.groups.values())
        self.dataset_id = metadata.dataset_id(recipe.prefix, total, recipe.window, self.stamp)

    @property
    def all_splits(self) -> list[str]:
        """Return the splits that conversations fall into, whether they are written or not."""
        return list(self.recipe.splits) if self.with_splits else [NO_SPLIT]

    @property
    def threads(self) -> int:
        """Return how many threads the machine has that the memory is enough for."""
        return max(1, min(os.cpu_count() or 1, parse_size(self.recipe.memory_limit) // MEMORY_PER_THREAD))

    @property
    def dataset(self) -> Path:
        """Return the folder in which the data set grows until it is whole."""
        return self.run.path / f"dataset{self.variant}"

    def file_of(self, group: Group) -> str:
        """Return a group's file, relative to the data set."""
        name = f"{group.bucket}.{self.recipe.format}"
        return f"{group.split}/{name}" if self.with_splits else name

    def make(self, shards: list[inputs.Shard], target: Path) -> None:
        """Make the data set in the run's folder and move it to `target`."""
        memory, threads = parse_size(self.recipe.memory_limit), self.threads
        rules = self.rules()
        with ThreadPoolExecutor(1) as aside, connect(memory // DUCKDB_SHARE, self.run.spill) as connection:
            assembly = aside.submit(compile_assembly, rules)
            extractor = Extractor(
                self.run, connection, self.phases, self._window(), self.parts, threads,
                rules, assembly, self.recipe.max_bad_rows,
            )  # fmt: skip
            events, repeated = extractor.read_turns(shards)
            candidates = extractor.assemble_conversations()
            self.complete(connection, threads, events, repeated, candidates, target)

    def complete(
        self, connection: duckdb.DuckDBPyConnection, threads: int, events: Mapping[str, Any],
        repeated: int | None, candidates: Candidates, target: Path,
    ) -> None:  # fmt: skip
        """Sample, write and describe candidates of any source, and move the data set to `target`.

        `events` is the funnel's part about events, `repeated` how many rows collapsed, None where unknown.
        Raises EmptyResultError where there is nothing to write.
        """
        twins = None
        if self.recipe.near_duplicates is not None:
            candidates, twins = self._near_duplicates(threads).drop(connection, candidates)
        if self.by is not SplitBy.conversation:
            memory = parse_size(self.recipe.memory_limit) // DUCKDB_SHARE
            units = Units(self.run, self.phases, self.variant, self.by, self.recipe.splits, memory, threads)
            candidates = units.regroup(connection, candidates)
        funnel = self._funnel(events, candidates, twins)
        if not any(candidates.counts.candidates.get(g.key, 0) and g.target for g in self.groups.values()):
            raise EmptyResultError(self._nothing_left(funnel))
        written = self._write_groups(connection, threads, candidates)
        self._write_dropped(connection, candidates, twins)
        self._publish(target, funnel, repeated, candidates, written, connection, twins)

    def _near_duplicates(self, threads: int) -> NearDuplicates:
        recipe = self.recipe
        assert recipe.near_duplicates is not None
        near = Near(recipe.near_duplicates, memory=parse_size(recipe.memory_limit) // DUCKDB_SHARE)
        return NearDuplicates(
            self.run, self.phases, self.variant, near, recipe.near_field, recipe.max_dropped, self.all_splits,
            threads, keep_dropped=recipe.dropped is not None,
        )  # fmt: skip

    def _nothing_left(self, funnel: Mapping[str, Any]) -> str:
        begin = metadata.iso(self.as_of - parse_window(self.recipe.window))
        times = funnel["event_times"]
        lines = ["nothing is left to write; this is where everything went:", funnel_text(funnel)]
        lines += [f"The window is ({begin}, {metadata.iso(self.as_of)}]; --as-of and --window move it."]
        if times["first"] is not None:
            lines += [f"The events lie between {times['first']} and {times['last']}."]
        for bad in funnel["malformed_samples"][:3]:
            lines += [f"Malformed: {bad['file']}:{bad['line']}: {bad['reason']}"]
        return "\n".join(lines)

    def _window(self) -> Window:
        until = (self.as_of - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
        return Window(until - parse_window(self.recipe.window) // timedelta(microseconds=1) * 1_000, until)

    def rules(self) -> Rules:
        """Return what decides about a conversation."""
        recipe = self.recipe
        return Rules(
            recipe.bucket_ranges, self.shares, recipe.failed_turn_end_reasons, recipe.seed,
            recipe.model_text, keep_dropped=recipe.dropped is not None, user_key=self.user_key,
        )  # fmt: skip

    def _funnel(
        self, events: Mapping[str, Any], candidates: Candidates, twins: Dropped | None
    ) -> dict[str, Any]:
        counts = candidates.counts
        buckets = [b.full_name for b in self.recipe.bucket_ranges]
        sampled = {g.key: min(g.target, counts.candidates.get(g.key, 0)) for g in self.groups.values()}
        invalid = Counter(entry["split"] for entry in counts.invalid)
        return {
            **events,
            "conversations": counts.conversations,
            "filtered": {name: counts.filtered.get(name, 0) for name in FILTERS},
            "invalid": {split: invalid[split] for split in self.all_splits},
            **({} if twins is None else {"near_duplicates": twins.by_split}),
            "candidates": {
                split: {bucket: counts.candidates.get(f"{split}/{bucket}", 0) for bucket in buckets}
                for split in self.all_splits
            },
            "sampled": metadata.by_group(sampled, with_splits=True),
        }

    def _write_groups(
        self, connection: duckdb.DuckDBPyConnection, threads: int, candidates: Candidates
    ) -> dict[str, dict[str, Any]]:
        """Write every group's file; return checksum, counts and warnings by group key."""
        by_name = {name.replace(".", "-"): group for name, group in self.groups.items()}

        def write(name: str) -> dict[str, Any]:
            group = by_name[name]
            with connection.cursor() as cursor:
                sampled_records(cursor, candidates.files, group)
                return write_group(
                    self.dataset / self.file_of(group), fetched_texts(cursor), self.with_splits
                )

        total = sum(min(g.target, candidates.counts.candidates.get(g.key, 0)) for g in by_name.values())
        with self.phases.phase("Writing", total, "conversations") as advance:

            def on_done(_: str, result: dict[str, Any], earlier: bool) -> None:
                advance(result["records"], 0 if earlier else result["records"])

            results = self.run.each(
                f"writing{self.variant}", list(by_name), write, threads, on_done, connection.interrupt
            )
        return {by_name[name].key: result for name, result in results.items()}

    def _write_dropped(
        self, connection: duckdb.DuckDBPyConnection, candidates: Candidates, twins: Dropped | None
    ) -> None:
        if self.recipe.dropped is None:
            return
        with writing(Path(self.recipe.dropped)) as part, part.open("w", encoding="utf-8") as file:
            losses = {reason: candidates.counts.filtered.get(reason, 0) for reason in FILTERS}
            losses |= {} if twins is None else {REASON: twins.total}
            for reason, count in losses.items():
                sampled_records(connection, candidates.files, Group(DROPPED, reason, count))
                for record in fetched_texts(connection):
                    file.write(f'{{"reason":"{reason}","conversation":{record}}}\n')

    def _publish(
        self, target: Path, funnel: Mapping[str, Any], repeated: int | None,
        candidates: Candidates, written: Mapping[str, Mapping[str, Any]], cursor: duckdb.DuckDBPyConnection,
        twins: Dropped | None,
    ) -> None:  # fmt: skip
        """Write what completes the data set, metadata last, and move it to where it stays."""
        checksums = {
            self.file_of(group): {key: written[group.key][key] for key in ("sha256", "bytes")}
            for group in self.groups.values()
        }
        splits = self.all_splits if self.with_splits else [None]
        checksums |= write_invalid(self.dataset, candidates.counts.invalid, splits, self.stamp)
        if self.by is not SplitBy.conversation:
            checksums |= write_units(self.dataset, cursor, candidates.files, self.groups.values())
        near = [] if twins is None else entries_of(cursor, twins.table)
        if twins is not None:
            checksums |= write_near_duplicates(self.dataset, near)
        by_split = {split: sum(row.values()) for split, row in funnel["candidates"].items()}
        units = describe_units(cursor, candidates.files, self.by, self.shares, by_split)
        outcome = metadata.Outcome(
            funnel, repeated, shortfalls(self.groups, candidates.counts.candidates),
            candidates.counts.warnings, written, checksums, units, self._leakage(cursor, candidates),
            None if twins is None else twins.described,
        )  # fmt: skip
        write_json(self.dataset / "metadata.json", metadata.build(self._description(), outcome))
        for folder in {path.parent for path in self.dataset.rglob("*")}:
            sync(folder)
        if self.recipe.keep_candidates:
            kept = Keeping(self.run, self.phases, self.variant, self.all_splits)
            kept.keep(candidates.files, candidates.counts.invalid, near, kept_folder(target))
        self.dataset.rename(target)
        sync(target.parent)

    def _leakage(self, connection: duckdb.DuckDBPyConnection, candidates: Candidates) -> dict[str, Any]:
        """Measure what of a split can be read in another one."""
        counts = candidates.counts.candidates
        total = sum(min(group.target, counts.get(group.key, 0)) for group in self.groups.values())
        with self.phases.phase("Measuring leakage", total, "conversations") as advance:
            return leakage_of(
                connection, candidates.files, self.groups.values(), lambda count: advance(count, count)
            )

    def _description(self) -> metadata.Description:
        config = self.recipe.settings({"events", "out", "target", "dropped"})
        # The file's name is no one's business; what its key is known by tells two sets apart.
        config["pseudonymize"] = key_id(self.user_key) if self.user_key is not None else None
        config["cluster"] = self.origin.cluster
        config["publish"] = redact(self.recipe.publish) if self.recipe.publish else None
        return metadata.Description(
            dataset_id=self.dataset_id,
            fingerprint=self.fingerprint,
            stamp=self.stamp,
            as_of=self.as_of,
            begin=self.as_of - parse_window(self.recipe.window),
            origin=self.origin,
            groups=self.groups,
            files={group.key: self.file_of(group) for group in self.groups.values()},
            ranges={b.full_name: (b.min, b.max) for b in self.recipe.bucket_ranges},
            shares=self.shares,
            config={**config, "as_of": metadata.iso(self.as_of), "stamp": self.stamp, "chunks": self.parts,
                    "targets": self.recipe.targets()},
        )  # fmt: skip


def groups_of(recipe: TelemetryRecipe) -> dict[str, Group]:
    """Return the groups to fill by their short names, `train.short` or, without splits, `short`."""
    targets = recipe.targets()
    return {
        f"{split}.{b.name}" if recipe.layout == "splits" else b.name: Group(
            split, b.full_name, targets[split][b.name]
        )
        for split in recipe.split_names
        for b in recipe.bucket_ranges
    }
