"""The decontamination of a file: examples that share a long passage with a benchmark are dropped or marked."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from turnsmith.core.chat import encode
from turnsmith.core.errors import DataError, UsageError
from turnsmith.core.lines import STANDARD, Write, read_lines, writing_lines
from turnsmith.curate.clean.step import without_home
from turnsmith.curate.decontaminate.benchmarks import Source, find_benchmarks, read_benchmark
from turnsmith.curate.decontaminate.index import Index, build
from turnsmith.curate.decontaminate.options import DecontaminateOptions
from turnsmith.curate.decontaminate.report import CONTAMINATED, SAMPLES, DecontaminateReport, Found, Hits
from turnsmith.curate.decontaminate.words import texts_of
from turnsmith.curate.rows import Row, kind_of, rows_of_array, rows_of_lines, rows_of_parquet

OnProgress = Callable[[int, int], object]
"""Takes the bytes and the examples that were read since the last call."""
Texts = list[tuple[str, str]]
"""Places in a record, and the texts there."""
BATCH_CHARS, BATCH_ROWS = 2 << 20, 4096
PASSAGE_CHARS = 100
FEWEST_TO_GUARD = 20  # of fewer examples most may well be contaminated


def decontaminate(
    source: str,
    against: list[str],
    out: str,
    options: DecontaminateOptions | None = None,
    *,
    report: str | None = None,
    removed: str | None = None,
    on_progress: OnProgress | None = None,
) -> DecontaminateReport:
    """Write the examples of a file that share no long passage with the benchmarks in `against`.

    Lines keep their bytes; a JSON array or Parquet comes out as JSON Lines. With `options.mark` all are written,
    and `meta.contaminated` names the benchmarks. What is dropped goes to `removed`, as `{"place", "matches",
    "example"}`. Files appear when all is done. Raises UsageError for wrong settings and paths, InputError for a
    file that can't be read, DataError where more than `options.max_dropped` of the examples would go.
    """
    options = options or DecontaminateOptions()
    _refuse(source, against, [out, report, removed], options)
    sources = find_benchmarks(against)
    _refuse_itself(source, sources)
    settings = {**asdict(options), "against": [without_home(each) for each in against]}
    result = DecontaminateReport(without_home(source), without_home(out), settings, Index())
    result.index = build(
        ((each.name, read_benchmark(each, result.bad_items.spoil)) for each in sources), options
    )
    result.hits = [Hits() for _ in result.index.benchmarks]
    if not result.index.passages:
        bad = "".join(f"; {why}: {', '.join(places)}" for why, places in result.bad_items.samples.items())
        raise UsageError(
            f"--against {' '.join(against)}: no item has a text of {options.min_words} words; "
            f"give other files or a smaller --min-words{bad}"
        )
    with contextlib.ExitStack() as files:
        keep = files.enter_context(writing_lines(out))
        reject = files.enter_context(writing_lines(removed)) if removed else None
        _filter(_rows(source, result, on_progress), result, options, keep, reject)
        _guard(result, options, out)
    if report:
        with writing_lines(report) as write:
            write(json.dumps(result.as_json(), ensure_ascii=False, indent=2).encode() + b"\n")
    return result


def _refuse(
    source: str, against: list[str], outputs: list[str | None], options: DecontaminateOptions
) -> None:
    if options.mark and outputs[2]:
        raise UsageError("--removed: nothing is removed with --mark")
    if outputs.count(STANDARD) > 1:
        raise UsageError("-: standard output takes one of --out, --removed and --report")
    named = [Path(path).resolve() for path in [source, *outputs] if path and path != STANDARD]
    for path in named:
        if named.count(path) > 1:
            raise UsageError(f"{path}: named twice; input, output, report and removed need a file each")
    for written in named[1 if source != STANDARD else 0 :]:
        if any(written.is_relative_to(Path(each).resolve()) for each in against):
            raise UsageError(f"{written}: is a benchmark, or would be one in the next run; write elsewhere")


def _refuse_itself(source: str, benchmarks: list[Source]) -> None:
    """Refuse to hold a file against itself: every example would go."""
    if source == STANDARD:
        return
    for benchmark in benchmarks:
        if any(file.resolve() == Path(source).resolve() for file in benchmark.files):
            raise UsageError(f"{source}: is also among the benchmarks of --against; leave it out there")


def _rows(source: str, result: DecontaminateReport, on_progress: OnProgress | None) -> Iterator[Row]:
    kind = kind_of(source)

    def on_bad(place: str, reason: str) -> None:
        result.account.spoil(place, reason)

    def on_line(size: int) -> None:
        if on_progress:
            on_progress(size, 1)

    if kind == "parquet":
        return rows_of_parquet(source, on_line=on_line)
    if kind == "json":
        return rows_of_array(source, on_bad, on_line)
    return rows_of_lines(source, read_lines(source), on_bad, on_line)


def _filter(
    rows: Iterator[Row],
    result: DecontaminateReport,
    options: DecontaminateOptions,
    keep: Write,
    reject: Write | None,
) -> None:
    account = result.account
    for row, texts in _suspects(rows, result.index):
        account.read += 1
        found = _look(row, texts, result)
        result.contaminated += bool(found)
        if found and not options.mark:
            account.drop(CONTAMINATED, row.place)
            if reject:
                matches = [each.as_json() for each in found]
                reject(encode({"place": row.place, "matches": matches, "example": row.record}))
            continue
        account.kept += 1
        if not found:
            keep(row.written)
            continue
        account.note("marked as contaminated")
        keep(encode(_marked(row.record, sorted({each.benchmark for each in found}))))


def _marked(record: dict[str, Any], benchmarks: list[str]) -> dict[str, Any]:
    meta = record.get("meta")
    return {**record, "meta": {**(meta if isinstance(meta, dict) else {}), CONTAMINATED: benchmarks}}


def _suspects(rows: Iterator[Row], index: Index) -> Iterator[tuple[Row, Texts]]:
    """Yield each row with those of its texts that have to be looked at word by word, which are few."""
    for batch in _batches(rows):
        suspects = iter(index.suspects([text for _, texts in batch for _, text in texts]))
        for row, texts in batch:
            yield row, [each for each in texts if next(suspects)]


def _batches(rows: Iterator[Row]) -> Iterator[list[tuple[Row, Texts]]]:
    """Yield rows with their texts, a few megabytes at a time."""
    batch: list[tuple[Row, Texts]] = []
    size = 0
    for row in rows:
        texts = list(texts_of(row.record))
        batch.append((row, texts))
        size += sum(len(text) for _, text in texts)
        if size > BATCH_CHARS or len(batch) == BATCH_ROWS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _look(row: Row, texts: Texts, result: DecontaminateReport) -> list[Found]:
    """Return the longest shared passage with each item, and count items and examples."""
    best: dict[int, Found] = {}
    index = result.index
    for path, text in texts:
        for match in index.find(text):
            words = match.last - match.first
            if match.item not in best or best[match.item].words < words:
                name = index.benchmarks[index.item_benchmarks[match.item]].name
                best[match.item] = Found(
                    name, index.item_names[match.item], row.place, path, match.first, words,
                    match.passage[:PASSAGE_CHARS],
                )  # fmt: skip
    for number in {index.item_benchmarks[item] for item in best}:
        result.hits[number].examples += 1
    for item, found in sorted(best.items()):
        hits = result.hits[index.item_benchmarks[item]]
        hits.items.add(item)
        if len(hits.samples) < SAMPLES:
            hits.samples.append(found)
    return [best[item] for item in sorted(best)]


def _guard(result: DecontaminateReport, options: DecontaminateOptions, out: str) -> None:
    """Stop where so much would go that the benchmark is rather the training data itself."""
    read, gone = result.account.read, result.account.dropped[CONTAMINATED]
    if read < FEWEST_TO_GUARD or gone <= options.max_dropped * read:
        return
    most = max(result.benchmarks(), key=lambda row: int(row["examples_hit"]))
    raise DataError(
        f"{gone:,} of {read:,} examples are contaminated, {most['examples_hit']:,} of them by "
        f"{most['benchmark']}: more than --max-dropped {options.max_dropped:g}. "
        + ("" if out == STANDARD else "Nothing was written. ")
        + "Is a benchmark the training data itself? If not, look at them with --mark or raise --max-dropped"
    )
