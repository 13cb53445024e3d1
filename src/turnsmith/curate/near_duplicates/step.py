"""Near duplicates among the records of files: pairs to a table, the first of each kept, the others named."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from turnsmith.core.errors import DataError, UsageError
from turnsmith.core.lines import STANDARD, writing_lines
from turnsmith.core.progress import Phases
from turnsmith.curate.clean.spooling import size_of
from turnsmith.curate.clean.step import without_home
from turnsmith.curate.near_duplicates.fields import Field, id_of
from turnsmith.curate.near_duplicates.finding import pairs_of, read_sets
from turnsmith.curate.near_duplicates.options import Near
from turnsmith.curate.near_duplicates.pairs import Kept, Pairs, keep_first
from turnsmith.curate.near_duplicates.records import File, Numbered, numbered, replayed, rows_of
from turnsmith.curate.near_duplicates.report import LARGEST_SHOWN, NEAR_DUPLICATE, NO_TEXT, NearReport
from turnsmith.curate.near_duplicates.table import PairTable
from turnsmith.curate.near_duplicates.work import Work, working
from turnsmith.curate.rows import Row

ByMeaning = Callable[[Iterable[str], Phases], Pairs]
TABLE_SUFFIX = ".parquet"
_UNKNOWN = "no example or conversation"
_PAIRS = "pairs"
_COLUMNS = ("left", "right", "similarity")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Name the files to write: the table of pairs, the kept records, the dropped ones; None for none."""

    pairs: str | None = None
    keep: str | None = None
    dropped: str | None = None

    @property
    def named(self) -> list[str]:
        """Return the names given."""
        return [name for name in (self.pairs, self.keep, self.dropped) if name is not None]


def drop_near_duplicates(
    source: str,
    out: str,
    near: Near | None = None,
    *,
    field: Field = "all",
    dropped: str | None = None,
    max_dropped: float = 0.5,
    phases: Phases | None = None,
) -> NearReport:
    """Write the records of a file without near duplicates of earlier ones; see `near_duplicates`."""
    outputs = Outputs(keep=out, dropped=dropped)
    return near_duplicates(
        [source], outputs, near or Near(), field=field, max_dropped=max_dropped, phases=phases
    )


def near_duplicates(
    inputs: list[str],
    outputs: Outputs,
    near: Near,
    *,
    field: Field = "all",
    max_dropped: float = 0.5,
    semantic: Path | None = None,
    phases: Phases | None = None,
) -> NearReport:
    """Find near duplicates among the records of files, in their order, and write what `outputs` names.

    A record is dropped when an earlier one that stays is at or above the threshold. Records without text in the
    field are kept and not compared. With `semantic`, the folder of an embedding model, similarity is the cosine. A
    killed run goes on where it was when it is started again, unless it reads standard input. Raises UsageError for
    wrong settings and paths, InputError for a file that can't be read, and DataError, before anything is written,
    when more than the share `max_dropped` would be dropped.
    """
    _refuse(inputs, outputs, max_dropped)
    report = NearReport(near.threshold, near.ngram, field, without_home(str(semantic)) if semantic else None)
    settings = [
        near.threshold,
        near.ngram,
        near.seed,
        field,
        *([str(semantic.resolve())] if semantic else []),
    ]
    by_meaning = _by_meaning(semantic, near.threshold) if semantic else None
    size = sum(map(size_of, inputs))
    with contextlib.ExitStack() as stack:
        bars = phases or stack.enter_context(Phases())
        files = [stack.enter_context(replayed(name)) for name in inputs]
        work = stack.enter_context(working(inputs, outputs.named, settings))
        found, records = _find(files, near, field, work, bars, size, by_meaning)
        if outputs.keep and found.dropped > max_dropped * records:
            with bars.phase("Looking up places", size, "records") as advance:
                rows = numbered(rows_of(files, lambda *_: None, advance), field)
                raise DataError(_too_many(found, rows, records, max_dropped))
        with bars.phase("Writing", size, "records") as advance:
            _write(numbered(rows_of(files, report.account.spoil, advance), field), found, outputs, report)
    return report


def _refuse(inputs: list[str], outputs: Outputs, max_dropped: float) -> None:
    if not outputs.named:
        raise UsageError("nothing to write; give --out PAIRS.parquet, --keep KEPT.jsonl, or both")
    if outputs.dropped and not outputs.keep:
        raise UsageError("--dropped needs --keep: without it nothing is dropped")
    if outputs.pairs and outputs.pairs != STANDARD and not outputs.pairs.endswith(TABLE_SUFFIX):
        raise UsageError(f"--out: {outputs.pairs} is a table in Parquet; name it with the end {TABLE_SUFFIX}")
    if not 0 <= max_dropped <= 1:
        raise UsageError(f"--max-dropped: {max_dropped} is not between 0 and 1; 0.5 is half of all records")
    if outputs.pairs == STANDARD or outputs.named.count(STANDARD) > 1:
        raise UsageError("-: standard output takes one of --keep and --dropped")
    for name in inputs:
        if name != STANDARD and Path(name).is_dir():
            raise UsageError(f"{name}: is a folder; name its files, such as {Path(name) / '*.jsonl'}")
        if name == STANDARD and inputs.count(STANDARD) > 1:
            raise UsageError("-: standard input can be read once")
    paths = [Path(name).resolve() for name in (*inputs, *outputs.named) if name != STANDARD]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"{path}: named twice; every input and output needs a file of its own")


