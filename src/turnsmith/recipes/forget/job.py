"""The steps of `turnsmith forget`: purge, write again, verify, put in place; until the last one nothing changes."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from pyarrow.lib import ArrowException

from turnsmith.core import runs
from turnsmith.core.errors import DataError, UsageError
from turnsmith.core.files import checksum, read_json, sync, write_json
from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.engines.duckdb import connect
from turnsmith.labels.labeled_set import PREFIX as LABELED
from turnsmith.publish.metadata import dataset_id
from turnsmith.publish.near_duplicates import write_near_duplicates
from turnsmith.recipes.forget.asking import Asked
from turnsmith.recipes.forget.caches import runs_with, scraps
from turnsmith.recipes.forget.committing import COMMIT, roll_forward, write_commit
from turnsmith.recipes.forget.describing import Outcome, new_metadata
from turnsmith.recipes.forget.purging import (
    Purged,
    labeled_of,
    not_searched,
    purge_candidates,
    purge_invalid,
    purge_labels,
)
from turnsmith.recipes.forget.receipt import PREFIX, make_receipt, receipt_name, records_by_group
from turnsmith.recipes.forget.rewriting import gone_records, write_data_files, write_other_files
from turnsmith.recipes.forget.stored import METADATA, open_stored
from turnsmith.recipes.forget.twins import purge_twins
from turnsmith.recipes.keeping import INVALID, NEAR, kept_folder, write_invalid_users
from turnsmith.verify import verify_dataset

MEMORY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Tell where the new version and its receipt lie; `receipt` is the receipt's content."""

    path: Path
    receipt_path: Path
    receipt: dict[str, Any]


def forget(
    dataset: Path,
    asked: Asked,
    phases: Phases,
    *,
    labels: Sequence[Path] = (),
    stamp: str | None = None,
    keep_old: bool = False,
) -> Forgotten:
    """Write a new version of a finished set without what is asked beside it, and delete the old one.

    Its labels, there and in the folders `labels`, its kept candidates and the unfinished runs beside it are purged,
    too. Raises UsageError, BusyError,
    and DataError where nothing is found or the new version does not verify; then nothing changed.
    """
    dataset = dataset.absolute()
    home = dataset.parent
    if not dataset.is_dir() and not (home / runs.HOME).is_dir():
        raise UsageError(_no_set(dataset))
    key = [str(dataset), sorted(asked.users), sorted(asked.conversations), stamp, keep_old]
    if labels:
        key.append(sorted(str(each.absolute()) for each in labels))
    try:
        with runs.hold(home, f"forget-{runs.fingerprint(key)}") as run:
            done = _finish_committed(run)
            if done is None:
                done = _begin(_Job(run, phases, dataset, asked, labels, stamp, keep_old))
            receipt = home / done["receipt"]
            return Forgotten(home / done["dataset"], receipt, read_json(receipt))
    except OSError as error:
        raise DataError(f"{error.filename or home}: {error.strerror or error}") from error
    except (ArrowException, msgspec.DecodeError) as error:
        raise DataError(
            f"{kept_folder(dataset)}: can't be read ({type(error).__name__}), so nothing was changed; move "
            "the folder away to forget without refilling"
        ) from error
    except duckdb.Error as error:
        raise DataError(f"DuckDB: {str(error).splitlines()[0]}") from error


def _begin(job: "_Job") -> dict[str, Any]:
    """Make the new version; where that fails, leave no copy of the data behind. A kill leaves one to go on from."""
    try:
        return job.make()
    except Exception:
        if job.run.path.exists() and not (job.run.path / COMMIT).exists():
            job.run.finish()
        raise


def _finish_committed(run: Run) -> dict[str, Any] | None:
    """Finish what was killed while it was put in place; return the result if it was this very run."""
    mine = None
    for path in sorted(run.home.glob(f"*/{COMMIT}")):
        result = roll_forward(Run(run.home, path.parent.name))
        mine = result if path.parent == run.path else mine
    return mine


