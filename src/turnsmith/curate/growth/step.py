"""Keep the longest of conversations that were saved more than once."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from turnsmith.core.chat import encode
from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.lines import STANDARD, writing_lines
from turnsmith.curate.account import Account
from turnsmith.curate.clean.step import OnProgress, without_home
from turnsmith.curate.growth.prefixes import Beginnings, Suspects, digest, said_in
from turnsmith.curate.rows import Row, replayable_rows

GROWN, EQUAL = "beginning of a longer one", "same as an earlier one"
OTHER = "no conversation, passed on"

Read = Callable[[], Iterator[Row]]


@dataclass(slots=True)
class GrowthReport:
    """Hold the account: each record is bad, the beginning of a longer one, the same as an earlier one, or kept."""

    source: str
    out: str
    account: Account = field(default_factory=Account)

    def rows(self) -> list[tuple[str, int]]:
        """Return the funnel as (label, count), losses indented."""
        account = self.account
        return [
            ("lines", account.read + sum(account.bad.values())),
            *((f"  {reason}", count) for reason, count in sorted(account.bad.items())),
            ("records", account.read),
            (f"  {GROWN}", account.dropped[GROWN]),
            (f"  {EQUAL}", account.dropped[EQUAL]),
            ("kept", account.kept),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the report, the same for the same input."""
        assert self.account.read == self.account.kept + sum(self.account.dropped.values()), "counted twice"
        return {"input": self.source, "output": self.out, **self.account.as_json()}


def keep_longest(
    source: str, out: str, *, dropped: str | None = None, on_progress: OnProgress | None = None
) -> GrowthReport:
    """Write the records of a file but for conversations that are the beginning of another one, or the same.

    Records keep their order and bytes; a JSON array or Parquet comes out as JSON Lines. What is left out goes to
    `dropped`, as `{"reason", "place", "kept", "example"}`; `kept` is the place of the record that has all of it.
    The input is read up to three times, and in memory are hashes only. Raises UsageError for wrong paths,
    InputError for a file that can't be read or changes meanwhile.
    """
    _refuse(source, out, dropped)
    report = GrowthReport(without_home(source), without_home(out))
    folder = Path(out).parent if out != STANDARD else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)

    def on_line(size: int) -> None:
        if on_progress:
            on_progress(size, 1)

    with replayable_rows(source, folder) as rows:
        first = rows(report.account.spoil, on_line)
        keepers, total = _find(first, lambda: rows(_ignore, on_line), report.account)
        _write(rows(_ignore, on_line), keepers, total, report, out, dropped)
    return report


def _ignore(_place: str, _reason: str) -> None:
    """Take a bad line that was counted before."""


def _refuse(source: str, out: str, dropped: str | None) -> None:
    if out == dropped == STANDARD:
        raise UsageError("-: standard output takes one of --out and --dropped")
    named = [Path(path).resolve() for path in (source, out, dropped) if path and path != STANDARD]
    if len(set(named)) < len(named):
        raise UsageError(f"{out}: input, output and dropped need a file each")


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Name the place of the record that has all of another one, and why that one goes."""

    place: str
    reason: str


def _find(first: Iterator[Row], again: Read, account: Account) -> tuple[dict[int, _Keeper], int]:
    """Return by row what has all of it, and how many rows there are."""
    beginnings = Beginnings()
    total = 0
    for total, row in enumerate(first, 1):
        conversation = said_in(row.record)
        if conversation is None:
            account.note(OTHER)
        else:
            beginnings.add(total - 1, conversation)
    suspects = beginnings.suspects()
    return (_proven(suspects, again()) if len(suspects.row) else {}), total


def _proven(suspects: Suspects, rows: Iterator[Row]) -> dict[int, _Keeper]:
    """Return those of the suspects whose texts are the same, by digests of 32 bytes."""
    pairs = list(
        zip(
            suspects.row.tolist(), suspects.keeper.tolist(), suspects.length.tolist(), suspects.grown.tolist(),
            strict=True,
        )
    )  # fmt: skip
    wanted: dict[int, set[tuple[int, bool]]] = {}
    for row, keeper, length, grown in pairs:
        wanted.setdefault(row, set()).add((length, grown))
        wanted.setdefault(keeper, set()).add((length, grown))
    places: dict[int, str] = {}
    digests: dict[tuple[int, int, bool], bytes] = {}
    for number, each in enumerate(rows):
        conversation = said_in(each.record) if number in wanted else None
        if conversation is not None:
            places[number] = each.place
            for length, grown in wanted[number]:
                system = [] if grown else [conversation.system]
                digests[number, length, grown] = digest(conversation.messages[:length] + system)
    return {
        row: _Keeper(places[keeper], GROWN if grown else EQUAL)
        for row, keeper, length, grown in pairs
        if digests.get((row, length, grown), b"") == digests.get((keeper, length, grown))
    }


def _write(
    rows: Iterator[Row],
    keepers: dict[int, _Keeper],
    total: int,
    report: GrowthReport,
    out: str,
    dropped: str | None,
) -> None:
    account = report.account
    with contextlib.ExitStack() as files:
        keep = files.enter_context(writing_lines(out))
        reject = files.enter_context(writing_lines(dropped)) if dropped else None
        for number, row in enumerate(rows):
            account.read += 1
            keeper = keepers.get(number)
            if keeper is None:
                account.kept += 1
                keep(row.written)
                continue
            account.drop(keeper.reason, row.place)
            if reject:
                reject(
                    encode(
                        {
                            "reason": keeper.reason,
                            "place": row.place,
                            "kept": keeper.place,
                            "example": row.record,
                        }
                    )
                )
        if account.read != total:
            raise InputError(f"{report.source}: changed while it was read; run the command again")