class _Found:
    """Hold the pairs and what they mean for each row; rows beyond the last pair stay."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.kept = keep_first(1 + int(pairs.right.max(initial=-1)), pairs)
        self.dropped = int((~self.kept.kept).sum())

    def drops(self, number: int | None) -> bool:
        """Return whether a row is dropped; rows without a number are not compared."""
        return number is not None and number < len(self.kept.kept) and not self.kept.kept[number]

    def largest(self) -> list[tuple[int, int]]:
        """Return (row, rows dropped for it) of the largest groups."""
        neighbours, counts = np.unique(self.kept.neighbour[~self.kept.kept], return_counts=True)
        order = np.argsort(-counts, kind="stable")[:LARGEST_SHOWN]
        return list(zip(neighbours[order].tolist(), counts[order].tolist(), strict=True))


def _by_words(texts: Iterable[str], near: Near, work: Work, bars: Phases) -> Pairs:
    store, firsts = read_sets(texts, near, work.folder / "sets", None, resume=work.run is not None)
    with bars.phase("Comparing", len(store), "records") as advance:
        return pairs_of(store, firsts, near, work.folder, lambda rows: advance(rows, rows), "kept")


def _by_meaning(model: Path, threshold: float) -> ByMeaning:
    """Return what finds pairs by the model in a folder."""
    from turnsmith.curate.semantic import (
        embed_texts,
        load_model,
        semantic_pairs_of,
    )  # late: it is made of this package

    embed = load_model(model)

    def find(texts: Iterable[str], bars: Phases) -> Pairs:
        embedded = embed_texts(texts, embed)
        with bars.phase("Comparing", len(embedded.rows), "records") as advance:
            return semantic_pairs_of(embedded, threshold, lambda rows: advance(rows, rows))

    return find


def _find(
    files: list[File], near: Near, field: Field, work: Work, bars: Phases, size: int,
    by_meaning: ByMeaning | None,
) -> tuple[_Found, int]:  # fmt: skip
    """Return what was found among the records that have text, by their number among those, and all records."""

    def search(_: str) -> dict[str, Any]:
        records = 0

        def texts() -> Iterator[str]:
            nonlocal records
            with bars.phase("Reading", size, "records") as advance:
                for number, text, _row in numbered(rows_of(files, lambda *_: None, advance), field):
                    records += text is not None
                    if number is not None and text is not None:
                        yield text

        pairs = by_meaning(texts(), bars) if by_meaning else _by_words(texts(), near, work, bars)
        folder = work.folder / _PAIRS
        folder.mkdir(exist_ok=True)
        for name in _COLUMNS:
            np.save(folder / f"{_PAIRS}-{name}.npy", getattr(pairs, name))
        return {"records": records}

    result = search(_PAIRS) if work.run is None else work.run.once(_PAIRS, _PAIRS, search)
    columns = (np.load(work.folder / _PAIRS / f"{_PAIRS}-{name}.npy") for name in _COLUMNS)
    return _Found(Pairs(*columns)), int(result["records"])


def _write(rows: Iterator[Numbered], found: _Found, outputs: Outputs, report: NearReport) -> None:
    """Write what stays, what goes, and the pairs, from the records read again."""
    account = report.account
    report.pairs, report.equal = len(found.pairs), int((found.pairs.similarity == 1).sum())
    table = PairTable(found.pairs)
    with contextlib.ExitStack() as files:
        keep = files.enter_context(writing_lines(outputs.keep)) if outputs.keep else None
        drop = files.enter_context(writing_lines(outputs.dropped)) if outputs.dropped else None
        for number, text, row in rows:
            if text is None:
                account.spoil(row.place, _UNKNOWN)
                continue
            account.read += 1
            if number is None:
                account.note(NO_TEXT)
            else:
                table.see(number, row.place, id_of(row.record))
            if number is not None and found.drops(number):
                account.drop(NEAR_DUPLICATE, row.place)
                if drop:
                    drop(_dropped(row, found.kept, number, table))
                continue
            account.kept += 1
            if keep:
                keep(row.written)
        if outputs.pairs:
            table.write(outputs.pairs)
    report.largest = [(table.named(number)[0], count) for number, count in found.largest()]


def _dropped(row: Row, kept: Kept, number: int, table: PairTable) -> bytes:
    """Return a line that says why a record was dropped, with the record as it was."""
    place, identity = table.named(int(kept.neighbour[number]))
    reason = {
        "rule": "near_duplicate",
        "place": row.place,
        "near": place,
        "near_id": identity,
        "similarity": round(float(kept.similarity[number]), 6),
    }
    return msgspec.json.encode(reason)[:-1] + b',"example":' + row.written.rstrip(b"\n") + b"}\n"


def _too_many(found: _Found, rows: Iterator[Numbered], records: int, max_dropped: float) -> str:
    """Return the error that names the largest groups by the places of the rows that they are near."""
    largest = dict(found.largest())
    places = {number: row.place for number, _, row in rows if number in largest}
    groups = "\n".join(f"  {places[number]}: {count:,} are near it" for number, count in largest.items())
    return (
        f"{found.dropped:,} of {records:,} records ({found.dropped / records:.1%}) are near duplicates, more than "
        f"--max-dropped {max_dropped:g} allows; nothing was written. Look at the largest groups, then raise "
        f"--max-dropped, or compare another --field:\n{groups}"
    )
