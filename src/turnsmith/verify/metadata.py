"""Read metadata.json and hand out its parts, each looked up with care."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from turnsmith.verify.reading import Decoder, explain
from turnsmith.verify.report import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from turnsmith.verify.report import Ledger

METADATA = "metadata.json"
MAX_BYTES = 1 << 29
ALL = "all"  # stands for the split in the layout without splits
Group = tuple[str, str]  # split and bucket

OBJECTS = (
    "curation_info",
    "query_parameters",
    "completeness_criteria",
    "deduplication",
    "stratification",
    "actual_counts",
    "output_files",
    "funnel",
    "warnings",
    "checksums",
    "config",
    "versions",
)
BUCKET_NAME = re.compile(r"(?P<short>[^/]+)_(?P<low>[0-9]{1,9})_to_(?P<high>[0-9]{1,9})_turns")


class GapError(Exception):
    """Say which part of the metadata is missing or of a wrong type."""


def parse_json(data: bytes) -> Any:
    """Return the JSON value in `data`; raise GapError with the reason if there is none."""
    try:
        text = data.decode()
        value, end, problem = Decoder().scan(text.strip(" \t\r\n"), 0, suspicious=False)
    except UnicodeDecodeError:
        raise GapError("bytes that are no UTF-8") from None
    except (ValueError, RecursionError) as error:
        at = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise GapError(explain(error) + at) from None
    if problem or end != len(text.strip(" \t\r\n")):
        raise GapError(problem or "something stands after the JSON value")
    return value


class Metadata:
    """Look up parts of the metadata by their keys; raise GapError where a part is missing or wrong."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def get(self, *keys: str) -> Any:
        """Return the value under `keys`, of any type."""
        value: Any = self._root
        for depth, key in enumerate(keys, 1):
            if not isinstance(value, dict) or key not in value:
                raise GapError(f"metadata has no {path_of(*keys[:depth])}")
            value = value[key]
        return value

    def mapping(self, *keys: str) -> dict[str, Any]:
        """Return the object under `keys`."""
        return as_mapping(self.get(*keys), *keys)

    def items(self, *keys: str) -> list[Any]:
        """Return the list under `keys`."""
        value = self.get(*keys)
        if not isinstance(value, list):
            raise GapError(f"metadata: {path_of(*keys)} is {show(value)}, not a list")
        return value

    def text(self, *keys: str) -> str:
        """Return the string under `keys`."""
        value = self.get(*keys)
        if not isinstance(value, str):
            raise GapError(f"metadata: {path_of(*keys)} is {show(value)}, not a string")
        return value

    def count(self, *keys: str) -> int:
        """Return the count under `keys`."""
        return as_count(self.get(*keys), *keys)

    @property
    def single(self) -> bool:
        """Tell whether this is the layout without splits."""
        return self.text("config", "layout") == "single"

    def groups(self, *keys: str, besides: tuple[str, ...] = (), nested: bool = False) -> dict[Group, Any]:
        """Return the values under `keys` by group; `besides` names keys that are no split and no bucket.

        `nested`: a level for the split is there in the layout without splits, too.
        """
        outer = {key: value for key, value in self.mapping(*keys).items() if key not in besides}
        if self.single and not nested:
            return {(ALL, bucket): value for bucket, value in outer.items()}
        return {
            (split, bucket): value
            for split, inner in outer.items()
            for bucket, value in as_mapping(inner, *keys, split).items()
            if bucket not in besides
        }

    def targets(self) -> dict[Group, int]:
        """Return the target of each group."""
        strata = self.groups("stratification", besides=("split_assignment", "total_target"))
        return {
            group: Metadata({"group": value}).count("group", "target_count")
            for group, value in strata.items()
        }

    def counts(self, *keys: str, besides: tuple[str, ...] = (), nested: bool = False) -> dict[Group, int]:
        """Return the counts under `keys` by group."""
        groups = self.groups(*keys, besides=besides, nested=nested)
        return {group: as_count(value, *keys, *group) for group, value in groups.items()}


def path_of(*keys: str) -> str:
    """Return keys as one dotted path, safe to print."""
    return ".".join(
        key if key.isidentifier() and key.isascii() and len(key) < 60 else show(key) for key in keys
    )


def as_mapping(value: object, *keys: str) -> dict[str, Any]:
    """Return `value`, found under `keys`, if it is an object; raise GapError if not."""
    if not isinstance(value, dict):
        raise GapError(f"metadata: {path_of(*keys)} is {show(value)}, not an object")
    return value


def as_count(value: object, *keys: str) -> int:
    """Return `value`, found under `keys`, if it is an integer of at least 0; raise GapError if not."""
    if type(value) is not int or value < 0:
        raise GapError(f"metadata: {path_of(*keys)} is {show(value)}, not a count")
    return value


def load_metadata(root: Path, ledger: Ledger) -> Metadata:
    """Return the metadata of the data set folder `root`, empty if it can't be read."""
    ledger.examine("metadata")
    path = root / METADATA
    try:
        if path.stat().st_size > MAX_BYTES:
            raise GapError("too big")
        metadata = Metadata(as_mapping(parse_json(path.read_bytes()), METADATA))
    except (GapError, OSError) as error:
        reason = type(error).__name__ if isinstance(error, OSError) else error
        ledger.breach("metadata", f"{METADATA}: {reason}")
        return Metadata({})
    for gap in _gaps(metadata):
        ledger.breach("metadata", gap)
    return metadata


def _gaps(metadata: Metadata) -> Iterator[str]:
    for key in OBJECTS:
        try:
            metadata.mapping(key)
        except GapError as gap:
            yield str(gap)
    try:
        metadata.items("shortfalls")
        if (layout := metadata.text("config", "layout")) not in ("splits", "single"):
            yield f"metadata: config.layout is {show(layout)}, not splits or single"
    except GapError as gap:
        yield str(gap)
