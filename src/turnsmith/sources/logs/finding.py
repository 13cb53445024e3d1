"""Which files a SRC names, and of which product they are."""

import glob
import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.lines import STANDARD
from turnsmith.sources.logs.json_files import head_of
from turnsmith.sources.logs.transcript import Importer

AUTO = "auto"
PACKED = (".gz", ".zst")
_HERE = "turnsmith.sources.logs"
# In the order of sniffing: the most particular first, so that a general one never takes a file from it.
MODULES = {
    "claude-code": f"{_HERE}.claude_code",
    "copilot-chat": f"{_HERE}.copilot_chat",
    "codex": f"{_HERE}.codex",
    "gemini": f"{_HERE}.gemini",
    "claude-ai": f"{_HERE}.claude_ai",
    "chatgpt": f"{_HERE}.chatgpt",
    "sharegpt": f"{_HERE}.sharegpt",
    "messages": f"{_HERE}.messages",
}
KINDS = (*MODULES, AUTO)


class Source(NamedTuple):
    """Name a file to read and the kind it is read as; `walked` if it was found in a folder."""

    path: str
    kind: str


class PassedOver(NamedTuple):
    """Name a file of a folder that is not read, and the kind it looks like, if any."""

    path: str
    looks_like: str | None


def importer_of(kind: str) -> Importer:
    """Return the module that reads a kind. Raises UsageError for a kind that there is not."""
    if kind not in MODULES:
        raise UsageError(f"{kind!r} is no kind; the kinds are {', '.join(KINDS)}")
    return cast("Importer", importlib.import_module(MODULES[kind]))


def suffixes_of(kind: str) -> tuple[str, ...]:
    """Return how files of a kind end, without what a packer adds."""
    return getattr(importer_of(kind), "SUFFIXES", (".jsonl", ".json"))


def kind_of(path: str) -> str | None:
    """Return the kind that a file's content looks like, None where it looks like none.

    Raises InputError for a file that can't be read and an archive that is refused.
    """
    head = head_of(path)
    return next((kind for kind in MODULES if importer_of(kind).looks_like(head)), None)


def find(kind: str, sources: Sequence[str]) -> tuple[list[Source], list[PassedOver]]:
    """Return the files that the sources name, each once, and those in folders that are of no such kind.

    Folders are walked in the order of names. What looks like no kind at all, because it is empty or broken, is
    read as the kind that was asked for, so that its lines are counted. Raises InputError for a source that names
    nothing, and for a named file of another kind.
    """
    if kind != AUTO:
        importer_of(kind)
    found: dict[str, Source] = {}
    passed_over: list[PassedOver] = []
    for source in sources:
        for path, walked in _paths(kind, source):
            if path in found:
                continue
            try:
                looks = kind_of(path)
            except InputError:  # a folder may hold archives of anything
                if not (walked and path.lower().endswith(".zip")):
                    raise
                passed_over.append(PassedOver(path, None))
                continue
            if looks and kind in (AUTO, looks):
                found[path] = Source(path, looks)
            elif walked and (looks or kind == AUTO):
                passed_over.append(PassedOver(path, looks))
            else:
                found[path] = Source(path, _insisted(kind, path, looks))
    return list(found.values()), passed_over


def _insisted(kind: str, path: str, looks: str | None) -> str:
    """Return the kind to read a file as that does not look like it."""
    if looks:
        raise InputError(f"{path}: this looks like {looks}, not {kind}; import it as {looks} or auto")
    if kind == AUTO:
        raise InputError(f"{path}: looks like none of the kinds; name one of {', '.join(MODULES)}")
    return kind


def _paths(kind: str, source: str) -> Iterator[tuple[str, bool]]:
    """Yield (path, whether it was found in a folder) of what a source names."""
    if source == STANDARD or Path(source).is_file():
        yield source, False
        return
    if Path(source).is_dir():
        names = _walk(kind, Path(source))
    else:
        names = sorted(
            path
            for match in glob.glob(source, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute ones
            for path in (_walk(kind, Path(match)) if Path(match).is_dir() else [match])
        )
    if not names:
        raise InputError(f"{source}: no file of a transcript there; give a file, a folder, a glob or -")
    yield from ((name, True) for name in names)


def _walk(kind: str, folder: Path) -> list[str]:
    kinds = list(MODULES) if kind == AUTO else [kind]
    endings = tuple(
        f"{suffix}{packed}" for each in kinds for suffix in suffixes_of(each) for packed in ("", *PACKED)
    )
    return sorted(
        str(path) for path in folder.rglob("*") if path.name.lower().endswith(endings) and path.is_file()
    )
