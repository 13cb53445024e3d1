"""Which rows go to which file: near duplicates out, strata, and the draw inside each stratum."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from turnsmith.core.errors import DataError
from turnsmith.curate.near_duplicates import Near, find_pairs, keep_first
from turnsmith.labels.balance.allocating import allocate, largest_total
from turnsmith.labels.balance.options import MOST_COPIES, BalanceOptions
from turnsmith.labels.balance.rows import SPLITS, Table, read_rows
from turnsmith.labels.checks.describing import LENGTH
from turnsmith.labels.checks.probes import length_bins


def without_near_duplicates(
    table: Table, rows: Path, threshold: float | None, work: Path, on_rows: Callable[[int], object]
) -> tuple[Any, Counter[str]]:
    """Return a mask of the rows that stay, and by split how many went for being near an earlier one."""
    if threshold is None:
        return np.ones(len(table), bool), Counter()
    texts = (row.compared or row.text for row in read_rows(rows))
    pairs = find_pairs(texts, Near(threshold=threshold), work, on_rows, which="kept")
    kept = keep_first(len(table), pairs).kept
    gone = Counter(SPLITS[number] for number in table.splits[~kept].tolist())
    return kept, gone


@dataclass(frozen=True, slots=True)
class Stratum:
    """Hold one stratum of a balanced file: its values, and how many of each label it had and gave."""

    values: dict[str, str]
    had: tuple[int, int]
    gave: tuple[int, int]

    def as_json(self) -> dict[str, Any]:
        """Return the stratum for a manifest."""
        had, gave = ({"0": counts[0], "1": counts[1]} for counts in (self.had, self.gave))
        return {**self.values, "had": had, "gave": gave}


@dataclass(frozen=True, slots=True)
class Draw:
    """Hold how often each of the given rows is written, and the strata it came from."""

    copies: Any
    strata: list[Stratum]


def draw(table: Table, rows: Any, total: int | None, options: BalanceOptions, split: str) -> Draw:
    """Return how often each row (numbers into the table, in their order) is written, for the ratio in all strata.

    The first rows of a stratum are taken; with `oversample` they come again, up to ten times each. Raises
    DataError that states the largest total where that is too small, or where nothing can be taken at all.
    """
    labels = table.labels[rows]
    strata, names = _strata(table, rows, options.within)
    had = np.zeros((len(names), 2), np.int64)
    np.add.at(had, (strata, labels), 1)
    times = MOST_COPIES if options.oversample else 1
    most = largest_total(had * times, options.reasoning)
    step = sum(options.ratio) // math.gcd(*options.ratio)  # rows at which the ratio is exact
    if most < (total or step):
        raise DataError(_shortfall(total, most, had, options, split))
    if total is None:
        total = most - most % step
    elif not 0 < math.floor(total * options.reasoning + 0.5) < total:
        raise DataError(f"--total {total:,}: has no room for both labels at {options.ratio_text}")
    gave = allocate(had * times, had.sum(axis=1), total, options.reasoning)
    told = [
        Stratum(values, (int(had[n, 0]), int(had[n, 1])), (int(gave[n, 0]), int(gave[n, 1])))
        for n, values in enumerate(names)
    ]
    return Draw(_copies(strata * 2 + labels, had.ravel(), gave.ravel()), told)


def _copies(groups: Any, had: Any, gave: Any) -> Any:
    """Return how often each row is written, given its group's rows before and after; the first rows come first."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    rank = np.arange(len(groups)) - np.searchsorted(ordered, np.arange(len(had)))[ordered]
    copies = np.zeros(len(groups), np.int64)
    copies[order] = gave[ordered] // had[ordered] + (rank < gave[ordered] % had[ordered])
    return copies


def _strata(table: Table, rows: Any, within: tuple[str, ...]) -> tuple[Any, list[dict[str, str]]]:
    """Return the number of each row's stratum, and what the strata stand for, in a fixed order."""
    columns, meanings = [], []
    for name in within:
        if name == LENGTH:
            bins = length_bins(table.lengths[rows])
            columns.append(bins)
            meanings.append(_length_names(table.lengths[rows], bins))
        else:
            columns.append(table.codes[name][rows])
            meanings.append(dict(enumerate(table.names[name])))
    if not columns:
        return np.zeros(len(rows), np.int64), [{}]
    values, numbers = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    names = [
        {name: meaning[int(code)] for name, meaning, code in zip(within, meanings, value, strict=True)}
        for value in values
    ]
    return numbers.ravel(), names


def _length_names(lengths: Any, bins: Any) -> dict[int, str]:
    """Return the range of characters that each bin holds."""
    return {
        int(each): f"{lengths[bins == each].min()} to {lengths[bins == each].max()}"
        for each in np.unique(bins)
    }


def _shortfall(total: int | None, most: int, had: Any, options: BalanceOptions, split: str) -> str:
    """Return what is missing, and the ways out."""
    within = f" within {', '.join(options.within)}" if options.within else ""
    free = largest_total(had.sum(axis=0, keepdims=True), options.reasoning)
    more = 0 if options.oversample else largest_total(had * MOST_COPIES, options.reasoning)
    counts = had.sum(axis=0)
    wanted = "" if total is None else f"--total {total:,}: "
    step = sum(options.ratio) // math.gcd(*options.ratio)
    text = (
        f"{wanted}the {split} split has {counts[0]:,} rows of label 0 and {counts[1]:,} of label 1 after "
        f"duplicates; at {options.ratio_text}{within} the largest total possible is {most:,}"
    )
    ways = [f"{free:,} with --within none"] if free > most else []
    ways += [f"{more:,} with --oversample"] if more > most else []
    if total is None and most:
        text += f", which is less than the {step} that {options.ratio_text} takes to be exact"
    return f"{text} ({', '.join(ways)})" if ways else text
