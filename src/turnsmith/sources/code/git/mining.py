"""Mine repositories: walk the history, drop what teaches nothing, write examples of the rest."""

import tempfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from turnsmith.core.chat import Message, encode
from turnsmith.core.files import write_json
from turnsmith.core.lines import Write, writing_lines
from turnsmith.core.progress import Phases
from turnsmith.sources.code.git.classes import class_of, may_be_class, why_shapeless
from turnsmith.sources.code.git.commit import Broken, Commit
from turnsmith.sources.code.git.examples import REVIEW, Fits, build, review_of
from turnsmith.sources.code.git.files import File, Files, LeftOutError, sources
from turnsmith.sources.code.git.history import list_commits, walk
from turnsmith.sources.code.git.options import AuthorHash, MineOptions
from turnsmith.sources.code.git.patch_reader import Patches
from turnsmith.sources.code.git.report import MineReport, RepositoryReport
from turnsmith.sources.code.git.review import named_culprit, note_of
from turnsmith.sources.code.git.rules import ONLY_NEW, why_dropped
from turnsmith.sources.code.licenses import licenses_at
from turnsmith.sources.code.licenses.verdict import both
from turnsmith.sources.code.objects import UnreadableError
from turnsmith.sources.code.repository import Repository, names_of, opened

NEITHER = "neither a fix nor a feature"
OVER_SHARE = "author's share is full"
NO_EXAMPLE = "no example fits"
CUT_OFF = "history is cut off here"
AHEAD = 32


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what all repositories of a run share; `shares` counts the commits used of each author."""

    options: MineOptions
    fits: Fits
    authors: AuthorHash
    write: Write
    result: MineReport
    shares: Counter[str] = field(default_factory=Counter)


def mine(
    places: Sequence[str], out: str, options: MineOptions, phases: Phases, report: str | None = None
) -> MineReport:
    """Write examples of the repositories at `places` to `out`; return what came of it, also to the file `report`.

    The order is that of the places, then of the history, newest first, then of the kinds. Raises InputError for what
    is no repository, an empty one or an unknown branch, UsageError for options that don't fit.
    """
    result = MineReport(out)
    fits, authors = options.fits(), options.author_hash()
    with writing_lines(out) as write:
        run = Run(options, fits, authors, write, result)
        for place, name in zip(places, names_of(places), strict=True):
            with opened(place, name) as repository:
                result.repositories.append(RepositoryReport(name, shallow=repository.shallow))
                _mine_repository(run, repository, result.repositories[-1], phases)
    if report is not None:
        write_json(Path(report), result.as_json())
    return result


def _mine_repository(run: Run, repository: Repository, report: RepositoryReport, phases: Phases) -> None:
    """Mine one repository, if its license allows it."""
    tip = repository.resolve(run.options.branch)
    tips = sorted({tip, *repository.branches().values()}) if run.options.all_branches else [tip]
    name = repository.name
    report.commit = tip
    with repository.objects() as objects:
        licenses = licenses_at(repository, tip, objects)
        report.license = licenses.verdict
        report.denied = run.options.policy.why_denied(licenses.verdict) or ""
        if report.denied:
            return
        files = Files(objects, licenses, run.options.policy)
        with tempfile.TemporaryFile() as ids, Patches(repository) as patches:
            listing = list_commits(repository, tips, run.options.window, ids)
            report.counted, report.stopped = listing.counted, listing.stopped
            report.count_unseen(listing.merges, listing.outside)
            with Patches(repository) as hindsight, phases.phase(name, listing.wanted, "commits") as advance:
                miner = Miner(run, repository, report, files, patches, hindsight)
                for _ in miner.mine(walk(repository, listing, f"{tip}:.mailmap")):
                    advance(1, 1)


@dataclass(frozen=True, slots=True)
class Miner:
    """Make examples of one repository's commits; `hindsight` reads the commits that later ones name."""

    run: Run
    repository: Repository
    report: RepositoryReport
    files: Files
    patches: Patches
    hindsight: Patches

    def mine(self, commits: Iterable[Commit | Broken]) -> Iterator[None]:
        """Write the examples of commits in their order, and count each once; yield after each.

        Git is asked for patches some commits ahead, so that it works while examples are built.
        """
        ahead: deque[tuple[Commit | Broken, str | None]] = deque()
        for commit in commits:
            reason = commit.reason if isinstance(commit, Broken) else self._why_dropped(commit)
            if reason is None:
                self.patches.ask(commit.id)
            ahead.append((commit, reason))
            if len(ahead) > AHEAD:
                self._take(*ahead.popleft())
                yield
        for commit, reason in ahead:
            self._take(commit, reason)
            yield

    def _why_dropped(self, commit: Commit) -> str | None:
        """Return the rule that takes a commit without a look into any file."""
        if self.repository.shallow and not commit.parents:
            return CUT_OFF
        if reason := why_dropped(commit, self.run.options.max_files):
            return reason
        return None if may_be_class(commit.said) else NEITHER

    def _take(self, commit: Commit | Broken, reason: str | None) -> None:
        """Write the examples of a commit, unless there is a reason against it, and count it."""
        place = f"{self.repository.name}@{commit.id[:12]}"
        account = self.report.commits
        if isinstance(commit, Broken):
            account.spoil(place, commit.reason)
            return
        if REVIEW in self.run.options.kinds:
            self._review(commit)
        try:
            reason = reason or self._examples(commit)
        except UnreadableError as error:
            account.spoil(place, str(error))
            return
        except LeftOutError as error:
            reason = str(error)
        account.read += 1
        if reason is None:
            account.kept += 1
        else:
            account.drop(reason, place)

    def _examples(self, commit: Commit) -> str | None:
        """Write the examples of a commit whose patches were asked for; return the reason where there are none."""
        used = self._files(self.patches)
        if not any(file.patch.old_path and file.patch.new_path for file in sources(used)):
            return ONLY_NEW
        if reason := why_shapeless(used):
            return reason
        found = class_of(commit.said, self.files, used)
        if found is None:
            return NEITHER
        author = self.run.authors.of(commit.email)
        most = self.run.options.max_per_author
        if most is not None and self.run.shares[author] >= most:
            return OVER_SHARE
        if not self._write_all(commit, found, author, used):
            return NO_EXAMPLE
        self.run.shares[author] += 1
        self.run.result.classes[found] += 1
        return None

    def _files(self, patches: Patches) -> list[File]:
        """Return the files of the next answer that an example may be made of; the others are noted."""
        selected, left_out = self.files.select(patches.answer())
        most = self.run.options.max_lines
        if sum(patch.changed for patch, _ in selected) > most:
            raise LeftOutError(f"more than {most:,} changed lines")
        used, more_left_out = self.files.read(selected)
        for reason in (*left_out, *more_left_out):
            self.report.commits.note(f"file left out: {reason}")
        return used

    def _write_all(self, commit: Commit, found: str, author: str, used: Sequence[File]) -> int:
        """Write one example of each kind that can be built; return how many."""
        meta = _meta(self.repository.name, commit.id, author, commit.date, found, used)
        written = 0
        for kind in self.run.options.kinds:
            if kind == REVIEW:
                continue
            built = build(kind, commit.said, self.files, used, self.run.fits)
            if built.reason:
                self.run.result.not_built[f"{kind}: {built.reason}"] += 1
            else:
                self._write(built.messages, meta, kind, f"git:{self.repository.name}:{commit.id}:{kind}")
                written += 1
        return written

    def _review(self, commit: Commit) -> None:
        """Write what a commit says was wrong with an earlier one, if it names one and says why."""
        note = note_of(commit.said)
        culprit = named_culprit(commit, self.repository) if note is not None else None
        if note is None or culprit is None:
            return
        self.hindsight.ask(culprit)
        try:
            used = self._files(self.hindsight)
        except (UnreadableError, LeftOutError):
            return
        messages = review_of(used, note)
        if sources(used) and self.run.fits(messages):
            meta = _meta(
                self.repository.name, culprit, self.run.authors.of(commit.email), commit.date, "fix", used
            )
            name = f"git:{self.repository.name}:{culprit}:{REVIEW}:{commit.id[:12]}"
            self._write(messages, meta, REVIEW, name)

    def _write(self, messages: list[Message], meta: dict[str, Any], kind: str, name: str) -> None:
        self.run.write(encode({"messages": messages, "meta": meta | {"kind": kind, "id": name}}))
        self.run.result.examples[kind] += 1


def _meta(repo: str, commit: str, author: str, date: str, found: str, used: Sequence[File]) -> dict[str, Any]:
    """Return what an example says about its origin; every example has the same keys, and no null."""
    return {
        "source": "git",
        "repo": repo,
        "commit": commit,
        "path": next((file.patch.path for file in sources(used)), ""),
        "paths": [file.patch.path for file in used],
        "author": author,
        "date": date,
        "class": found,
        "license": reduce(both, (file.license for file in used)).expression if used else "",
    }
