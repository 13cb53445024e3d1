"""Take what is to be forgotten out of the candidates, the invalid records and the labels."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.errors import EmptyResultError, UsageError
from turnsmith.curate import validate
from turnsmith.curate.candidates import Candidate, write_in_order
from turnsmith.labels import labeled_set
from turnsmith.labels.records import Label
from turnsmith.recipes.forget.asking import Matching
from turnsmith.recipes.forget.stored import Stored, decoded

Place = tuple[int, str]
# What a judge keeps beside labels: its replies, which no id leads to, and what it could not label.
NOT_SEARCHED = ("judge.sqlite", "unlabeled.jsonl")


@dataclass(slots=True)
class Purged:
    """Count by group (`split/bucket`) what is left, and hold what went: its places in the sample order."""

    left: Counter[str] = field(default_factory=Counter)
    gone: dict[str, list[Place]] = field(default_factory=dict)
    gone_warnings: Counter[str] = field(default_factory=Counter)

    @property
    def ids(self) -> list[str]:
        """Return the ids of what went."""
        return sorted(conversation for places in self.gone.values() for _, conversation in places)

    @property
    def counts(self) -> Counter[str]:
        """Return how many there were in all, by group."""
        return self.left + Counter({group: len(places) for group, places in self.gone.items()})

    def as_json(self) -> dict[str, Any]:
        """Return the counts to be kept in the run's folder."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @staticmethod
    def total(parts: list[dict[str, Any]]) -> "Purged":
        """Return the counts of all files together."""
        whole = Purged()
        for part in parts:
            whole.left.update(part["left"])
            whole.gone_warnings.update(part["gone_warnings"])
            for group, places in part["gone"].items():
                whole.gone.setdefault(group, []).extend((order, key) for order, key in places)
        return whole


def purge_candidates(source: Iterator[Candidate], matching: Matching, target: Path) -> Purged:
    """Write the candidates that stay to `target`; return what stayed and what went."""
    purged = Purged()

    def staying() -> Iterator[Candidate]:
        for candidate in source:
            group = f"{candidate.split}/{candidate.bucket}"
            if not matching.takes(candidate.conversation_id, candidate.user_name):
                purged.left[group] += 1
                yield candidate
                continue
            place = candidate.order_hash, candidate.conversation_id
            purged.gone.setdefault(group, []).append(place)
            purged.gone_warnings.update(
                validate.warnings(decoded(candidate.record, f"conversation {candidate.conversation_id}"))
            )

    write_in_order(target, staying())
    return purged


def purge_invalid(stored: Stored, matching: Matching) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the invalid records that stay and those that go, each with its `split` and, where kept, `userName`."""
    users = stored.invalid_users()
    staying: list[dict[str, Any]] = []
    going: list[dict[str, Any]] = []
    for split, entries in stored.invalid().items():
        for entry in entries:
            key = entry["conversationId"]
            whole = {**entry, "split": split, "userName": users.get(key)}
            (going if matching.takes(key, users.get(key)) else staying).append(whole)
    return staying, going


def labeled_of(dataset: Path, places: Iterable[Path]) -> list[Path]:
    """Return the labeled sets of a data set: the one beside it and those in `places`.

    A place is a folder that holds one, such as a judge's `--out`, or is one. Raises UsageError where it does not.
    """
    name = f"{labeled_set.PREFIX}{dataset.name}"
    found = set()
    for place in places:
        folder = place if place.name == name else place / name
        if not folder.is_dir():
            raise UsageError(
                f"--labels: {place}: no {name} in there; give the folder that turnsmith judge wrote"
            )
        found.add(folder.resolve())
    beside = dataset.with_name(name)
    if beside.is_dir():
        found.add(beside.resolve())
    return sorted(found)


def not_searched(dataset: Path, labeled: Iterable[Path]) -> list[str]:
    """Return the names of files beside a data set and its labels that may hold something, too, but have no ids."""
    home = dataset.parent.resolve()
    places = sorted({folder.parent for folder in labeled} - {home})
    return [
        name if place == home else f"{place.name}/{name}"
        for place in (home, *places)
        for name in NOT_SEARCHED
        if (place / name).exists()
    ]


def purge_labels(folder: Path, gone: frozenset[str], out: Path, dataset_id: str) -> int:
    """Write the labels that stay as a labeled set of `dataset_id` to `out`; return how many went.

    Where none stays there is no set.
    """
    counts: Counter[str] = Counter()

    def staying() -> Iterator[Label]:
        for label in labeled_set.read(folder):
            if label.conversation_id in gone:
                counts["gone"] += 1
            else:
                yield label

    said = labeled_set.report(folder)
    about = {key: value for key, value in said.items() if key not in labeled_set.COUNTED}
    with contextlib.suppress(EmptyResultError):
        labeled_set.write(out, dataset_id, staying(), about, replace=True)
    return counts["gone"]
