"""Mine repositories: walk the history, drop what teaches nothing, write examples of the rest."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from turnsmith.core.errors import InputError
from turnsmith.core.files import write_json
from turnsmith.core.lines import Write, writing_lines
from turnsmith.core.progress import Phases
from turnsmith.sources.code.git.examples import Fits
from turnsmith.sources.code.git.history import list_commits, walk
from turnsmith.sources.code.git.making import Line, Outcome, Source
from turnsmith.sources.code.git.options import AuthorHash, MineOptions
from turnsmith.sources.code.git.report import MineReport, RepositoryReport
from turnsmith.sources.code.git.workers import Workers, usual_workers
from turnsmith.sources.code.licenses import licenses_at
from turnsmith.sources.code.repository import Repository, names_of, opened

OVER_SHARE = "author's share is full"
SAME = "same change as another commit"


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what all repositories of a run share.

    `shares` counts the commits used of each author; `changes` has digests of what they change, for branches and forks
    hold the same fix many times.
    """

    options: MineOptions
    fits: Fits
    authors: AuthorHash
    write: Write
    result: MineReport
    shares: Counter[str] = field(default_factory=Counter)
    changes: set[bytes] = field(default_factory=set)

    def take(self, report: RepositoryReport, outcome: Outcome) -> None:
        """Write the examples of a commit, and count it once."""
        account = report.commits
        place = f"{report.name}@{outcome.commit[:12]}"
        for note in outcome.notes:
            account.note(note)
        self._write(outcome.reviews)
        if outcome.unreadable:
            account.spoil(place, str(outcome.reason))
            return
        reason = self._used(outcome) if outcome.found else outcome.reason
        account.read += 1
        if reason is None:
            account.kept += 1
        else:
            account.drop(reason, place)

    def _used(self, outcome: Outcome) -> str | None:
        """Write the examples of a fix or feature; return the reason where there are none."""
        if outcome.change in self.changes:
            return SAME
        most = self.options.max_per_author
        if most is not None and self.shares[outcome.author] >= most:
            return OVER_SHARE
        self.result.not_built.update(outcome.not_built)
        self._write(outcome.examples)
        if outcome.reason is None:
            self.shares[outcome.author] += 1
            self.changes.add(outcome.change)
            self.result.classes[outcome.found] += 1
        return outcome.reason

    def _write(self, examples: Sequence[Line]) -> None:
        for kind, line in examples:
            self.write(line)
            self.result.examples[kind] += 1


def mine(
    places: Sequence[str], out: str, options: MineOptions, phases: Phases, report: str | None = None
) -> MineReport:
    """Write examples of the repositories at `places` to `out`; return what came of it, also to the file `report`.

    The order is that of the places, then of the history, newest first, then of the kinds. One place that is no
    repository, an empty one or without the branch is an InputError, one of several is left out with its reason. Raises
    UsageError for options that don't fit, DataError where a worker process is killed.
    """
    result = MineReport(out)
    fits, authors = options.fits(), options.author_hash()
    with writing_lines(out) as write, Workers(options.workers or usual_workers()) as workers:
        run = Run(options, fits, authors, write, result)
        for place, name in zip(places, names_of(places), strict=True):
            each = RepositoryReport(name)
            result.repositories.append(each)
            try:
                with opened(place, name) as repository:
                    _mine_repository(run, repository, each, workers, phases)
            except InputError as error:
                if len(places) == 1:
                    raise
                each.denied = str(error)
    if report is not None:
        write_json(Path(report), result.as_json())
    return result


def _mine_repository(
    run: Run, repository: Repository, report: RepositoryReport, workers: Workers, phases: Phases
) -> None:
    """Mine one repository, if its license allows it."""
    report.shallow = repository.shallow
    tip = repository.resolve(run.options.branch)
    tips = sorted({tip, *repository.branches().values()}) if run.options.all_branches else [tip]
    report.commit = tip
    with repository.objects() as objects:
        licenses = licenses_at(repository, tip, objects)
    report.license = licenses.verdict
    report.denied = run.options.policy.why_denied(licenses.verdict) or ""
    if report.denied:
        return
    source = Source(repository, licenses, run.authors, run.options)
    with tempfile.TemporaryFile() as ids:
        listing = list_commits(repository, tips, run.options.window, ids)
        report.counted, report.stopped = listing.counted, listing.stopped
        report.count_unseen(listing.merges, listing.outside)
        commits = walk(repository, listing, f"{tip}:.mailmap")
        with phases.phase(repository.name, listing.wanted, "commits") as advance:
            for outcome in workers.made(source, run.fits, commits, listing.wanted):
                run.take(report, outcome)
                advance(1, 1)