def _no_set(dataset: Path) -> str:
    for path in sorted(dataset.parent.glob(f"{PREFIX}*.json")):
        if read_json(path).get("previous_id") == dataset.name:
            new = path.with_name(path.name.removeprefix(PREFIX).removesuffix(".json"))
            return (
                f"{dataset}: was replaced by {new} when something was forgotten; run the command on that one"
            )
    return f"{dataset}: no such folder; give the folder of a finished data set, with its {METADATA}"


class _Job:
    """Carry one run through its steps; everything is made in the run's folder."""

    def __init__(
        self, run: Run, phases: Phases, dataset: Path, asked: Asked, labels: Sequence[Path], stamp: str | None,
        keep_old: bool,
    ) -> None:  # fmt: skip
        if not dataset.is_dir():
            raise UsageError(_no_set(dataset))
        self.run, self.phases, self.asked, self.keep_old = run, phases, asked, keep_old
        self.stored = open_stored(dataset)
        self.labeled = labeled_of(dataset, labels)
        self.matching = asked.matching(self.stored.config)
        was = checksum(dataset / METADATA)["sha256"]
        now = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
        fresh = {"stamp": stamp or now, "salt": secrets.token_hex(32), "metadata": was}
        state = run.prepare(fresh)
        if state["metadata"] != was:  # not the set that a stopped run began with
            run.finish()
            state = run.prepare(fresh)
        self.stamp: str = state["stamp"]
        self.salt = bytes.fromhex(state["salt"])
        total = sum(group.target for group in self.stored.groups.values())
        config = self.stored.config
        self.new_id = dataset_id(config["prefix"], total, config["window"], self.stamp)
        self.target = dataset.with_name(self.new_id)
        if self.target.exists():
            run.finish()
            raise DataError(f"{self.target} exists already; give another --stamp")

    @property
    def dataset(self) -> Path:
        """Return the folder in which the new version grows until it is whole."""
        return self.run.path / "new" / self.new_id

    def make(self) -> dict[str, Any]:
        """Make the new version, put it in place and return the names of it and of its receipt."""
        with connect(MEMORY, self.run.spill) as connection:
            purged, files = self._purge()
            invalid_left, invalid_gone = purge_invalid(self.stored, self.matching)
            twins = purge_twins(self.stored, self.matching, purged.ids)
            gone_invalid = (entry["conversationId"] for entry in invalid_gone)
            ids = frozenset([*purged.ids, *gone_invalid, *twins.ids])
            caches = runs_with(self.run, connection, self.matching, ids)
            gone_labels = self._purge_labels(ids | self.matching.conversations)
            if not ids and not gone_labels and not caches and not twins.unnamed:
                self._end_without_change()
            written = self._write(connection, files)
            sums = write_other_files(self.stored, self.dataset, connection, files, invalid_left, self.stamp)
            sums |= {
                self.stored.file_of(group): _sum(written[group.key]) for group in self.stored.groups.values()
            }
            if twins.dropping:
                sums |= write_near_duplicates(self.dataset, twins.left)
            outcome = Outcome(
                self.stamp, self.new_id, purged, invalid_left, invalid_gone, twins, written, sums, files
            )
            content = new_metadata(self.stored, outcome, connection)
            removed = {
                "records": gone_records(self.stored, connection, files, purged),
                "candidates": len(purged.ids),
                "invalid": len(invalid_gone),
                **({"near_duplicates": len(twins.gone)} if twins.dropping else {}),
                "labels": gone_labels,
                "unfinished_runs": len(caches),
            }
        write_json(self.dataset / METADATA, content)
        self._verify()
        if self.stored.kept is not None:
            write_invalid_users(self._candidates / INVALID, invalid_left)
            if twins.left:
                write_invalid_users(self._candidates / NEAR, twins.left)
        receipt = make_receipt(
            self.stored, self.asked, self.salt, ids, removed, content, self.keep_old,
            not_searched(self.stored.path, self.labeled),
        )  # fmt: skip
        write_json(self.run.path / "receipt.json", receipt)
        self._commit(caches)
        return roll_forward(self.run)

    @property
    def _candidates(self) -> Path:
        return self.run.path / "candidates"

    def _purge(self) -> tuple[Purged, list[Path]]:
        """Write all candidates but those to forget; return the counts and the files."""
        self._candidates.mkdir(exist_ok=True)
        sources = self.stored.sources()

        def purge(name: str) -> dict[str, Any]:
            target = self._candidates / f"{name}.parquet"
            return purge_candidates(sources[name], self.matching, target).as_json()

        purged = Purged.total(list(self._each("candidates", "Forgetting", sources, purge).values()))
        self._check_whole(purged)
        return purged, [self._candidates / f"{name}.parquet" for name in sources]

    def _check_whole(self, purged: Purged) -> None:
        """Raise DataError where the candidates, or else the records, are not those that the metadata counts."""
        if self.stored.kept is None:
            had, what = records_by_group(self.stored.metadata), f"{self.stored.path}: not all of the records"
            advice = "run `turnsmith verify` on it"
        else:
            rows = self.stored.metadata["funnel"]["candidates"]
            had = {f"{split}/{bucket}": n for split, row in rows.items() for bucket, n in row.items()}
            what, advice = f"{self.stored.kept}: not all of the candidates", "move the folder away"
        if purged.counts != Counter(had):
            raise DataError(f"{what} that metadata.json counts, so nothing was changed; {advice}")

    def _purge_labels(self, gone: frozenset[str]) -> int:
        return sum(
            purge_labels(folder, gone, self._labeled(number), self.new_id)
            for number, folder in enumerate(self.labeled)
        )

    def _labeled(self, number: int) -> Path:
        """Return the folder in which what stays of a labeled set is written."""
        return self.run.path / "labeled" / str(number)

    def _end_without_change(self) -> None:
        raise DataError(
            f"{self.stored.path.name}: nothing of it is in the set, its labels, its kept candidates or the unfinished "
            "runs beside it; nothing was changed"
        )

    def _write(self, connection: duckdb.DuckDBPyConnection, files: list[Path]) -> dict[str, dict[str, Any]]:
        groups = {name.replace(".", "-"): group for name, group in self.stored.groups.items()}

        def write(name: str) -> dict[str, Any]:
            with connection.cursor() as cursor:
                return write_data_files(self.stored, self.dataset, cursor, files, groups[name])

        results = self._each("writing", "Writing", groups, write)
        return {groups[name].key: result for name, result in results.items()}

    def _each(
        self, phase: str, title: str, keys: Mapping[str, Any], work: Callable[[str], dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        with self.phases.phase(title, len(keys), "files") as advance:
            return self.run.each(phase, list(keys), work, 1, lambda *_: advance(1, 1), lambda: None)

    def _verify(self) -> None:
        size = sum(path.stat().st_size for path in self.dataset.rglob("*") if path.is_file())
        with self.phases.phase("Verifying", size, "bytes") as advance:
            report = verify_dataset(self.dataset, lambda count: advance(count, count))
        failed = [check.name for check in report.checks if not check.ok]
        if failed:
            raise DataError(
                f"the new version does not verify ({', '.join(failed)}), so nothing was changed; run "
                f"`turnsmith verify` on {self.stored.path}: was it changed by hand?"
            )

    def _commit(self, caches: list[Path]) -> None:
        """Write down what goes where; from here on the run can only go forward."""
        home, old = self.stored.path.parent, self.stored.path
        name = f"{LABELED}{self.new_id}"
        labeled = [
            (self._labeled(number) / name, folder.with_name(name))
            for number, folder in enumerate(self.labeled)
        ]
        moves = [
            (self._candidates, kept_folder(self.target)) if self.stored.kept is not None else None,
            *((new, place) for new, place in labeled if new.is_dir()),
            (self.run.path / "receipt.json", home / receipt_name(self.new_id)),
            (self.dataset, self.target),
        ]
        outdated = [] if self.keep_old else [old, *self.labeled, self.stored.kept]
        for path in (*self._candidates.iterdir(), self.dataset, *self.dataset.rglob("*")):
            sync(path)
        write_commit(
            self.run,
            [move for move in moves if move is not None],
            [*(path for path in outdated if path is not None), *caches, *scraps(self.run)],
            {"dataset": self.new_id, "receipt": receipt_name(self.new_id)},
        )


def _sum(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: written[name] for name in ("sha256", "bytes")}
