"""A finished set as candidate files: from the kept candidates, or from the data files where none were kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.files import read_json
from turnsmith.core.json_items import read_items
from turnsmith.core.lines import open_input, read_lines
from turnsmith.core.records import Conversation
from turnsmith.curate.candidates import Candidate, read_candidates
from turnsmith.curate.rows import rows_of_parquet
from turnsmith.curate.sample import Group
from turnsmith.curate.split import bounds, order_in_sample
from turnsmith.curate.split_units import SplitBy
from turnsmith.publish.invalid import KEYS
from turnsmith.publish.metadata import dataset_id
from turnsmith.publish.units import NAME as UNITS
from turnsmith.recipes.keeping import INVALID, kept_folder
from turnsmith.recipes.names import safe_name
from turnsmith.recipes.telemetry import check_stamp
from turnsmith.sources.telemetry.chunks import NO_SPLIT

METADATA = "metadata.json"
INVALID_PREFIX = "invalid_records_"
FORMATS = ("json", "jsonl", "parquet")
DAMAGED = "run `turnsmith verify` on the data set"
_decoder = msgspec.json.Decoder(Conversation)


@dataclass(frozen=True, slots=True)
class Stored:
    """Give access to a finished set; `metadata` is the content of its metadata.json."""

    path: Path
    metadata: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the configuration that the set was made with."""
        config: Mapping[str, Any] = self.metadata["config"]
        return config

    @property
    def with_splits(self) -> bool:
        """Tell whether the set has splits."""
        return bool(self.config["layout"] == "splits")

    @property
    def groups(self) -> dict[str, Group]:
        """Return the groups by their short names, as an export has them."""
        targets = self.config["targets"]
        full = {b["name"]: f"{b['name']}_{b['min']}_to_{b['max']}_turns" for b in self.config["buckets"]}
        found = {}
        for split, by_bucket in targets.items():
            for short, target in by_bucket.items():
                name = f"{split}.{short}" if self.with_splits else short
                found[name] = Group(split, full[short], target)
        return found

    def file_of(self, group: Group) -> str:
        """Return a group's data file below the set's folder."""
        name = f"{group.bucket}.{self.config['format']}"
        return f"{group.split}/{name}" if self.with_splits else name

    @property
    def kept(self) -> Path | None:
        """Return the folder of the kept candidates, None where they were not kept."""
        folder = kept_folder(self.path)
        return folder if folder.is_dir() else None

    def sources(self) -> dict[str, Iterator[Candidate]]:
        """Return all candidates there are, by the names of files to write them to; each in sample order."""
        if self.kept is not None:
            return {path.stem: read_candidates(path) for path in sorted(self.kept.glob("*.parquet"))}
        units = self._units()
        return {name.replace(".", "-"): self._candidates(group, units) for name, group in self.groups.items()}

    def records(self, group: Group) -> Iterator[tuple[str, bytes]]:
        """Yield the records of a data file as (place, JSON); raises InputError for a file that can't be read."""
        path = str(self.path / self.file_of(group))
        if path.endswith(".parquet"):
            for row in rows_of_parquet(path):
                yield row.place, msgspec.json.encode(_converted(row.record, row.place))
        elif path.endswith(".jsonl"):
            for number, line in read_lines(path):
                yield f"{path}:{number}", line
        else:
            with open_input(path) as file:
                for index, item in read_items(path, file):
                    yield f"{path}, record {index + 1}", item

    def invalid(self) -> dict[str | None, list[dict[str, Any]]]:
        """Return the invalid records by split, None without splits."""
        found: dict[str | None, list[dict[str, Any]]] = {}
        for name in sorted(self.metadata["checksums"]):
            if name.startswith(INVALID_PREFIX):
                middle = name.removeprefix(INVALID_PREFIX).removesuffix(f"{self.config['stamp']}.json")
                try:
                    entries = read_json(self.path / name)["invalid_records"]
                    found[middle.rstrip("_") or None] = [{key: each[key] for key in KEYS} for each in entries]
                except (OSError, ValueError, KeyError, TypeError) as error:
                    raise InputError(f"{self.path / name}: no file of invalid records; {DAMAGED}") from error
        return found

    def invalid_users(self) -> dict[str, str | None]:
        """Return the users of invalid conversations by id, as far as they were kept."""
        if self.kept is None or not (self.kept / INVALID).exists():
            return {}
        lines = (msgspec.json.decode(line) for _, line in read_lines(str(self.kept / INVALID)))
        return {line["conversationId"]: line["userName"] for line in lines}

    def _candidates(self, group: Group, units: Mapping[str, int]) -> Iterator[Candidate]:
        for place, text in self.records(group):
            record = decoded(text, place)
            order, _ = order_in_sample(record.conversation_id, self.config["seed"])
            request = record.turns_array[0].user_message if record.turns_array else ""
            yield Candidate(
                group.split, group.bucket, order, record.conversation_id, text, record.user_name or "", request,
                unit=units.get(record.conversation_id),
            )  # fmt: skip

    def _units(self) -> dict[str, int]:
        if self.config["split_by"] == SplitBy.conversation:
            return {}
        units = {}
        for number, line in read_lines(str(self.path / UNITS)):
            try:
                entry = msgspec.json.decode(line)
                units[entry["conversationId"]] = int(entry["unit"], 16)
            except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
                raise InputError(
                    f"{self.path / UNITS}:{number}: no unit of a conversation; {DAMAGED}"
                ) from error
        return units


