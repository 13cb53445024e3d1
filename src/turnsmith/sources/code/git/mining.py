"""Mine repositories: walk the history, drop what teaches nothing, write examples of the rest."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from turnsmith.core.chat import encode
from turnsmith.core.files import write_json
from turnsmith.core.lines import Write, writing_lines
from turnsmith.core.progress import Phases
from turnsmith.sources.code.git.classes import class_of, may_be_class, why_shapeless
from turnsmith.sources.code.git.commit import Broken, Commit
from turnsmith.sources.code.git.examples import Fits, build
from turnsmith.sources.code.git.files import File, Files, LeftOutError, sources
from turnsmith.sources.code.git.history import list_commits, walk
from turnsmith.sources.code.git.messages import Said, cleaned
from turnsmith.sources.code.git.options import AuthorHash, MineOptions
from turnsmith.sources.code.git.patches import Patches
from turnsmith.sources.code.git.report import MineReport, RepositoryReport
from turnsmith.sources.code.git.rules import ONLY_NEW, why_dropped
from turnsmith.sources.code.licenses import licenses_at
from turnsmith.sources.code.licenses.verdict import both
from turnsmith.sources.code.objects import UnreadableError
from turnsmith.sources.code.repository import Repository, names_of, opened

NEITHER = "neither a fix nor a feature"
OVER_SHARE = "author's share is full"
NO_EXAMPLE = "no example fits"


def mine(
    places: Sequence[str], out: str, options: MineOptions, phases: Phases, report: str | None = None
) -> MineReport:
    """Write examples of the repositories at `places` to `out`; return what came of it, also to the file `report`.

    The order is that of the places, then of the history, newest first, then of the kinds. Raises InputError for what
    is no repository, an empty one or an unknown branch, UsageError for options that don't fit.
    """
    result = MineReport(out)
    job = _Job(options, options.fits(), options.author_hash(), result)
    with writing_lines(out) as write:
        for place, name in zip(places, names_of(places), strict=True):
            with opened(place, name) as repository:
                result.repositories.append(RepositoryReport(name))
                job.run(repository, result.repositories[-1], write, phases)
    if report is not None:
        write_json(Path(report), result.as_json())
    return result


class _Job:
    """Hold what is the same for all repositories of a run, and the authors' shares."""

    def __init__(self, options: MineOptions, fits: Fits, authors: AuthorHash, result: MineReport) -> None:
        self._options = options
        self._fits = fits
        self._authors = authors
        self._result = result
        self._shares: Counter[str] = Counter()

    def run(self, repository: Repository, report: RepositoryReport, write: Write, phases: Phases) -> None:
        """Mine one repository."""
        report.shallow = repository.shallow
        tip = repository.resolve(self._options.branch)
        tips = sorted({tip, *repository.branches().values()}) if self._options.all_branches else [tip]
        report.commit = tip
        with repository.objects() as objects:
            licenses = licenses_at(repository, tip, objects)
            report.license = licenses.verdict
            report.denied = self._options.policy.why_denied(licenses.verdict) or ""
            if report.denied:
                return
            files = Files(objects, licenses, self._options.policy)
            with tempfile.TemporaryFile() as ids, Patches(repository) as patches:
                listing = list_commits(repository, tips, self._options.window, ids)
                report.counted, report.stopped = listing.counted, listing.stopped
                report.count_unseen(listing.merges, listing.outside)
                with phases.phase(repository.name, listing.wanted, "commits") as advance:
                    for commit in walk(repository, listing, f"{tip}:.mailmap"):
                        self._account(commit, repository, files, patches, report, write)
                        advance(1, 1)

    def _account(
        self,
        commit: Commit | Broken,
        repository: Repository,
        files: Files,
        patches: Patches,
        report: RepositoryReport,
        write: Write,
    ) -> None:
        """Write the examples of a commit, and count it once."""
        place = f"{repository.name}@{commit.id[:12]}"
        if isinstance(commit, Broken):
            report.commits.spoil(place, commit.reason)
            return
        try:
            reason = self._examples(commit, repository, files, patches, report, write)
        except UnreadableError as error:
            report.commits.spoil(place, str(error))
            return
        except LeftOutError as error:
            reason = str(error)
        report.commits.read += 1
        if reason is None:
            report.commits.kept += 1
        else:
            report.commits.drop(reason, place)

    def _examples(
        self,
        commit: Commit,
        repository: Repository,
        files: Files,
        patches: Patches,
        report: RepositoryReport,
        write: Write,
    ) -> str | None:
        """Write the examples of a commit; return the reason where there are none."""
        if repository.shallow and not commit.parents:
            return "history is cut off here"
        said = cleaned(commit.message)
        if reason := why_dropped(commit, said, self._options.max_files):
            return reason
        if not may_be_class(said):
            return NEITHER
        selected, left_out = files.select(patches.read(commit.id))
        if sum(patch.changed for patch, _ in selected) > self._options.max_lines:
            return f"more than {self._options.max_lines:,} changed lines"
        used, more_left_out = files.read(selected)
        for reason in (*left_out, *more_left_out):
            report.commits.note(f"file left out: {reason}")
        if not any(file.patch.old_path and file.patch.new_path for file in sources(used)):
            return ONLY_NEW
        if reason := why_shapeless(used):
            return reason
        found = class_of(said, files, used)
        if found is None:
            return NEITHER
        return self._write(commit, said, found, repository, files, used, write)

    def _write(
        self,
        commit: Commit,
        said: Said,
        found: str,
        repository: Repository,
        files: Files,
        used: Sequence[File],
        write: Write,
    ) -> str | None:
        author = self._authors.of(commit.email)
        if self._options.max_per_author is not None and self._shares[author] >= self._options.max_per_author:
            return OVER_SHARE
        meta = _meta(repository.name, commit, author, found, used)
        written = 0
        for kind in self._options.kinds:
            built = build(kind, said, files, used, self._fits)
            if built.reason:
                self._result.not_built[f"{kind}: {built.reason}"] += 1
                continue
            extra = {"kind": kind, "id": f"git:{repository.name}:{commit.id}:{kind}"}
            write(encode({"messages": built.messages, "meta": meta | extra}))
            self._result.examples[kind] += 1
            written += 1
        if not written:
            return NO_EXAMPLE
        self._shares[author] += 1
        self._result.classes[found] += 1
        return None


def _meta(repo: str, commit: Commit, author: str, found: str, used: Sequence[File]) -> dict[str, Any]:
    """Return what an example says about its origin; every example has the same keys, and no null."""
    paths = [file.patch.path for file in used]
    return {
        "source": "git",
        "repo": repo,
        "commit": commit.id,
        "path": sources(used)[0].patch.path,
        "paths": paths,
        "author": author,
        "date": commit.date,
        "class": found,
        "license": reduce(both, (file.license for file in used)).expression,
    }
