"""Verify a data set: read each file once, check record by record, then the set as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnsmith.core.errors import UsageError
from turnsmith.verify.columns import read_parquet
from turnsmith.verify.files import DataFile, check_listing, check_others, check_sum
from turnsmith.verify.leakage import Leakage
from turnsmith.verify.metadata import (
    ALL,
    BUCKET_NAME,
    METADATA,
    GapError,
    Group,
    Metadata,
    as_count,
    load_metadata,
)
from turnsmith.verify.near import NearDuplicates
from turnsmith.verify.reading import read_array, read_lines
from turnsmith.verify.records import (
    PER_CALL,
    PER_TURN,
    RECORD_CHECKS,
    Expected,
    Tally,
    hash_number,
    hash_text,
)
from turnsmith.verify.report import Ledger, Report, show
from turnsmith.verify.schema import missing_fields, shape_faults
from turnsmith.verify.stream import Row, Source
from turnsmith.verify.totals import Facts, check_totals
from turnsmith.verify.units import Units, ways_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def verify_dataset(path: Path, on_progress: Callable[[int], None] | None = None) -> Report:
    """Prove every guarantee of the data set in the folder `path` again, from its files alone.

    `on_progress` is called with the number of bytes of each chunk read. Breaches are in the report, never
    raised. Raises UsageError if `path` is no data set folder.
    """
    root = Path(path)
    if not root.is_dir():
        raise UsageError(
            f"{root}: no such folder. Give the folder of a finished data set, with a {METADATA} in it."
        )
    if not (root / METADATA).is_file():
        raise UsageError(
            f"{root}: no {METADATA} in this folder, so it is no finished data set. "
            "Give the data set's own folder, or export again: the file is written last."
        )
    return _Run(root, on_progress).report()


class _Run:
    """Hold the state of one verification: the ledger, ids met so far, records by group."""

    def __init__(self, root: Path, on_progress: Callable[[int], None] | None) -> None:
        self._root = root
        self._on_progress = on_progress
        self._ledger = Ledger()
        self._metadata = load_metadata(root, self._ledger)
        by = ways_of(self._metadata, self._ledger)
        self._units = Units(by, self._ledger)
        self._leakage = Leakage(self._metadata, by, self._ledger)
        self._near = NearDuplicates(self._metadata, self._ledger)
        self._tally = Tally()
        self._records: dict[Group, int] = {}
        self._ids: dict[bytes, int] = {}  # the first 16 bytes of the id's hash -> one bit for each split
        self._splits: dict[str | None, int] = {}

    def report(self) -> Report:
        files, others = check_listing(self._root, self._metadata, self._ledger)
        self._invalid = check_others(
            self._root, others, self._metadata, self._units, self._near, self._ledger, self._on_progress
        )
        frame = Frame(self._metadata, self._ledger)
        for file in files:
            self._file(file, frame.expected(file))
        for name in RECORD_CHECKS:
            if name != "split_folder":
                tally = self._tally
                count = (
                    tally.turns if name in PER_TURN else tally.calls if name in PER_CALL else tally.records
                )
                self._ledger.examine(name, count)
        self._units.finish()
        self._leakage.finish()
        self._near.finish(self._ids, self._invalid.ids)
        facts = Facts(self._root.resolve().name, self._records, self._tally, self._invalid)
        check_totals(self._metadata, facts, self._ledger)
        return self._ledger.report()

    def _file(self, file: DataFile, expected: Expected) -> None:
        """Check one data file: its bytes and its records, in one pass."""
        count, last = 0, (-1, "")
        try:
            with Source(self._root / file.name, self._on_progress) as source:
                for row in _rows(self._root / file.name, source):
                    count += row.number > 0
                    last = self._row(row, expected, last)
                source.drain()
            check_sum(file.name, source, self._metadata, self._ledger)
        except OSError as error:
            self._ledger.breach("readable", f"{show(file.name)} can't be read ({type(error).__name__})")
        self._records[file.group] = count
        names = ["readable", "schema", "required_fields", "unique_in_split", "sample_order", "invalid_absent"]
        if file.split is not None:
            names += ["split_folder", "split_hash", "unique_across_splits"]
        for name in names:
            self._ledger.examine(name, count)

    def _row(self, row: Row, expected: Expected, last: tuple[int, str]) -> tuple[int, str]:
        """Check one row; return its place in the sample order, or `last` where it has none."""
        if row.problem:
            self._tally.uncounted += row.number > 0
            self._breach("readable", row, expected, row.problem)
            return last
        key = row.value.get("conversationId") if type(row.value) is dict else None
        if type(key) is str and key:
            last = self._identity(key, row, expected, last)
        whole = True
        for fault in missing_fields(row.value):
            whole = False
            self._breach("required_fields", row, expected, fault)
        for fault in shape_faults(row.value, expected.split is not None):
            whole = False
            self._breach("schema", row, expected, fault)
        if not whole:
            self._tally.uncounted += 1
            return last
        self._tally.add(row.value)
        if self._units.in_use:
            self._units.add(row.value, expected.split or ALL, self._place(row, expected))
        if self._leakage.in_use:
            self._leakage.add(row.value, expected.split or ALL)
        if self._near.in_use:
            self._near.add(row.value)
        for name, check in RECORD_CHECKS.items():
            for fault in check(row.value, expected):
                self._breach(name, row, expected, fault)
        return last

    def _identity(self, key: str, row: Row, expected: Expected, last: tuple[int, str]) -> tuple[int, str]:
        """Check what hangs on the conversation id alone: split, order, uniqueness."""
        digest = hash_text(key)
        number = self._units.number_of(digest)
        if expected.bounds and number is not None:
            low, high = expected.bounds
            if not low <= number % 100 < high:
                self._breach("split_hash", row, expected, f"hash {number % 100}, not in [{low}, {high})")
        self._unique(digest[:16], row, expected)
        if expected.seed is None:
            return last
        place = hash_number(hash_text(f"{expected.seed}:{key}")), key
        if place <= last:
            self._breach("sample_order", row, expected, "belongs before the record that precedes it")
        return place

    def _unique(self, digest: bytes, row: Row, expected: Expected) -> None:
        bit = self._splits.setdefault(expected.split, 1 << len(self._splits))
        seen = self._ids.get(digest, 0)
        if seen & bit:
            self._breach("unique_in_split", row, expected, "stands twice in the split")
        elif seen:
            names = [split for split, other in self._splits.items() if seen & other]
            self._breach("unique_across_splits", row, expected, f"stands in the split {show(names[0])}, too")
        self._ids[digest] = seen | bit
        if digest in self._invalid.ids:
            self._breach("invalid_absent", row, expected, "stands in a file of invalid records, too")

    def _breach(self, name: str, row: Row, expected: Expected, detail: str) -> None:
        self._ledger.breach(name, f"{self._place(row, expected)}: {detail}")

    @staticmethod
    def _place(row: Row, expected: Expected) -> str:
        """Return file, position and conversation of a row, safe to print."""
        key = row.value.get("conversationId") if isinstance(row.value, dict) else None
        conversation = f"conversation {show(key)}" if isinstance(key, str) else ""
        return ", ".join(part for part in (show(expected.file), row.where, conversation) if part)


def _rows(path: Path, source: Source) -> Iterator[Row]:
    if path.suffix == ".parquet":
        return read_parquet(path)
    return read_lines(source) if path.suffix == ".jsonl" else read_array(source)


class Frame:
    """Hold what the metadata says of the records of all files; a gap breaches the check it is for."""

    def __init__(self, metadata: Metadata, ledger: Ledger) -> None:
        self._metadata = metadata
        self._ledger = ledger
        self._bounds = self._try("split_hash", self._split_bounds)
        self._seed = self._try("sample_order", self._seed_text)
        self._failed = self._try("failed_turns", self._failed_reasons)

    def expected(self, file: DataFile) -> Expected:
        """Return what holds for the records of one file."""
        match = BUCKET_NAME.fullmatch(file.bucket)
        if not match:
            self._ledger.breach("turn_range", f"{show(file.name)}: no range of turns in the bucket's name")
        turns = (int(match["low"]), int(match["high"])) if match else None
        bounds = None
        if file.split is not None and self._bounds is not None:
            bounds = self._bounds.get(file.split)
            if bounds is None:
                self._ledger.breach("split_hash", f"metadata has no config.splits.{show(file.split)}")
        return Expected(file.name, file.split, file.bucket, bounds, turns, self._failed, self._seed)

    def _try(self, check: str, get: Callable[[], Any]) -> Any:
        try:
            return get()
        except GapError as gap:
            self._ledger.breach(check, str(gap))
            return None

    def _split_bounds(self) -> dict[str, tuple[int, int]]:
        if self._metadata.single:
            return {}
        bounds, low = {}, 0
        for split, share in self._metadata.mapping("config", "splits").items():
            high = low + as_count(share, "config", "splits", split)
            bounds[split] = (low, high)
            if self._metadata.get("stratification", "split_assignment", split) != [low, high]:
                self._ledger.breach(
                    "split_hash", f"split_assignment of {show(split)} is not that of config.splits"
                )
            low = high
        if low != 100:
            self._ledger.breach("split_hash", f"config.splits add up to {show(low)}, not 100")
        return bounds

    def _seed_text(self) -> str:
        seed = self._metadata.get("config", "seed")
        if type(seed) is not int:
            raise GapError(f"metadata: config.seed is {show(seed)}, not an integer")
        return str(seed)

    def _failed_reasons(self) -> frozenset[str]:
        reasons = self._metadata.items("completeness_criteria", "failed_turn_end_reasons")
        return frozenset(reason for reason in reasons if isinstance(reason, str))
