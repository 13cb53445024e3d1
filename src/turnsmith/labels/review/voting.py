"""Votes as files: rows for people to fill in, and back. CSV for spreadsheets, JSON Lines for programs.

Texts in a CSV file are hostile to spreadsheets, which run a cell that begins with `=`. So cells that begin with a
sign of a formula get a `'` in front when written, and lose it when read.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turnsmith.core.chat import decode, encode
from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.lines import LONGEST_LINE, open_input, read_lines, writing_lines
from turnsmith.curate.account import Account

THUMBS = "thumbs"
PERSON = "person"
LONGEST_CELL = 32_000  # characters; spreadsheets cut at 32,767
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NO_VOTE = ("", "?", "-", "skip", "unsure", "null", "none")
_CUT = " [... shortened ...] "


@dataclass(frozen=True, slots=True)
class Vote:
    """Hold one vote of one rater on a turn: 0 reasoning, 1 non-reasoning."""

    conversation_id: str
    message_id: str
    rater: str
    vote: int


@dataclass(slots=True)
class Votes:
    """Hold the votes of people by turn and rater, the last one where a rater voted twice; and their account."""

    by_turn: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    account: Account = field(default_factory=Account)

    @property
    def raters(self) -> list[str]:
        """Return all raters in order."""
        return sorted({rater for votes in self.by_turn.values() for rater in votes})


def consensus(votes: Mapping[str, int]) -> int | None:
    """Return what most raters voted; None for a tie."""
    counts = Counter(votes.values())
    return None if counts[0] == counts[1] else counts.most_common(1)[0][0]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with equal keys to a .csv (UTF-8 with a mark, for spreadsheets) or .jsonl file."""
    with writing_lines(str(path)) as write:
        if path.suffix != ".csv":
            for row in rows:
                write(encode(dict(row)))
            return
        write(codecs.BOM_UTF8)
        for cells in ([list(rows[0])] if rows else []) + [
            [_cell(value) for value in row.values()] for row in rows
        ]:
            text = io.StringIO(newline="")
            csv.writer(text).writerow(cells)
            write(text.getvalue().encode())


def _cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet runs, short enough for one."""
    text = "" if value is None else str(value)
    if len(text) > LONGEST_CELL:
        half = (LONGEST_CELL - len(_CUT)) // 2
        text = text[:half] + _CUT + text[-half:]
    return f"'{text}" if text.startswith(_FORMULA) else text


def _uncell(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def read_votes(paths: Iterable[Path]) -> Votes:
    """Return the votes of files that people or programs filled in: .csv (comma, semicolon or tab) or JSON Lines.

    Needed are `conversationId`, `messageId` and `vote` (0 or 1; empty, `?` or `skip` is none); `rater` is the
    file's name where it is absent. Votes with the `source` thumbs tell satisfaction, not need: they are counted and
    left out. Rows that can't be used go to the account with file and line. Raises InputError for a file that
    can't be read, UsageError for one without the columns.
    """
    votes = Votes()
    account = votes.account
    for path in paths:
        for place, row in _rows(path, account):
            account.read += 1
            reason = _take(votes, row, path.name.partition(".")[0])
            if reason:
                account.drop(reason, place)
            else:
                account.kept += 1
    return votes


def _take(votes: Votes, row: Mapping[str, Any], file: str) -> str:
    """Add a row to the votes; return why not, "" where it was added."""
    conversation, message = row.get("conversationId"), row.get("messageId")
    if not (isinstance(conversation, str) and isinstance(message, str) and conversation and message):
        return "no conversationId or messageId"
    given = row.get("vote")
    vote = "" if given is None else str(int(given) if isinstance(given, bool) else given).strip().lower()
    if vote in _NO_VOTE:
        return "no vote"
    if vote not in ("0", "1", "0.0", "1.0"):
        return "vote is not 0 or 1"
    if str(row.get("source") or PERSON).strip().lower() == THUMBS:
        return "thumbs, which tell satisfaction"
    rater = str(row.get("rater") or "").strip() or file
    of_turn = votes.by_turn.setdefault((conversation, message), {})
    if of_turn.get(rater, int(vote[0])) != int(vote[0]):
        votes.account.note("changed votes, the last one counts")
    of_turn[rater] = int(vote[0])
    return ""


def _rows(path: Path, account: Account) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not path.is_file():
        raise UsageError(
            f"{path}: no such file; give a file that turnsmith review sample made, with votes in it"
        )
    if ".csv" in path.suffixes:
        yield from _csv_rows(path)
        return
    for number, line in read_lines(str(path)):
        place = f"{path}:{number}"
        try:
            row = decode(line)
        except (ValueError, RecursionError):
            account.spoil(place, "no valid JSON")
            continue
        if isinstance(row, dict):
            yield place, row
        else:
            account.spoil(place, "no JSON object")


def _csv_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    csv.field_size_limit(LONGEST_LINE)
    with open_input(str(path)) as file, io.TextIOWrapper(file, "utf-8-sig", "replace", newline="") as text:
        head = text.readline()
        marks = {mark: head.count(mark) for mark in ",;\t"}
        reader = csv.reader(text, delimiter=max(marks, key=lambda mark: marks[mark]))
        names = [name.strip() for name in next(csv.reader([head], reader.dialect), [])]
        missing = [name for name in ("conversationId", "messageId", "vote") if name not in names]
        if missing:
            raise UsageError(
                f"{path}:1: no column {', '.join(missing)}; keep the first line of the file as it was"
            )
        try:
            for cells in reader:
                if any(cells):
                    row = dict(zip(names, map(_uncell, cells), strict=False))
                    yield f"{path}:{reader.line_num + 1}", row
        except csv.Error as error:
            raise InputError(f"{path}:{reader.line_num + 1}: can't be read as CSV: {error}") from error