def open_stored(path: Path) -> Stored:
    """Return a finished set; raises UsageError for a folder that is none, or a set this version can't rewrite."""
    try:
        content = read_json(path / METADATA)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: no finished data set: {METADATA} is missing or can't be read") from error
    stored = Stored(path, content)
    try:
        _check(stored)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{path}: {METADATA} is not that of an export by this version; {DAMAGED}") from error
    if stored.metadata["curation_info"]["curation_id"] != path.name:
        raise UsageError(f"{path}: the folder does not have the data set's name; was it renamed? {DAMAGED}")
    return stored


def _check(stored: Stored) -> None:
    """Raise KeyError, TypeError, AttributeError or ValueError where metadata lacks what a new version needs.

    Names of splits, buckets and files become paths, so none may lead out of the folder.
    """
    config = stored.config
    for group in stored.groups.values():
        safe_name(group.split)
        safe_name(group.bucket)
    if config["format"] not in FORMATS or config["layout"] not in ("splits", "single"):
        raise ValueError("an unknown format or layout")
    check_stamp(config["stamp"])
    dataset_id(safe_name(config["prefix"]), 0, safe_name(config["window"]), config["stamp"])
    bounds(config["splits"])
    SplitBy(config["split_by"])
    int(config["seed"])
    for name in stored.metadata["checksums"]:
        if name.startswith(INVALID_PREFIX):
            safe_name(name.removesuffix(".json"))
    for row in stored.metadata["funnel"]["candidates"].values():
        sum(row.values())
    sum(stored.metadata["funnel"]["invalid"].values())
    if "near_duplicates" in stored.metadata:
        sum(stored.metadata["funnel"]["near_duplicates"].values())
    sum(stored.metadata["warnings"]["candidates"].values())
    stored.metadata["actual_counts"].items()
    if stored.metadata["forgotten"] is not None:
        sum(stored.metadata["forgotten"][key] for key in ("times", "conversations", "not_kept"))


def decoded(text: bytes, place: str) -> Conversation:
    """Return a record as it stands in a data file; raises InputError for anything else."""
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise InputError(f"{place}: no record of a conversation; {DAMAGED}") from error


def _converted(row: Any, place: str) -> Conversation:
    try:
        return msgspec.convert(row, Conversation)
    except msgspec.MsgspecError as error:
        raise InputError(f"{place}: no record of a conversation; {DAMAGED}") from error


def no_split_name(split: str | None) -> str:
    """Return how counts name a split, `all` without splits."""
    return NO_SPLIT if split is None else split
