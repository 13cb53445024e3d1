"""From a curated set to a file of turns, and back from that file."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.errors import EmptyResultError, UsageError
from turnsmith.core.lines import STANDARD, read_lines, writing_lines
from turnsmith.curate.account import Account
from turnsmith.labels.records import Turn, encode
from turnsmith.labels.turns.curated import data_files, dataset_id, read_curated
from turnsmith.labels.turns.making import Unit, turns_of

OnProgress = Callable[[int, int], object]
"""Takes the bytes and the conversations that were read since the last call."""

_decoder = msgspec.json.Decoder(Turn)


@dataclass(slots=True)
class TurnsReport:
    """Hold the account of the turns, and counts of those that were kept; `bad` ones are conversations."""

    dataset: str
    unit: Unit
    account: Account = field(default_factory=Account)
    conversations: int = 0
    repeated_conversations: int = 0
    likely_reasoning: int = 0
    complexity: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)

    def add(self, turn: Turn) -> None:
        """Count a turn that is written."""
        self.likely_reasoning += turn.is_likely_reasoning
        self.complexity[turn.complexity_bucket] += 1
        self.groups[f"{turn.split}/{turn.bucket}"] += 1

    def as_json(self) -> dict[str, Any]:
        """Return the report, the same for the same input."""
        return {
            "dataset": self.dataset,
            "unit": self.unit.value,
            "conversations": self.conversations,
            "repeated_conversations": self.repeated_conversations,
            "account": self.account.as_json(),
            "likely_reasoning": self.likely_reasoning,
            "complexity": dict(sorted(self.complexity.items())),
            "groups": dict(sorted(self.groups.items())),
        }


def write_turns(
    source: str,
    out: str,
    unit: Unit,
    *,
    keep_tools_only: bool = False,
    on_progress: OnProgress | None = None,
) -> TurnsReport:
    """Write the turns of a curated set (a folder or a data file) as JSON Lines, in the order of the set.

    A conversation that is met twice counts once. Raises UsageError for a wrong path, InputError for a file that
    can't be read, EmptyResultError where no turn is left.
    """
    paths = data_files(Path(source))
    if out != STANDARD and Path(out).resolve() in {path.resolve() for path in paths}:
        raise UsageError(f"{out}: is a file of the set itself; name another file for the turns")
    report = TurnsReport(dataset_id(Path(source)), unit)
    account = report.account
    seen: set[bytes] = set()
    advance = on_progress or (lambda _read, _count: None)
    with writing_lines(out) as write:
        for path in paths:
            for _, conversation in read_curated(path, account, lambda read: advance(read, 0)):
                advance(0, 1)
                report.conversations += 1
                mark = blake2b(conversation.conversation_id.encode(), digest_size=16).digest()
                if mark in seen:
                    report.repeated_conversations += 1
                    continue
                seen.add(mark)
                for turn in turns_of(
                    conversation, unit, report.dataset, account, keep_tools_only=keep_tools_only
                ):
                    report.add(turn)
                    write(encode(turn))
        if not account.kept:
            raise EmptyResultError(f"{source}: no turn is left; {_losses(account)}")
    return report


def _losses(account: Account) -> str:
    losses = [*account.bad.items(), *account.dropped.items()]
    return ", ".join(f"{count} {reason}" for reason, count in losses) or "it holds no conversations"


def read_turns(name: str, account: Account | None = None) -> Iterator[Turn]:
    """Yield the turns of a file that `write_turns` made; `-` is standard input.

    A line that is no turn goes to `account` as bad, with file and line; each turn counts as read.
    """
    account = account or Account()
    for number, line in read_lines(name):
        try:
            turn = _decoder.decode(line)
        except msgspec.ValidationError as error:
            account.spoil(f"{name}:{number}", f"no turn: {error}")
        except msgspec.DecodeError:
            account.spoil(f"{name}:{number}", "no valid JSON")
        else:
            account.read += 1
            yield turn
