"""A labeled set, `LABELED_<dataset id>/<split>/<bucket>.jsonl` with `labels.json` (contract §5).

It lies beside the curated set, which it never touches. Labels stand in sample order (seed 0) of their
conversations, a conversation's in turn order, so the files do not depend on the order in which a judge answered.
A set holds labels of one kind, `weak` or `llm`, never both.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.errors import EmptyResultError, InputError, UsageError
from turnsmith.core.files import PART_SUFFIX, read_json, sync, write_json
from turnsmith.core.hashing import portable_hash
from turnsmith.core.lines import read_lines
from turnsmith.curate.merge.mixing import Mixer
from turnsmith.labels.records import KINDS, Label, encode

PREFIX = "LABELED_"
REPORT = "labels.json"
EXPECTED_BYTES = 1 << 30  # of one file; a larger one only takes more memory while it is sorted
_TURN_DIGITS = 10
# Ends the ids at the head of a line: in a text of JSON such quotes have a backslash before them.
_AFTER_IDS = b'","turnIndex":'
_NAME = re.compile(r"[\w-][\w.-]{0,150}")
TOLD = ("strategy", "judge_model", "prompt_version", "prompt_hash")
_told = attrgetter(*TOLD)
COUNTED = ("dataset", "judge", *TOLD, "labels", "votes", "repeated", "groups")
"""The keys of `labels.json` that `write` makes itself."""
_SPLITS = ("train", "val", "test")
_decoder = msgspec.json.Decoder(Label)


def write(
    out: Path,
    dataset_id: str,
    labels: Iterable[Label],
    about: Mapping[str, Any] | None = None,
    *,
    replace: bool = False,
) -> Path:
    """Write labels, in any order, as the labeled set of a data set to the folder `out`; return the set's folder.

    `about` goes to `labels.json` beside the counts. The set appears as a whole or not at all. Raises UsageError
    where there is one already (with `replace`: where it has labels of the other kind, or votes that would be
    lost), InputError for labels of both kinds or a turn with two different labels, EmptyResultError for none.
    """
    return write_encoded(
        out, dataset_id, ((label, encode(label)) for label in labels), about, replace=replace
    )


def write_encoded(
    out: Path,
    dataset_id: str,
    labels: Iterable[tuple[Label, bytes]],
    about: Mapping[str, Any] | None = None,
    *,
    replace: bool = False,
) -> Path:
    """Write labels with their lines, as `encode` made them; all else is as with `write`."""
    folder = out / f"{PREFIX}{_named(dataset_id, 'data set')}"
    before = _existing(folder, replace=replace)
    part = folder.with_name(folder.name + PART_SUFFIX)
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        counts = _write_files(part, labels)
        _refuse_loss(folder, before, counts)
        write_json(part / REPORT, {**(about or {}), "dataset": dataset_id, **counts})
        _swap(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def read(folder: Path) -> Iterator[Label]:
    """Yield the labels of a set, file by file: train, val, test, then what else there is.

    `folder` is the set itself or a folder that holds one. Raises UsageError where there is none, InputError with
    file and line for a label that is not of contract §5 or a set that mixes `weak` and `llm`.
    """
    kind: str | None = None
    for path in files(folder):
        for number, line in read_lines(str(path)):
            try:
                label = _decoder.decode(line)
            except msgspec.DecodeError as error:
                raise InputError(f"{path}:{number}: no label: {_reason(error)}") from None
            if label.judge not in KINDS or label.judge != (kind or label.judge):
                raise InputError(
                    f"{path}:{number}: judge is not {kind or ' or '.join(KINDS)}; a set has one kind"
                )
            kind = label.judge
            yield label


def files(folder: Path) -> list[Path]:
    """Return the label files of a set in the order in which they are read."""
    place = find(folder)
    found = [path for path in place.glob("*/*.jsonl") if path.is_file()]
    order = {split: rank for rank, split in enumerate(_SPLITS)}
    return sorted(found, key=lambda path: (order.get(path.parent.name, len(order)), path.parts))


def find(folder: Path) -> Path:
    """Return the folder of the labeled set that `folder` is or holds; raises UsageError without exactly one."""
    folder = Path(folder)
    if (folder / REPORT).is_file() or (folder.name.startswith(PREFIX) and folder.is_dir()):
        return folder
    found = [
        path for path in sorted(folder.glob(f"{PREFIX}*")) if path.is_dir() and path.suffix != PART_SUFFIX
    ]
    if len(found) == 1:
        return found[0]
    what = f"holds {len(found)} of them; name one" if found else "make one with turnsmith judge"
    raise UsageError(f"{folder}: no labeled set ({PREFIX}<data set id>); {what}")


def report(folder: Path) -> dict[str, Any]:
    """Return what `labels.json` of a set holds; empty where the set came without one."""
    path = find(folder) / REPORT
    try:
        value = read_json(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as JSON; run turnsmith judge again") from error
    return value if isinstance(value, dict) else {}


def _reason(error: msgspec.DecodeError) -> str:
    """Return why a line is no label, without any of its text."""
    return str(error) if isinstance(error, msgspec.ValidationError) else "no valid JSON"


def _named(text: str, what: str) -> str:
    """Return a text that becomes a file's name; raises InputError for one that could lead elsewhere."""
    if not _NAME.fullmatch(text):
        raise InputError(f"{text!r} is no name for a {what}: letters, digits, - _ . only, and no . in front")
    return text


