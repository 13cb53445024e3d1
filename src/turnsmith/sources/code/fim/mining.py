"""Mining of fill-in-the-middle examples: repositories to files, files to examples."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from turnsmith.core.chat import encode
from turnsmith.core.errors import EmptyResultError, InputError, UsageError
from turnsmith.core.lines import STANDARD, Write, writing_lines
from turnsmith.sources.code.fim.balance import Balance
from turnsmith.sources.code.fim.checking import SkippedError, why_not
from turnsmith.sources.code.fim.files import FileMiner
from turnsmith.sources.code.fim.neighbors import Neighbors
from turnsmith.sources.code.fim.options import FimOptions
from turnsmith.sources.code.fim.places import Place, opened_place
from turnsmith.sources.code.fim.report import FimReport, RepositoryReport
from turnsmith.sources.code.languages import language_of
from turnsmith.sources.code.objects import UnreadableError
from turnsmith.sources.code.repository import names_of

OnProgress = Callable[[int, int], object]
"""Takes the bytes and the files done since the last call."""
OnPlace = Callable[[str, int], OnProgress]
"""Takes a repository's name and the bytes of its files, and gives what takes the progress in it."""
FILES_PER_REPORT = 16


def mine_fim(
    places: Sequence[str],
    out: str,
    options: FimOptions | None = None,
    *,
    report: str | None = None,
    revision: str = "HEAD",
    on_place: OnPlace | None = None,
) -> FimReport:
    """Write fill-in-the-middle examples of git repositories, bundles and folders, in the order of their paths.

    `report` is a file for the report. One repository that can't be read is an InputError, one of several is counted.
    Raises EmptyResultError where no example came out; then there is no file but the report.
    """
    if not places:
        raise UsageError("name at least one repository, bundle or folder")
    outputs = [path for path in (out, report) if path and path != STANDARD]
    if len({Path(path).resolve() for path in outputs}) < len(outputs):
        raise UsageError(f"{out}: named twice; --out and --report need a file each")
    options = options or FimOptions()
    result = FimReport(out)
    miner = FileMiner(options, result)
    names = names_of(places)
    with writing_lines(out) as write:
        for place, name in zip(places, names, strict=True):
            result.places.read += 1
            try:
                with opened_place(place, name, revision, outputs) as opened:
                    _mine(opened, miner, options, write, on_place)
            except InputError as error:
                if len(places) == 1:
                    raise
                result.repositories.append(RepositoryReport(name, place, denied=str(error)))
                result.places.drop("can't be read", name)
        if not result.examples:
            _write_report(result, report)
            raise EmptyResultError(_why_nothing(result))
    _write_report(result, report)
    return result


def _mine(
    place: Place, miner: FileMiner, options: FimOptions, write: Write, on_place: OnPlace | None
) -> None:
    """Write the examples of one repository, if its license allows."""
    report = miner.report
    verdict = place.licenses.verdict
    denied = options.licenses.why_denied(verdict) or ""
    repository = RepositoryReport(place.name, place.place, place.commit, verdict, denied)
    report.repositories.append(repository)
    if denied:
        report.places.drop(denied, place.name)
        return
    report.places.kept += 1
    balance, neighbors = Balance(options, _survey(place, options)), Neighbors()
    report.thinned_folders += balance.thinned
    tell = on_place(place.name, balance.bytes) if on_place else None
    done = size = 0
    for entry in place.files():
        report.files.read += 1
        try:
            examples = miner.examples(place, entry, balance, neighbors)
        except (SkippedError, UnreadableError) as reason:
            report.files.drop(str(reason), f"{place.name}/{entry.path}".encode("utf-8", "replace").decode())
        else:
            report.files.kept += 1
            repository.files += 1
            repository.examples += len(examples)
            for example in examples:
                write(encode(example))
        done, size = done + 1, size + entry.size
        if tell and done == FILES_PER_REPORT:
            tell(size, done)
            done = size = 0


def _survey(place: Place, options: FimOptions) -> Iterator[tuple[str, str | None, int]]:
    """Yield path, language and bytes of each file; the language is None for what its name leaves out."""
    for entry in place.files():
        language = language_of(entry.path, b"")
        left_out = language is None or why_not(entry, language, options) is not None
        yield entry.path, None if left_out else language, entry.size


def _write_report(result: FimReport, path: str | None) -> None:
    if path:
        with writing_lines(path) as write:
            write(json.dumps(result.as_json(), ensure_ascii=False, indent=2).encode() + b"\n")


def _why_nothing(report: FimReport) -> str:
    denied = [f"{each.name}: {each.why_denied}" for each in report.denied[:5]]
    reasons = [f"{reason} ({count:,})" for reason, count in report.files.dropped.most_common(5)]
    told = "; ".join([*denied, *reasons]) or "nothing, there are no files"
    more = "; --allow and --unknown say which licenses may be used" if denied else ""
    return f"no example came out; left out were: {told}{more}"
