"""From one file to its examples."""

import hashlib
import random

from turnsmith.core.chat import Example
from turnsmith.sources.code.fim.balance import Balance
from turnsmith.sources.code.fim.checking import (
    SkippedError,
    asked_for,
    parsed,
    readable,
    why_not,
)
from turnsmith.sources.code.fim.formats import MESSAGES, PSM, SPM
from turnsmith.sources.code.fim.holes import Hole, HoleChooser
from turnsmith.sources.code.fim.neighbors import SHARE, Neighbors, characters
from turnsmith.sources.code.fim.options import MIDDLE_SHARE, FimOptions
from turnsmith.sources.code.fim.places import Place
from turnsmith.sources.code.fim.report import FimReport
from turnsmith.sources.code.fim.source_text import SourceText
from turnsmith.sources.code.fim.special import Special
from turnsmith.sources.code.fim.writing import Origin, Writer
from turnsmith.sources.code.languages import HEAD_BYTES, language_of
from turnsmith.sources.code.repository import Entry

_SPDX = b"SPDX-License-Identifier"
_DIGEST_BYTES = 12


class FileMiner:
    """Make examples of files, each content once; `report` gets the counts.

    What is chosen depends on the seed, the repository's name, the path and the content, not on other files: only the
    weight of a crowded folder and, with repository context, the files in front come from outside.
    """

    def __init__(self, options: FimOptions, report: FimReport) -> None:
        self.report = report
        self._options = options
        self._writer = Writer(options)
        self._special = Special(options.format)
        self._seen: set[bytes] = set()

    def examples(self, place: Place, entry: Entry, balance: Balance, neighbors: Neighbors) -> list[Example]:
        """Return the examples of a file. Raises SkippedError or UnreadableError for one that is left out."""
        data, language = self._read(place, entry)
        origin = Origin(
            place.name, place.commit, entry.path, language, self._license(place, entry.path, data)
        )
        bare, source = readable(entry.path, data, language, self._options.min_code_lines)
        if self._special.within(f"{place.name}/{entry.path}"):
            raise SkippedError("special token in the path")
        digest = self._once(data)
        dice = self._dice(origin, digest)
        wanted = balance.wanted(entry.path, language, len(data), dice)
        if not wanted:
            raise SkippedError("not needed by the weights")
        examples = self._mine(origin, bare, source, wanted, neighbors, dice)
        counts = self.report.language(language)
        counts.used += 1
        counts.examples += len(examples)
        return examples

    def _read(self, place: Place, entry: Entry) -> tuple[bytes, str]:
        """Return a file's bytes and language."""
        options = self._options
        language = language_of(entry.path, b"")
        if reason := why_not(entry, language, options):
            raise SkippedError(reason)
        if language is None and "." in entry.path.rpartition("/")[2]:
            raise SkippedError("no language known")
        data = place.read(entry, options.max_file_bytes)
        language = language_of(entry.path, data[:HEAD_BYTES])  # the content may tell more than the name
        if language is None:
            raise SkippedError("no language known")
        if not asked_for(language, options):
            raise SkippedError("language not asked for")
        counts = self.report.language(language)
        counts.read += 1
        counts.bytes += len(data)
        return data, language

    def _license(self, place: Place, path: str, data: bytes) -> str:
        head = data[:HEAD_BYTES]
        verdict = place.licenses.of(path, head if _SPDX in head else b"")
        if reason := self._options.licenses.why_denied(verdict):
            raise SkippedError(reason)
        return verdict.expression

    def _once(self, data: bytes) -> bytes:
        digest = hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
        if digest in self._seen:
            raise SkippedError("same as another file")
        self._seen.add(digest)
        return digest

    def _dice(self, origin: Origin, digest: bytes) -> random.Random:
        """Return the random numbers of a file, the same at each run."""
        key = f"{self._options.seed}:{origin.repo}:{origin.path}:".encode() + digest
        return random.Random(int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()))  # noqa: S311

    def _mine(
        self,
        origin: Origin,
        data: bytes,
        source: SourceText,
        wanted: int,
        neighbors: Neighbors,
        dice: random.Random,
    ) -> list[Example]:
        """Return the examples of a file that is worth it. Raises SkippedError for broken syntax."""
        options, report = self._options, self.report
        try:
            root = parsed(data, origin.language)
        except SkippedError:
            report.language(origin.language).unparsed += 1
            raise
        special = self._special if self._special.within(source.text) else None
        budget = self._writer.budget(source.text, origin)
        others = (
            neighbors.of(origin.path, origin.language, int(budget * SHARE)) if options.repo_context else []
        )
        budget -= characters(others)
        largest = int(MIDDLE_SHARE * min(budget, len(source.text) - source.begin))
        chooser = HoleChooser(
            source, data, root, origin.language, largest, trimmed=options.format == MESSAGES
        )
        holes = chooser.choose(wanted, options.mix, dice)
        if len(holes) < wanted:
            report.missed["no piece of the size"] += wanted - len(holes)
        examples = []
        for hole in holes:
            order = SPM if dice.random() < options.suffix_first else PSM
            example, reason = self._writer.example(source, hole, origin, budget, order, others, special)
            if reason:
                report.missed[reason] += 1
                continue
            example["meta"] = self._meta(origin, source, hole, order)
            self._count(origin, hole, order)
            examples.append(example)
        if options.repo_context:
            neighbors.add(origin.path, origin.language, self._special.escaped(source.text[source.begin :]))
        if not examples:
            raise SkippedError("special token in the code" if special else "no fitting hole")
        return examples

    def _count(self, origin: Origin, hole: Hole, order: str) -> None:
        report = self.report
        report.examples += 1
        report.spans[hole.kind] += 1
        report.licenses[origin.license] += 1
        if self._options.format != MESSAGES:
            report.orders[order] += 1

    def _meta(self, origin: Origin, source: SourceText, hole: Hole, order: str) -> dict[str, str | int]:
        """Return where an example comes from; `start` and `end` are bytes of the file."""
        start, end = source.bytes_before(hole.start), source.bytes_before(hole.end)
        meta: dict[str, str | int] = {
            "source": "fim",
            "repo": origin.repo,
            "path": origin.path,
            "commit": origin.commit,
            "language": origin.language,
            "license": origin.license,
            "span": hole.kind,
            "node": hole.node,
            "start": start,
            "end": end,
            "id": f"{origin.repo}@{origin.commit[:12]}:{origin.path}:{start}-{end}",
        }
        if self._options.format != MESSAGES:
            meta["order"] = order
        return meta
