"""The merge of several files: index, plan, write in mixed order."""

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from turnsmith.core.chat import Example, encode, examples_in
from turnsmith.core.errors import EmptyResultError, InputError, UsageError
from turnsmith.core.files import write_json
from turnsmith.core.hashing import portable_hash
from turnsmith.core.lines import writing_lines
from turnsmith.curate.clean.counting import token_counter
from turnsmith.curate.clean.spooling import Lines, replayable
from turnsmith.curate.clean.step import OnProgress, watched, without_home
from turnsmith.curate.merge.index import Index, Source, build, prepared
from turnsmith.curate.merge.mixing import Mixer
from turnsmith.curate.merge.naming import output_files, source_names, weights_of
from turnsmith.curate.merge.options import MergeOptions
from turnsmith.curate.merge.planning import EVAL, Plan, plan
from turnsmith.curate.merge.report import MergeReport, SourceReport
from turnsmith.curate.merge.shapes import as_texts

WORK_SUFFIX = ".merge.part"


def merge(
    inputs: list[str],
    name: str,
    out: str,
    options: MergeOptions | None = None,
    *,
    on_progress: OnProgress | None = None,
) -> MergeReport:
    """Write `train.<name>.jsonl`, `eval.<name>.jsonl` and `<name>.report.json` to the folder `out`.

    Each input is read twice. Raises UsageError for wrong settings and for files that are there already,
    InputError for an input that can't be read or changes meanwhile, EmptyResultError where nothing is left.
    """
    options = options or MergeOptions()
    names = source_names(inputs)
    weights = weights_of(names, options.weights)
    paths = output_files(Path(out), name, force=options.force, inputs=inputs)
    with _work_folder(Path(out), name) as work, contextlib.ExitStack() as opened:
        sources = [
            _source(label, path, opened.enter_context(replayable(path, work)), on_progress)
            for label, path in zip(names, inputs, strict=True)
        ]
        index = build(
            sources, options.seed, strip_meta=options.strip_meta, by_repository=options.by_repository
        )
        if not index.orders:
            raise EmptyResultError(f"{', '.join(inputs)}: there is no example in them")
        decided = plan(index, options, weights)
        most = int(max(1.0, *weights))
        mixers = Mixer(work / "train", index.bytes_read * most), Mixer(work / "eval", index.bytes_read)
        reports = _write(sources, index, decided, options, weights, mixers)
        report = _report(paths, options, index, decided, reports)
        paths[2].unlink(missing_ok=True)  # it comes last and says that the other two belong together
        with contextlib.ExitStack() as files:
            for mixer, path in zip(mixers, paths[:2], strict=True):
                mixer.write_to(files.enter_context(writing_lines(str(path))))
        write_json(paths[2], report.as_json())
    return report


@contextlib.contextmanager
def _work_folder(out: Path, name: str) -> Iterator[Path]:
    """Give an empty folder in `out`; what a killed merge left there goes."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is no folder")
    work = out / f".{name}{WORK_SUFFIX}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _source(label: str, path: str, lines: Callable[[], Lines], on_progress: OnProgress | None) -> Source:
    return Source(label, without_home(path), lambda: watched(lines(), on_progress))


def _write(
    sources: list[Source],
    index: Index,
    decided: Plan,
    options: MergeOptions,
    weights: list[float],
    mixers: tuple[Mixer, Mixer],
) -> list[SourceReport]:
    """Read all sources again and hand each line that is wanted to its side's mixer."""
    count = token_counter(options.tokenizer, options.chat_template)
    reports = [
        SourceReport(source.name, source.place, weight, account)
        for source, weight, account in zip(sources, weights, index.accounts, strict=True)
    ]
    for each, original in enumerate(_kept(sources, index)):
        report = reports[index.sources[each]]
        copies = decided.copies[each]
        if copies == 0:
            report.left_out += 1
            continue
        example = as_texts(prepared(original, strip_meta=options.strip_meta), decided.texts)
        line = encode(example)
        order = index.orders[each]
        head = order in decided.heads
        report.add(example, count(example), 0 if copies == EVAL else copies)
        if copies == EVAL:
            mixers[1].add(order, line, head=head)
            continue
        mixers[0].add(order, line, head=head)
        for copy in range(1, copies):
            mixers[0].add(portable_hash(f"{order}:{copy}"), line)
    return reports


def _kept(sources: list[Source], index: Index) -> Iterator[Example]:
    """Yield the indexed examples again, in order; raises InputError where an input has changed since."""
    fates = iter(index.fates)
    for source, account in zip(sources, index.accounts, strict=True):
        examples = examples_in(source.place, source.lines(), lambda *_: None)
        read = 0
        for (_, example), kept in zip(examples, itertools.islice(fates, account.read), strict=False):
            read += 1
            if kept:
                yield example
        if read != account.read:
            raise InputError(f"{source.place}: changed while it was read; run the merge again")


def _report(
    paths: tuple[Path, Path, Path],
    options: MergeOptions,
    index: Index,
    decided: Plan,
    reports: list[SourceReport],
) -> MergeReport:
    settings = asdict(options)
    del settings["force"]
    evaluated = {group for each, group in enumerate(index.groups) if decided.copies[each] == EVAL}
    trained = {group for each, group in enumerate(index.groups) if 0 < decided.copies[each] < EVAL}
    assert evaluated.isdisjoint(trained), "a group came to both sides"
    return MergeReport(
        paths[0].name,
        paths[1].name,
        settings,
        reports,
        eval_groups=len(evaluated),
        train_groups=len(trained),
        texts=decided.texts,
        warnings=[*index.notes, *decided.warnings],
    )
