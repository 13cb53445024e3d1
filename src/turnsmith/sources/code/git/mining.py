"""Mine repositories: walk the history, drop what teaches nothing, write examples of the rest."""

import contextlib
import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from turnsmith.core.errors import InputError
from turnsmith.core.files import write_json
from turnsmith.core.lines import Write, writing_lines
from turnsmith.core.progress import Advance, Phases
from turnsmith.sources.code.git.commit import Broken, Commit
from turnsmith.sources.code.git.examples import Fits
from turnsmith.sources.code.git.history import list_commits, walk
from turnsmith.sources.code.git.making import Line, Outcome, Source
from turnsmith.sources.code.git.options import AuthorHash, MineOptions
from turnsmith.sources.code.git.report import MineReport, RepositoryReport
from turnsmith.sources.code.git.workers import Batch, Workers, batches, usual_workers
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

    Where no example is left, `out` does not appear, or stays as it was.

    The order is that of the places, then of the history, newest first, then of the kinds. One place that is no
    repository, an empty one or without the branch is an InputError, one of several is left out with its reason. Raises
    UsageError for options that don't fit, DataError where a worker process is killed.
    """
    result = MineReport(out)
    fits, authors = options.fits(), options.author_hash()
    with (
        writing_lines(out, empty=False) as write,
        _Jobs(phases) as jobs,
        Workers(options.workers or usual_workers(), fits) as workers,
    ):
        run = Run(options, fits, authors, write, result)
        for job, outcomes in workers.made(_work(run, places, jobs)):
            advance = jobs.at(job)
            for outcome in outcomes:
                run.take(job.report, outcome)
                advance(1, 1)
    if report is not None:
        write_json(Path(report), result.as_json())
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """Hold a repository that is being mined: what its examples depend on, its report, and what closes it."""

    source: Source
    report: RepositoryReport
    expected: int
    ends: contextlib.ExitStack


class _Jobs:
    """Keep the repositories open whose outcomes are not all taken, and show a bar for the one at hand."""

    def __init__(self, phases: Phases) -> None:
        self._phases = phases
        self._open: deque[_Job] = deque()
        self._bar = contextlib.ExitStack()
        self._shown: _Job | None = None
        self._advance: Advance

    def add(self, job: _Job) -> None:
        """Take a repository that was opened."""
        self._open.append(job)

    def at(self, job: _Job) -> Advance:
        """Return what moves the bar of a repository, and close those before it."""
        if job is not self._shown:
            self._bar.close()
            while self._open[0] is not job:
                self._open.popleft().ends.close()
            phase = self._phases.phase(job.report.name, job.expected, "commits")
            self._advance, self._shown = self._bar.enter_context(phase), job
        return self._advance

    def __enter__(self) -> "_Jobs":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        for job in self._open:
            job.ends.close()


def _work(run: Run, places: Sequence[str], jobs: _Jobs) -> Iterator[tuple[_Job, Batch]]:
    """Yield the commits of all repositories in batches; what can't be read is said in its report."""
    for place, name in zip(places, names_of(places), strict=True):
        report = RepositoryReport(name)
        run.result.repositories.append(report)
        try:
            with contextlib.ExitStack() as ends:
                repository = ends.enter_context(opened(place, name))
                begun = _begin(run, repository, report, ends)
                if begun is None:
                    continue
                job, commits = begun
            jobs.add(job)
            for batch in batches(commits):
                yield job, batch
        except InputError as error:
            if len(places) == 1:
                raise
            report.denied = str(error)


def _begin(
    run: Run, repository: Repository, report: RepositoryReport, ends: contextlib.ExitStack
) -> tuple[_Job, Iterator[Commit | Broken]] | None:
    """Return a repository's job, which takes over what `ends` holds, and its commits.

    None where its license does not allow to mine it.
    """
    report.shallow = repository.shallow
    tip = repository.resolve(run.options.branch)
    tips = sorted({tip, *repository.branches().values()}) if run.options.all_branches else [tip]
    report.commit = tip
    with repository.objects() as objects:
        licenses = licenses_at(repository, tip, objects)
    report.license = licenses.verdict
    report.denied = run.options.policy.why_denied(licenses.verdict) or ""
    if report.denied:
        return None
    ids = ends.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    listing = list_commits(repository, tips, run.options.window, ids)
    report.counted, report.stopped = listing.counted, listing.stopped
    report.count_unseen(listing.merges, listing.outside)
    source = Source(repository, licenses, run.authors, run.options)
    job = _Job(source, report, listing.wanted, ends.pop_all())
    return job, walk(repository, listing, f"{tip}:.mailmap")
