"""Rows to balance: one for each label, in the order of the seeded hash, each request once."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from turnsmith.core.errors import InputError
from turnsmith.core.hashing import portable_hash
from turnsmith.curate.clean.exact import normalized
from turnsmith.curate.clean.spooling import size_of
from turnsmith.curate.merge.mixing import Mixer
from turnsmith.labels import labeled_set
from turnsmith.labels.balance.history import compared, text_of
from turnsmith.labels.balance.options import SOURCE, BalanceOptions, Input
from turnsmith.labels.checks import language_of, position_of
from turnsmith.labels.checks.describing import BUCKET, LANGUAGE, POSITION
from turnsmith.labels.records import Label
from turnsmith.labels.turns import read_turns

SPLITS = ("train", "val", "test")
CODED = (BUCKET, POSITION, LANGUAGE, SOURCE)
OnRows = Callable[[int], object]


class Row(msgspec.Struct, array_like=True):
    """Hold one label with the text that a router sees; `order` is its seeded hash.

    `compared` is what near duplicates are found by, empty where it is the text.
    """

    order: int
    conversation_id: str
    message_id: str
    label: int
    soft_label: float
    text: str
    values: tuple[str, str, str, str]
    """Bucket, position, language and source, in the order of `CODED`."""
    compared: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Row).decode


@dataclass(slots=True)
class Natural:
    """Hold how many labels of each kind a split has as it came, and how many are people's votes."""

    labels: dict[str, Counter[int]] = field(default_factory=dict)
    votes_used: int = 0
    judge: dict[str, Any] = field(default_factory=dict)


def collect(
    folder: Path, options: BalanceOptions, work: Path, on_rows: OnRows
) -> tuple[dict[str, Mixer], Natural]:
    """Read all labels into one mixer for each split; return them with the natural counts."""
    told = labeled_set.report(folder)
    natural = Natural(
        judge={key: told[key] for key in ("dataset", "judge", *labeled_set.TOLD) if key in told}
    )
    size = sum(path.stat().st_size for path in labeled_set.files(folder)) + size_of(options.turns or "-")
    mixers = {split: Mixer(work / split, 2 * size) for split in SPLITS}
    labels = labeled_set.read(folder)
    for label, seen in _with_turns(labels, options) if options.turns else _alone(labels):
        on_rows(1)
        if label.split not in mixers:
            place = f"conversation {label.conversation_id}, message {label.message_id}"
            raise InputError(f"{place}: split {label.split!r} is none of {', '.join(SPLITS)}")
        row = _row(label, seen, options)
        natural.labels.setdefault(label.split, Counter())[row.label] += 1
        natural.votes_used += options.prefer_votes and label.vote is not None
        natural.judge.setdefault("judge", label.judge)
        mixers[label.split].add(row.order, _encode(row))
    return mixers, natural


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what a router sees of a turn, what of it is compared (empty: all), and the turn's data set."""

    text: str
    compared: str = ""
    source: str = ""


def _alone(labels: Iterator[Label]) -> Iterator[tuple[Label, Seen]]:
    return ((label, Seen(label.request)) for label in labels)


def _with_turns(labels: Iterator[Label], options: BalanceOptions) -> Iterator[tuple[Label, Seen]]:
    """Yield labels with what is seen of their turn; the labels are held meanwhile, without their texts.

    Raises InputError where a label has no turn in the file.
    """
    assert options.turns is not None
    waiting: dict[tuple[str, str], Label] = {}
    for label in labels:
        label.request = ""
        waiting[label.conversation_id, label.message_id] = label
    for turn in read_turns(options.turns):
        found = waiting.pop((turn.conversation_id, turn.message_id), None)
        if found is not None:
            found.request = turn.request
            if options.input == Input.request_history:
                yield found, Seen(text_of(turn), compared(turn), turn.dataset)
            else:
                yield found, Seen(turn.request, source=turn.dataset)
    if waiting:
        conversation, message = next(iter(waiting))
        raise InputError(
            f"{options.turns}: has no turn for {len(waiting)} labels, such as conversation {conversation}, "
            f"message {message}; give the file that was judged"
        )


def _row(label: Label, seen: Seen, options: BalanceOptions) -> Row:
    voted = options.prefer_votes and label.vote is not None
    return Row(
        order=portable_hash(f"{options.seed}:{label.conversation_id}:{label.message_id}"),
        conversation_id=label.conversation_id,
        message_id=label.message_id,
        label=label.vote if voted and label.vote is not None else label.llm_vote,
        soft_label=float(label.vote) if voted and label.vote is not None else label.soft_label,
        text=seen.text,
        values=(label.bucket, position_of(label.turn_index), language_of(label.request), seen.source),
        compared=seen.compared,
    )


@dataclass(slots=True)
class Table:
    """Hold what is needed of all rows at once, about 30 bytes each, in the order of the file of rows."""

    splits: Any
    labels: Any
    lengths: Any
    codes: Mapping[str, Any]
    names: Mapping[str, list[str]]
    exact_duplicates: Counter[str]
    conflicts: int
    empty: Counter[str]

    def __len__(self) -> int:
        return len(self.labels)


def spool(mixers: Mapping[str, Mixer], path: Path) -> Table:
    """Write rows to a file, train first, then val and test; repeated and empty texts are left out and counted.

    So of equal texts the training copy stays, and no text of val or test was seen in training.
    """
    splits, labels, lengths = array("b"), array("b"), array("q")
    codes = {name: array("l") for name in CODED}
    known: dict[str, dict[str, int]] = {name: {} for name in CODED}
    seen: dict[bytes, int] = {}
    duplicates: Counter[str] = Counter()
    empty: Counter[str] = Counter()
    conflicts = 0
    with path.open("wb") as file:
        for number, split in enumerate(SPLITS):
            for line in mixers[split].lines():
                row = _decode(line)
                if not row.text.strip():  # from a set that others made; `turns` leaves them out
                    empty[split] += 1
                    continue
                mark = blake2b(normalized(row.text).encode(), digest_size=16).digest()
                first = seen.get(mark)
                if first is not None:
                    duplicates[split] += 1
                    conflicts += first != row.label
                    continue
                seen[mark] = row.label
                splits.append(number)
                labels.append(row.label)
                lengths.append(len(row.text))
                for name, value in zip(CODED, row.values, strict=True):
                    codes[name].append(known[name].setdefault(value, len(known[name])))
                file.write(line + b"\n")
    return Table(
        np.array(splits, np.int8),
        np.array(labels, np.int8),
        np.array(lengths, np.int64),
        {name: np.array(each, np.int32) for name, each in codes.items()},
        {name: list(each) for name, each in known.items()},
        duplicates,
        conflicts,
        empty,
    )


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a file that `spool` wrote."""
    with path.open("rb") as file:
        for line in file:
            yield _decode(line)
