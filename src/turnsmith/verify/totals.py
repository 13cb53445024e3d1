"""Check what the metadata says of the whole set against what the files hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from turnsmith.verify.metadata import (
    ALL,
    BUCKET_NAME,
    GapError,
    Group,
    Metadata,
    as_count,
    as_mapping,
    path_of,
)
from turnsmith.verify.near import dropped_total
from turnsmith.verify.report import Ledger, show
from turnsmith.verify.units import check_shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from turnsmith.verify.files import Invalid
    from turnsmith.verify.records import Tally

TOTAL = ("total",)


@dataclass(frozen=True)
class Facts:
    """Hold what was found in the folder: its name, records by group, the tally, invalid conversations."""

    folder: str
    records: dict[Group, int]
    tally: Tally
    invalid: Invalid


def check_totals(metadata: Metadata, facts: Facts, ledger: Ledger) -> None:
    """Run all checks of the whole set."""
    for name, check in SET_CHECKS:
        ledger.examine(name)
        try:
            for sample in check(metadata, facts):
                ledger.breach(name, sample)
        except GapError as gap:
            ledger.breach(name, str(gap))


def _dataset_id(metadata: Metadata, facts: Facts) -> Iterator[str]:
    found = metadata.text("curation_info", "curation_id")
    if facts.folder != found:
        names = f"the folder is called {show(facts.folder)}, the data set {show(found)}"
        yield f"{names}: was it renamed or moved?"
    total = metadata.count("stratification", "total_target")
    size = f"{total // 1000}k" if total and total % 1000 == 0 else show(total)
    prefix, window, stamp = (metadata.text("config", key) for key in ("prefix", "window", "stamp"))
    made = f"{prefix}_{size}_complete_stratified_deduped_{window}_{stamp}"
    if made != found:
        yield f"curation_id is {show(found)}, but the configuration makes it {show(made)}"


def _label(group: Group) -> str:
    return path_of(*group)


def _differences(left: dict[Group, int], right: dict[Group, int], words: str) -> Iterator[str]:
    """Yield where two counts by group differ; a group that one of them lacks counts 0. `words` takes both."""
    for group in sorted(left.keys() | right.keys()):
        if left.get(group, 0) != right.get(group, 0):
            yield f"{_label(group)}: {words.format(show(left.get(group, 0)), show(right.get(group, 0)))}"


def _actual_counts(metadata: Metadata, facts: Facts) -> Iterator[str]:
    counts = metadata.counts("actual_counts", besides=TOTAL)
    yield from _differences(facts.records, counts, "{} records in the file, actual_counts says {}")
    totals: list[tuple[tuple[str, ...], int]] = [(TOTAL, sum(facts.records.values()))]
    splits = [] if metadata.single else sorted({split for split, _ in counts})
    for split in splits:
        count = sum(n for group, n in facts.records.items() if group[0] == split)
        totals.append(((split, *TOTAL), count))
    for keys, right in totals:
        if (found := metadata.count("actual_counts", *keys)) != right:
            yield f"actual_counts.{path_of(*keys)} is {show(found)}, records {right}"


def _targets(metadata: Metadata, facts: Facts) -> Iterator[str]:
    targets = metadata.targets()
    for group, count in sorted(facts.records.items()):
        if count > targets.get(group, 0):
            yield f"{_label(group)}: {count} records above the target {show(targets.get(group, 0))}"
    total = metadata.count("stratification", "total_target")
    if total != (summed := sum(targets.values())):
        yield f"stratification.total_target is {show(total)}, the targets add up to {show(summed)}"
    configured = metadata.counts("config", "targets", nested=True)
    chosen = metadata.get("config", "split")
    if chosen is not None:
        configured = {group: count for group, count in configured.items() if group[0] == chosen}
    short = {(split, _short(bucket)): count for (split, bucket), count in targets.items()}
    yield from _differences(short, configured, "target_count {}, config.targets {}")


def _short(bucket: str) -> str:
    match = BUCKET_NAME.fullmatch(bucket)
    return match["short"] if match else bucket


def _turn_ranges(metadata: Metadata, _facts: Facts) -> Iterator[str]:
    buckets = [as_mapping(item, "config", "buckets") for item in metadata.items("config", "buckets")]
    configured = [[item.get("name"), item.get("min"), item.get("max")] for item in buckets]
    for group, stratum in metadata.groups(
        "stratification", besides=("split_assignment", "total_target")
    ).items():
        match = BUCKET_NAME.fullmatch(group[1])
        stated = [int(match["low"]), int(match["high"])] if match else None
        if match is None or as_mapping(stratum, "stratification", *group).get("turn_range") != stated:
            yield f"{_label(group)}: turn_range of the metadata is not that of the name"
        elif [match["short"], *(stated or [])] not in configured:
            yield f"{_label(group)}: config.buckets has no such bucket"


def _shortfalls(metadata: Metadata, facts: Facts) -> Iterator[str]:
    candidates = metadata.counts("funnel", "candidates", nested=True)
    right = {
        (group[0], _short(group[1])): (target, candidates.get(group, 0))
        for group, target in metadata.targets().items()
        if facts.records.get(group, 0) < target
    }
    listed = {}
    for item in metadata.items("shortfalls"):
        entry = as_mapping(item, "shortfalls")
        split, _, bucket = str(entry.get("group")).rpartition(".")
        listed[split or ALL, bucket] = entry.get("wanted"), entry.get("available")
    if len(listed) != len(metadata.items("shortfalls")):
        yield "a group stands twice in shortfalls"
    for group in sorted(right.keys() - listed.keys()):
        yield f"{_label(group)} is below its target, but not in shortfalls"
    for group in sorted(listed.keys() - right.keys()):
        yield f"{_label(group)} is in shortfalls, but not below its target"
    for group in sorted(right.keys() & listed.keys()):
        if listed[group] != right[group]:
            (wanted, available), (target, there) = listed[group], right[group]
            given = f"wanted {show(wanted)}, available {show(available)}"
            yield f"{_label(group)}: {given}, not {show(target)} and {show(there)}"


def _sum(metadata: Metadata, *keys: str) -> int:
    return sum(as_count(value, *keys, key) for key, value in metadata.mapping(*keys).items())


def _funnel_events(metadata: Metadata, _facts: Facts) -> Iterator[str]:
    if metadata.get("funnel", "events_read") is None and _has_uncounted_events(metadata):
        return  # a cluster read the events and does not say how many
    events = metadata.count("funnel", "events_read") - metadata.count("funnel", "malformed_rows")
    if (fates := _sum(metadata, "funnel", "events")) != events:
        yield f"funnel.events add up to {show(fates)}, events_read - malformed_rows is {show(events)}"


def _has_uncounted_events(metadata: Metadata) -> bool:
    source, malformed = metadata.get("curation_info", "data_source"), metadata.get("funnel", "malformed_rows")
    return source == "kusto" and malformed is None and not metadata.mapping("funnel", "events")


def _funnel_conversations(metadata: Metadata, _facts: Facts) -> Iterator[str]:
    candidates = metadata.counts("funnel", "candidates", nested=True)
    seen = metadata.count("funnel", "conversations")
    fates = (
        _sum(metadata, "funnel", "filtered") + _sum(metadata, "funnel", "invalid") + sum(candidates.values())
    )
    fates += dropped_total(metadata)
    if fates + _forgotten(metadata) != seen:
        yield f"filtered, invalid, dropped and candidates add up to {show(fates)}, conversations is {show(seen)}"


def _forgotten(metadata: Metadata) -> int:
    """Return how many conversations `turnsmith forget` took, with the candidates that were not kept for it."""
    try:
        if metadata.get("forgotten") is None:
            return 0
    except GapError:
        return 0  # sets of before
    return metadata.count("forgotten", "conversations") + metadata.count("forgotten", "not_kept")


def _funnel_sampled(metadata: Metadata, _facts: Facts) -> Iterator[str]:
    sampled = metadata.counts("funnel", "sampled", nested=True)
    counts = metadata.counts("actual_counts", besides=TOTAL)
    yield from _differences(sampled, counts, "funnel.sampled {}, actual_counts {}")
    candidates = metadata.counts("funnel", "candidates", nested=True)
    due = {group: min(target, candidates.get(group, 0)) for group, target in metadata.targets().items()}
    yield from _differences(sampled, due, "funnel.sampled {}, but target and candidates allow {}")


def _invalid_totals(metadata: Metadata, facts: Facts) -> Iterator[str]:
    said = metadata.mapping("funnel", "invalid")
    for split in sorted(said.keys() | facts.invalid.totals.keys()):
        count, found = said.get(split, 0), facts.invalid.totals.get(split, 0)
        if count != found:
            yield f"{path_of(split)}: funnel.invalid {show(count)}, total_invalid of the file {show(found)}"


def _warnings(metadata: Metadata, facts: Facts) -> Iterator[str]:
    written = metadata.mapping("warnings", "written")
    lost = f" ({facts.tally.uncounted} records could not be counted)" if facts.tally.uncounted else ""
    for name in sorted(written.keys() | facts.tally.warnings.keys()):
        if name not in facts.tally.warnings:
            yield f"{path_of(name)} is no known warning"
        elif written.get(name, 0) != (found := facts.tally.warnings[name]):
            yield f"{name}: {show(written.get(name))}, counted {found}{lost}"


def _split_units(metadata: Metadata, _facts: Facts) -> Iterator[str]:
    yield from check_shares(metadata)


SET_CHECKS: tuple[tuple[str, Callable[[Metadata, Facts], Iterator[str]]], ...] = (
    ("dataset_id", _dataset_id),
    ("turn_range", _turn_ranges),
    ("actual_counts", _actual_counts),
    ("targets", _targets),
    ("shortfalls", _shortfalls),
    ("funnel", _funnel_events),
    ("funnel", _funnel_conversations),
    ("funnel", _funnel_sampled),
    ("invalid_records", _invalid_totals),
    ("split_units", _split_units),
    ("warnings", _warnings),
)