def _existing(folder: Path, *, replace: bool) -> dict[str, Any]:
    """Return the report of the set that is there already; empty for none."""
    if not folder.exists():
        if _before(folder).exists():  # a kill came between the two renames of `_swap`
            _before(folder).rename(folder)
            return _existing(folder, replace=replace)
        return {}
    if not replace:
        raise UsageError(f"{folder}: is there already; move it away, or give another --out")
    return report(folder)


def _write_files(part: Path, labels: Iterable[tuple[Label, bytes]]) -> dict[str, Any]:
    """Write the files of a set to `part`; return its counts."""
    work = part / ".sorting"
    work.mkdir()
    mixers: dict[tuple[str, str], Mixer] = {}
    kind: str | None = None
    counts = _Counts()
    for label, line in labels:
        kind = kind or label.judge
        if label.judge != kind:
            raise InputError(
                "labels of both kinds, weak and llm; a labeled set has one: write them to two folders"
            )
        group = (label.split, label.bucket)
        if group not in mixers:
            name = f"{_named(label.split, 'split')}.{_named(label.bucket, 'bucket')}"
            mixers[group] = Mixer(work / name, EXPECTED_BYTES)
        # A conversation's labels share the hash, so the turn decides among them.
        entry = b"%0*d" % (_TURN_DIGITS, label.turn_index) + line
        mixers[group].add(portable_hash(f"0:{label.conversation_id}"), entry)
        counts.add(label)
    if kind is None:
        raise EmptyResultError("there is no label to write")
    for (split, bucket), mixer in sorted(mixers.items()):
        path = part / split / f"{bucket}.jsonl"
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            for line in _each_once(mixer, counts):
                file.write(line)
        sync(path)
    shutil.rmtree(work)
    return {"judge": kind, **counts.as_json()}


def _each_once(mixer: Mixer, counts: "_Counts") -> Iterator[bytes]:
    """Yield the lines of a file, equal ones once, which are counted no more."""
    last = last_ids = b""
    for entry in mixer.lines():
        line = entry[_TURN_DIGITS:]
        if line == last:
            counts.repeat(_decoder.decode(line))
            continue
        ids = line[: line.find(_AFTER_IDS)]
        if ids == last_ids:
            label = _decoder.decode(line)
            raise InputError(
                f"conversation {label.conversation_id}, message {label.message_id}: has two different labels"
            )
        last, last_ids = line, ids
        yield line


class _Counts:
    """Count the labels of a set in all, by split and by bucket."""

    def __init__(self) -> None:
        self.repeated = self.votes = 0
        # One step for each label: those alike in all of this, and how many they are.
        self.alike: dict[tuple[Any, ...], int] = {}

    def add(self, label: Label, times: int = 1) -> None:
        """Count a label."""
        kind = (label.split, label.bucket, label.llm_vote, *_told(label))
        self.alike[kind] = self.alike.get(kind, 0) + times
        if label.vote is not None:
            self.votes += times

    def repeat(self, label: Label) -> None:
        """Count a label that was counted before as a repeated one."""
        self.add(label, -1)
        self.repeated += 1

    def as_json(self) -> dict[str, Any]:
        """Return the counts for `labels.json`."""
        groups: dict[tuple[str, str], Counter[int]] = {}
        for (split, bucket, label, *_), count in self.alike.items():
            groups.setdefault((split, bucket), Counter())[label] += count
        told = zip(*(kind[3:] for kind in self.alike), strict=True)
        return {
            **{key: sorted(filter(None, set(values))) for key, values in zip(TOLD, told, strict=True)},
            "labels": _shares(sum(groups.values(), Counter[int]())),
            "votes": self.votes,
            "repeated": self.repeated,
            "groups": {
                f"{split}/{bucket}": _shares(each) for (split, bucket), each in sorted(groups.items())
            },
        }


def _shares(counts: Counter[int]) -> dict[str, Any]:
    return {
        "total": counts.total(),
        "0": counts[0],
        "1": counts[1],
        "reasoning_share": round(counts[0] / counts.total(), 4),
    }


def _refuse_loss(folder: Path, before: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
    """Keep a set whose kind is another, or whose votes the new labels do not have."""
    if before.get("judge", counts["judge"]) != counts["judge"]:
        raise UsageError(
            f"{folder}: holds {before['judge']} labels, not {counts['judge']}; give another --out"
        )
    lost = int(before.get("votes", 0)) - counts["votes"]
    if lost > 0:
        raise UsageError(
            f"{folder}: has {lost} votes that would be lost; give another --out, and apply the votes to it"
        )


def _swap(part: Path, folder: Path) -> None:
    """Put a finished folder in the place of the one before, which is there until the very end."""
    gone = _before(folder)
    shutil.rmtree(gone, ignore_errors=True)
    if folder.exists():
        folder.rename(gone)
    part.rename(folder)
    sync(folder.parent)
    shutil.rmtree(gone, ignore_errors=True)


def _before(folder: Path) -> Path:
    return folder.with_name(folder.name + ".before" + PART_SUFFIX)
