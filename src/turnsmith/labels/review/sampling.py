"""Draw labels for review: the same share of every stratum, the first by a seeded hash, without the judge's label."""

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from turnsmith.core.errors import EmptyResultError, UsageError
from turnsmith.core.hashing import portable_hash
from turnsmith.labels import labeled_set
from turnsmith.labels.records import Label
from turnsmith.labels.review.voting import write_rows

BINS = 5
Stratum = tuple[int, int, str]


def stratum_of(label: Label) -> Stratum:
    """Return (bin of P(1) out of five, label, bucket)."""
    return min(int(label.soft_label * BINS), BINS - 1), label.llm_vote, label.bucket


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """Hold how labels are drawn; raises UsageError for a value out of range.

    `share` of each stratum, at least one, goes to the sample; `most` lowers the share where the sample would be
    larger. `overlap` is the share of it that every rater gets.
    """

    share: float = 0.05
    most: int | None = None
    raters: int = 1
    overlap: float = 0.2
    seed: int = 0
    show_labels: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(f"--share: {self.share} is not above 0 and at most 1")
        if self.most is not None and self.most < 1:
            raise UsageError(f"--most: {self.most} is less than 1")
        if not 1 <= self.raters <= 100:
            raise UsageError(f"--raters: {self.raters} is not from 1 to 100")
        if not 0 <= self.overlap <= 1:
            raise UsageError(f"--overlap: {self.overlap} is not from 0 to 1")


@dataclass(slots=True)
class SampleReport:
    """Hold what was drawn: labels in all, drawn, given to every rater, and rows by file."""

    labels: int
    drawn: int
    strata: int
    shared: int
    files: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the report."""
        return {
            "labels": self.labels,
            "drawn": self.drawn,
            "strata": self.strata,
            "shared": self.shared,
            "files": self.files,
        }


def sample(folder: Path, out: Path, options: SampleOptions | None = None) -> SampleReport:
    """Write labels of a set for review as `out` (.csv or .jsonl), with several raters as `<stem>.<n><suffix>`.

    Rows stand in the order of the seeded hash, so the order tells nothing about strata. Raises UsageError for a
    wrong path or suffix, EmptyResultError for a set without labels.
    """
    options = options or SampleOptions()
    files = _files(out, options.raters)
    hashes, strata, names = _strata(folder, options.seed)
    if not len(hashes):
        raise EmptyResultError(f"{folder}: holds no label to review")
    chosen = _choose(hashes, strata, options)
    drawn = sorted(
        (portable_hash(_key(label, options.seed)), index, label)
        for index, label in enumerate(labeled_set.read(folder))
        if chosen[index]
    )
    shared = round(options.overlap * len(drawn)) if options.raters > 1 else 0
    report = SampleReport(len(hashes), len(drawn), len(names), shared)
    for number, path in enumerate(files):
        # The first rows are everybody's; the others go round, so raters differ by one row at most.
        rows = [
            _row(label, number + 1, show=options.show_labels)
            for place, (_, _, label) in enumerate(drawn)
            if place < shared or place % options.raters == number
        ]
        rows.sort(
            key=lambda row: portable_hash(
                f"{options.seed}:{number}:{row['conversationId']}:{row['messageId']}"
            )
        )
        write_rows(path, rows)
        report.files[str(path)] = len(rows)
    return report


def _files(out: Path, raters: int) -> list[Path]:
    if out.suffix not in (".csv", ".jsonl"):
        raise UsageError(f"{out}: name a .csv or a .jsonl file")
    paths = (
        [out] if raters == 1 else [out.with_name(f"{out.stem}.{n}{out.suffix}") for n in range(1, raters + 1)]
    )
    for path in paths:
        if path.exists():
            raise UsageError(
                f"{path}: is there already, perhaps with votes in it; move it or name another file"
            )
    return paths


def _key(label: Label, seed: int) -> str:
    return f"{seed}:{label.conversation_id}:{label.message_id}"


def _strata(folder: Path, seed: int) -> tuple[Any, Any, dict[Stratum, int]]:
    """Return the hash and the stratum's number of every label, in the order of the set, and the strata."""
    names: dict[Stratum, int] = {}
    hashes, strata = array("q"), array("l")
    for label in labeled_set.read(folder):
        hashes.append(portable_hash(_key(label, seed)))
        strata.append(names.setdefault(stratum_of(label), len(names)))
    return np.array(hashes, np.int64), np.array(strata, np.int64), names


def _choose(hashes: Any, strata: Any, options: SampleOptions) -> Any:
    """Return a mask of the labels drawn: of each stratum its share, rounded up, the smallest hashes first."""
    share = options.share
    if options.most is not None:
        share = min(share, options.most / len(hashes))
    counts = Counter(strata.tolist())
    order = np.lexsort((np.arange(len(hashes)), hashes, strata))
    chosen = np.zeros(len(hashes), bool)
    start = 0
    for stratum in sorted(counts):
        chosen[order[start : start + math.ceil(share * counts[stratum] - 1e-9)]] = True
        start += counts[stratum]
    return chosen


def _row(label: Label, rater: int, *, show: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "conversationId": label.conversation_id,
        "messageId": label.message_id,
        "turnIndex": label.turn_index,
        "bucket": label.bucket,
        "request": label.request,
    }
    if show:
        row |= {"llm_vote": label.llm_vote, "soft_label": label.soft_label}
    return row | {"rater": str(rater), "vote": None, "source": "person"}
