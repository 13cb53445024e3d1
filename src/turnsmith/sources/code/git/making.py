"""Make the examples of commits out of what git has of each, so that any process can do it."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from turnsmith.core.chat import Message, encode
from turnsmith.sources.code.git.classes import class_of, may_be_class, why_shapeless
from turnsmith.sources.code.git.commit import Broken, Commit
from turnsmith.sources.code.git.examples import REVIEW, Fits, build, review_of
from turnsmith.sources.code.git.files import File, Files, LeftOutError, sources
from turnsmith.sources.code.git.options import AuthorHash, MineOptions
from turnsmith.sources.code.git.patch_reader import Patches
from turnsmith.sources.code.git.review import named_culprit, note_of
from turnsmith.sources.code.git.rules import ONLY_NEW, why_dropped
from turnsmith.sources.code.licenses import Licenses
from turnsmith.sources.code.licenses.verdict import both
from turnsmith.sources.code.objects import Objects, UnreadableError
from turnsmith.sources.code.repository import Repository

NEITHER = "neither a fix nor a feature"
NO_EXAMPLE = "no example fits"
CUT_OFF = "history is cut off here"
CHANGE_BYTES = 12

Line = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """Hold what the examples of one repository depend on beside its commits; it can be sent to another process."""

    repository: Repository
    licenses: Licenses
    authors: AuthorHash
    options: MineOptions


@dataclass(slots=True)
class Outcome:
    """Hold what came of a commit: its examples as (kind, line of the output), or the reason why there are none.

    `unreadable` tells that the reason is about an object that git can't show; `found` is the class, empty where the
    commit was dropped before, and `change` a digest of what it changes; `not_built` says why a kind has no example,
    `notes` what was left out; `reviews` are examples of an earlier commit.
    """

    commit: str
    reason: str | None = None
    unreadable: bool = False
    found: str = ""
    change: bytes = b""
    author: str = ""
    reviews: list[Line] = field(default_factory=list)
    examples: list[Line] = field(default_factory=list)
    not_built: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@contextlib.contextmanager
def making(source: Source, fits: Fits) -> Iterator["Maker"]:
    """Give what makes the examples of a repository, with git processes of its own."""
    repository = source.repository
    with (
        repository.objects() as objects,
        Patches(repository) as patches,
        Patches(repository) as hindsight,
    ):
        yield Maker(source, fits, objects, patches, hindsight)


class Maker:
    """Make examples of one repository's commits; `hindsight` reads the commits that later ones name."""

    def __init__(
        self, source: Source, fits: Fits, objects: Objects, patches: Patches, hindsight: Patches
    ) -> None:
        self._source = source
        self._options = source.options
        self._fits = fits
        self._objects = objects
        self._patches = patches
        self._hindsight = hindsight
        self._files = self._new_files()

    def make(self, batch: Sequence[Commit | Broken]) -> Iterator[Outcome]:
        """Yield what comes of commits in their order; of a batch it depends on nothing that was made before.

        Git is asked for all patches of a batch first, so that it works while examples are built. Keep to some 200
        commits: the questions must fit into a pipe.
        """
        self._files = self._new_files()
        outcomes = [self._looked_at(commit) for commit in batch]
        for outcome in outcomes:
            if outcome.reason is None:
                self._patches.ask(outcome.commit)
        for commit, outcome in zip(batch, outcomes, strict=True):
            if isinstance(commit, Commit):
                self._make(commit, outcome)
            yield outcome

    def _new_files(self) -> Files:
        return Files(self._objects, self._source.licenses, self._options.policy)

    def _looked_at(self, commit: Commit | Broken) -> Outcome:
        """Return what can be told of a commit without a look into any file."""
        if isinstance(commit, Broken):
            return Outcome(commit.id, commit.reason, unreadable=True)
        return Outcome(commit.id, self._why_dropped(commit))

    def _why_dropped(self, commit: Commit) -> str | None:
        """Return the rule that takes a commit without a look into any file."""
        if self._source.repository.shallow and not commit.parents:
            return CUT_OFF
        if reason := why_dropped(commit, self._options.max_files):
            return reason
        return None if may_be_class(commit.said) else NEITHER

    def _make(self, commit: Commit, outcome: Outcome) -> None:
        """Add the examples of a commit, unless there is a reason against it, or the reason."""
        if REVIEW in self._options.kinds:
            self._review(commit, outcome)
        if outcome.reason is not None:
            return
        try:
            outcome.reason = self._examples(commit, outcome)
        except UnreadableError as error:
            outcome.reason, outcome.unreadable = str(error), True
        except LeftOutError as error:
            outcome.reason = str(error)

    def _examples(self, commit: Commit, outcome: Outcome) -> str | None:
        """Add the examples of a commit whose patches were asked for; return the reason where there are none."""
        used = self._used(self._patches, outcome)
        if not any(file.patch.old_path and file.patch.new_path for file in sources(used)):
            return ONLY_NEW
        if reason := why_shapeless(used):
            return reason
        found = class_of(commit.said, self._files, used)
        if found is None:
            return NEITHER
        outcome.found, outcome.author = found, self._source.authors.of(commit.email)
        outcome.change = _digest(used)
        self._build_all(commit, outcome, used)
        return None if outcome.examples else NO_EXAMPLE

    def _used(self, patches: Patches, outcome: Outcome) -> list[File]:
        """Return the files of the next answer that an example may be made of; the others are noted."""
        selected, left_out = self._files.select(patches.answer())
        most = self._options.max_lines
        if sum(patch.changed for patch, _ in selected) > most:
            raise LeftOutError(f"more than {most:,} changed lines")
        used, more_left_out = self._files.read(selected)
        outcome.notes += [f"file left out: {reason}" for reason in (*left_out, *more_left_out)]
        return used

    def _build_all(self, commit: Commit, outcome: Outcome, used: Sequence[File]) -> None:
        """Add one example of each kind that can be built."""
        name = self._source.repository.name
        meta = _meta(name, commit.id, outcome.author, commit.date, outcome.found, used)
        for kind in self._options.kinds:
            if kind == REVIEW:
                continue
            built = build(kind, commit.said, self._files, used, self._fits)
            if built.reason:
                outcome.not_built.append(f"{kind}: {built.reason}")
            else:
                outcome.examples.append(_line(built.messages, meta, kind, f"git:{name}:{commit.id}:{kind}"))

    def _review(self, commit: Commit, outcome: Outcome) -> None:
        """Add what a commit says was wrong with an earlier one, if it names one and says why."""
        note = note_of(commit.said)
        culprit = named_culprit(commit, self._source.repository) if note is not None else None
        if note is None or culprit is None:
            return
        self._hindsight.ask(culprit)
        try:
            used = self._used(self._hindsight, outcome)
        except (UnreadableError, LeftOutError):
            return
        messages = review_of(used, note)
        if sources(used) and self._fits(messages):
            name, author = self._source.repository.name, self._source.authors.of(commit.email)
            meta = _meta(name, culprit, author, commit.date, "fix", used)
            of = f"git:{name}:{culprit}:{REVIEW}:{commit.id[:12]}"
            outcome.reviews.append(_line(messages, meta, REVIEW, of))


def _line(messages: list[Message], meta: dict[str, Any], kind: str, name: str) -> Line:
    return kind, encode({"messages": messages, "meta": meta | {"kind": kind, "id": name}})


def _digest(used: Sequence[File]) -> bytes:
    """Return what is the same for commits that change the same lines of the same files, wherever these stand."""
    digest = hashlib.blake2b(digest_size=CHANGE_BYTES)
    for file in used:
        digest.update(f"{file.patch.path}\0".encode())
        for hunk in file.patch.hunks:
            digest.update(b"".join(line for line in hunk.lines if line[:1] in b"-+"))
    return digest.digest()


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
