"""Import assistants' own transcripts: files to transcripts, each session once, shaped into chat examples."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turnsmith.core.chat import Example, encode
from turnsmith.core.errors import EmptyResultError, InputError, UsageError
from turnsmith.core.lines import STANDARD, writing_lines
from turnsmith.curate.account import Account
from turnsmith.sources.logs.finding import KINDS, Source, find, importer_of
from turnsmith.sources.logs.focus import OUT_OF_FOCUS, rules_that_take
from turnsmith.sources.logs.shapes import Shape, Shaping, examples_of
from turnsmith.sources.logs.spool import Spool

__all__ = ["KINDS", "ImportOptions", "Imported", "import_logs"]

OnProgress = Callable[[float, int], object]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Hold the options of an import; an empty `focus` keeps everything."""

    shaping: Shaping = field(default_factory=Shaping)
    focus: tuple[str, ...] = ()


@dataclass(slots=True)
class Imported:
    """Hold the accounts of an import: files, records by kind, conversations, examples."""

    files: Account = field(default_factory=Account)
    records: dict[str, Account] = field(default_factory=dict)
    conversations: Account = field(default_factory=Account)
    examples: Account = field(default_factory=Account)

    def as_json(self) -> dict[str, Any]:
        """Return all accounts for a report."""
        return {
            "files": self.files.as_json(),
            "records": {kind: account.as_json() for kind, account in self.records.items()},
            "conversations": self.conversations.as_json(),
            "examples": self.examples.as_json(),
        }


def import_logs(
    kind: str,
    sources: Sequence[str],
    out: str,
    options: ImportOptions | None = None,
    on_progress: OnProgress | None = None,
) -> Imported:
    """Write the examples of all transcripts in files, folders, globs or standard input (`-`) to `out`.

    `on_progress(work, count)` is told of each file and conversation: reading is 1 of work, writing is 1.
    Raises InputError for a source that can't be used, EmptyResultError if no example came out; then there is no
    file.
    """
    options = options or ImportOptions()
    tell = on_progress or (lambda _work, _count: None)
    imported = Imported()
    with _standard_input_as_file(sources) as names, Spool() as spool:
        found = _files(kind, names, out, imported)
        _read(found, spool, imported, tell)
        with writing_lines(out) as write:
            for transcript in spool.unique(imported.conversations):
                for example in examples_of(transcript, options.shaping, imported.examples):
                    if options.focus and not _focused(example, options):
                        imported.examples.drop(OUT_OF_FOCUS, example["meta"]["id"])
                    else:
                        imported.examples.kept += 1
                        write(encode(example))
                tell(1 / spool.count, 1)
            if not imported.examples.kept:
                raise EmptyResultError(_why_nothing(imported))
    return imported


def _focused(example: Example, options: ImportOptions) -> bool:
    """Say whether an example is in the focus, and write the rules that took it into its meta."""
    messages = example["messages"]
    if options.shaping.shape is Shape.follow:
        messages = messages[-2:]  # not the turns before the request
    rules = rules_that_take(messages, options.focus)
    example["meta"]["focus"] = rules
    return bool(rules)


def _files(kind: str, names: Sequence[str], out: str, imported: Imported) -> list[Source]:
    """Return the files to read; what an earlier import left among them is no input."""
    found, passed_over = find(kind, names)
    kept = [source for source in found if Path(source.path).resolve() != Path(out).resolve()]
    imported.files.read = len(found) + len(passed_over)
    imported.files.kept = len(kept)
    for path, looks_like in passed_over:
        imported.files.drop(f"looks like {looks_like}" if looks_like else "of no known kind", path)
    if len(kept) < len(found):
        imported.files.drop("the output itself", out)
    return kept


def _read(found: Sequence[Source], spool: Spool, imported: Imported, tell: OnProgress) -> None:
    total = sum(Path(source.path).stat().st_size for source in found) or 1
    for source in found:
        account = imported.records.setdefault(source.kind, Account())
        for transcript in importer_of(source.kind).read(source.path, account):
            # A folder's name tells who the user is, and which projects there are.
            place = transcript.place.replace(source.path, Path(source.path).name, 1)
            transcript.place = place.encode("utf-8", "replace").decode()  # names of files are any bytes
            spool.add(transcript)
        tell(Path(source.path).stat().st_size / total, 1)


@contextlib.contextmanager
def _standard_input_as_file(sources: Sequence[str]) -> Iterator[list[str]]:
    """Give the sources, with standard input as a file named `-`: its kind is told from its beginning."""
    if not sources:
        raise UsageError("name at least one file, folder or glob, or - for standard input")
    with tempfile.TemporaryDirectory(prefix="turnsmith-") as folder:
        if STANDARD in sources:
            with (Path(folder) / STANDARD).open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            yield [str(Path(folder) / STANDARD) if source == STANDARD else source for source in sources]
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from error


def _why_nothing(imported: Imported) -> str:
    accounts = [imported.files, *imported.records.values(), imported.conversations, imported.examples]
    reasons = {
        reason: count for account in accounts for reason, count in (account.bad + account.dropped).items()
    }
    most = sorted(reasons, key=lambda reason: -reasons[reason])[:5]
    told = "; ".join(f"{reason} ({reasons[reason]:,})" for reason in most)
    return f"no example came out; left out were: {told or 'nothing, the input is empty'}"
