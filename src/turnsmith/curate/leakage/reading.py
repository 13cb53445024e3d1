"""Read what was asked in a finished set: curated conversations in splits, or the two files of a merge."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.chat import OnBad, OnLine, text_of
from turnsmith.core.errors import UsageError
from turnsmith.core.json_items import read_items
from turnsmith.core.lines import open_input, read_lines
from turnsmith.curate.account import Account
from turnsmith.curate.clean.step import without_home
from turnsmith.curate.leakage.measuring import Split
from turnsmith.curate.leakage.requests import Asked
from turnsmith.curate.rows import Row, kind_of, rows_of_lines, rows_of_parquet

METADATA = "metadata.json"
BUCKET_FILE = re.compile(r"[^/]+_\d+_to_\d+_turns\.(?:json|jsonl|parquet)")
MERGED_FILE = re.compile(r"(train|eval)\.(.+)\.jsonl")
# Splits without a configuration stand in this order, others after them.
ORDER = ("train", "val", "valid", "validation", "dev", "eval", "test")
COLUMNS = ["conversationId", "userName", "turnsArray", "messages", "text", "meta"]


@dataclass(slots=True)
class Splits:
    """Hold the files of each split, from the one that is trained on to the last, and what could not be read."""

    files: dict[str, list[Path]]
    account: Account = field(default_factory=Account)
    on_line: OnLine | None = None

    @property
    def readers(self) -> dict[str, Split]:
        """Return what reads the conversations of each split, to be read as often as wanted."""
        return {name: partial(self._read, files) for name, files in self.files.items()}

    @property
    def size(self) -> int:
        """Return the bytes that a measurement reads: all of the first and the last split once, the others twice."""
        sizes = [sum(file.stat().st_size for file in files) for files in self.files.values()]
        return 2 * sum(sizes) - sizes[0] - sizes[-1]

    def _read(self, files: list[Path]) -> Iterator[Asked]:
        for file in files:
            for asked in read_asked(file, self.account.spoil, self.on_line):
                self.account.read += 1
                yield asked


def find_splits(paths: list[str]) -> Splits:
    """Return the splits of a data set's folder, of a merge's folder, or of files, one split each.

    Raises UsageError where there are fewer than two splits.
    """
    if len(paths) == 1 and Path(paths[0]).is_dir():
        files = _in_folder(Path(paths[0]))
    else:
        files = {}
        for each in paths:
            path = Path(each)
            if not path.is_file():
                raise UsageError(f"{each}: no such file; name a data set's folder, or a file for each split")
            if any(path.samefile(other) for others in files.values() for other in others):
                raise UsageError(f"{each}: named twice; a split needs a file of its own")
            files.setdefault(_split_name(path, files), []).append(path)
    if len(files) < 2:
        found = f"the split {next(iter(files))} only" if files else "no data files"
        raise UsageError(f"{' '.join(paths)}: {found}; leakage is measured between two splits or more")
    return Splits(files)


def _split_name(path: Path, taken: dict[str, list[Path]]) -> str:
    name = path.name.partition(".")[0]
    return str(path) if name in taken else name


def _in_folder(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        inside = sorted(path.iterdir()) if path.is_dir() and not path.name.startswith(".") else []
        if files := [file for file in inside if BUCKET_FILE.fullmatch(file.name)]:
            found[path.name] = files
    if found:
        order = _configured(folder) or ORDER
        return {name: found[name] for name in sorted(found, key=lambda name: _rank(name, order))}
    return _merged(folder)


def _rank(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order)), name


def _configured(folder: Path) -> tuple[str, ...]:
    """Return the splits of the configuration in their order; nothing where it does not say."""
    try:
        splits = json.loads((folder / METADATA).read_bytes())["config"]["splits"]
        return tuple(splits)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def _merged(folder: Path) -> dict[str, list[Path]]:
    matches = [match for path in sorted(folder.iterdir()) if (match := MERGED_FILE.fullmatch(path.name))]
    names = sorted({match[2] for match in matches})
    if len(names) > 1:
        raise UsageError(
            f"{folder}: holds several sets ({', '.join(names)}); name the files of one, such as "
            f"{folder}/train.{names[0]}.jsonl {folder}/eval.{names[0]}.jsonl"
        )
    return {
        match[1]: [folder / match[0]] for match in sorted(matches, key=lambda match: match[1], reverse=True)
    }


def texts_in(split: Split, wanted: set[tuple[str, int]], longest: int) -> dict[tuple[str, int], str]:
    """Return the beginnings of some requests of a split, each named by its conversation's id and its number."""
    ids = {each for each, _ in wanted}
    return {
        (asked.id, number): text[:longest]
        for asked in split()
        if asked.id in ids
        for number, text in enumerate(asked.requests, 1)
        if (asked.id, number) in wanted
    }


class _Turn(msgspec.Struct, rename="camel"):
    user_message: str


class _Conversation(msgspec.Struct, rename="camel"):
    conversation_id: str
    turns_array: list[_Turn]
    user_name: str | None = None


_decoder = msgspec.json.Decoder(_Conversation)


def read_asked(path: Path, on_bad: OnBad, on_line: OnLine | None = None) -> Iterator[Asked]:
    """Yield what was asked in each record of a file; what is none goes to `on_bad(place, reason)`.

    Raises InputError for a file that can't be read.
    """
    name = str(path)
    if kind_of(name) == "json":
        yield from _asked_in_array(name, on_bad, on_line)
        return
    rows: Iterator[Row]
    if kind_of(name) == "parquet":
        rows = rows_of_parquet(name, COLUMNS, on_line)
    else:
        rows = rows_of_lines(name, read_lines(name), on_bad, on_line)
    for row in rows:
        yield from _asked(row.record, row.place, on_bad)


def _asked_in_array(name: str, on_bad: OnBad, on_line: OnLine | None) -> Iterator[Asked]:
    """Read a JSON array: only the fields that are wanted, as long as they are what they should be."""
    with open_input(name) as file:
        for index, item in read_items(name, file):
            if on_line is not None:
                on_line(len(item))
            try:
                record = _decoder.decode(item)
            except (msgspec.DecodeError, RecursionError):
                on_bad(f"{without_home(name)}:{index + 1}", "no conversation")
                continue
            yield Asked(
                record.conversation_id, record.user_name, [turn.user_message for turn in record.turns_array]
            )


def _asked(record: dict[str, Any], place: str, on_bad: OnBad) -> Iterator[Asked]:
    meta = record.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    try:
        if isinstance(record.get("turnsArray"), list):
            requests = [str(turn["userMessage"]) for turn in record["turnsArray"]]
            user = record.get("userName")
            yield Asked(str(record["conversationId"]), user if isinstance(user, str) else None, requests)
        elif isinstance(record.get("messages"), list):
            requests = [
                text_of(each.get("content")) for each in record["messages"] if each.get("role") == "user"
            ]
            yield Asked(_text(meta, "id", place), _text(meta, "user", ""), requests)
        elif isinstance(record.get("text"), str):
            yield Asked(_text(meta, "id", place), _text(meta, "user", ""), [record["text"]])
        else:
            on_bad(place, "no conversation")
    except (KeyError, TypeError, AttributeError):
        on_bad(place, "no conversation")


def _text(meta: dict[str, Any], key: str, otherwise: str) -> str:
    value = meta.get(key)
    return str(value) if isinstance(value, str | int) else otherwise
