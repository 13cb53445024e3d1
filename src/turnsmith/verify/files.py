"""Check the files of a data set as files: which there are, their checksums, and those of invalid records."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from turnsmith.verify.metadata import (
    ALL,
    MAX_BYTES,
    METADATA,
    GapError,
    Group,
    Metadata,
    as_mapping,
    parse_json,
)
from turnsmith.verify.near import FILE as NEAR_FILE
from turnsmith.verify.records import hash_text
from turnsmith.verify.report import Ledger, show
from turnsmith.verify.stream import Source
from turnsmith.verify.units import FILE as UNITS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from turnsmith.verify.near import NearDuplicates
    from turnsmith.verify.units import Units

    Progress = Callable[[int], None] | None

FORMATS = (".json", ".jsonl", ".parquet")
INVALID_NAME = re.compile(r"invalid_records_(?:(?P<split>.+)_)?(?P<stamp>[0-9]{8}_[0-9]{6})\.json")


@dataclass(frozen=True)
class DataFile:
    """Hold the path of a data file below the data set, and its split (None without splits) and bucket."""

    name: str
    split: str | None
    bucket: str

    @property
    def group(self) -> Group:
        """Return split and bucket, as counts are kept."""
        return self.split or ALL, self.bucket


@dataclass
class Invalid:
    """Hold the digests of the ids of invalid conversations and their number by split."""

    ids: set[bytes] = field(default_factory=set)
    totals: dict[str, int] = field(default_factory=dict)


def find_files(root: Path) -> tuple[set[str], set[str]]:
    """Return the names of all regular files below `root`, and of what is neither that nor a plain folder."""
    files: set[str] = set()
    others: set[str] = set()
    for folder, folders, names in os.walk(root):
        below = Path(folder).relative_to(root)
        others |= {(below / name).as_posix() for name in folders if (Path(folder) / name).is_symlink()}
        for name in names:
            (files if (Path(folder) / name).is_file() else others).add((below / name).as_posix())
    return files - {METADATA}, others


def data_files(metadata: Metadata) -> list[DataFile]:
    """Return the data files that output_files lists; raise GapError where it is missing or wrong."""
    files = []
    for (split, bucket), name in metadata.groups("output_files").items():
        if not isinstance(name, str):
            raise GapError(f"metadata: output_files holds {show(name)} where a path belongs")
        files.append(DataFile(name, None if metadata.single else split, bucket))
    return files


def check_listing(root: Path, metadata: Metadata, ledger: Ledger) -> tuple[list[DataFile], list[str]]:
    """Return the data files and the other listed files that exist; record what is missing or too much."""
    found, others = find_files(root)
    data, sums = _listed(metadata, ledger)
    listed = {file.name for file in data} | sums
    ledger.examine("listed_files", len(found | others | listed))
    for name in sorted(listed - found):
        ledger.breach("listed_files", f"{show(name)} is listed, but no file of the folder")
    for name in sorted((found | others) - listed):
        ledger.breach("listed_files", f"{show(name)} lies in the folder, but is not listed")
    for file in data:
        for fault in _name_faults(file, metadata):
            ledger.breach("listed_files", f"{show(file.name)} {fault}")
    for name in sorted(sums - {file.name for file in data}):
        if not INVALID_NAME.fullmatch(name) and name not in (UNITS_FILE, NEAR_FILE):
            ledger.breach("listed_files", f"{show(name)} has a checksum, but is no file of output_files")
    present = {file.name: file for file in data if file.name in found}
    return list(present.values()), sorted((sums & found) - present.keys())


def _listed(metadata: Metadata, ledger: Ledger) -> tuple[list[DataFile], set[str]]:
    data: list[DataFile] = []
    sums: set[str] = set()
    try:
        data = data_files(metadata)
        sums = set(metadata.mapping("checksums"))
    except GapError as gap:
        ledger.breach("listed_files", str(gap))
    return data, sums


def _name_faults(file: DataFile, metadata: Metadata) -> Iterator[str]:
    path = PurePosixPath(file.name)
    if path.with_suffix("") != PurePosixPath(file.split or "", file.bucket):
        yield f"is listed for {show(file.split or ALL)}, {show(file.bucket)}"
    try:
        if path.suffix not in FORMATS or path.suffix != f".{metadata.text('config', 'format')}":
            yield "has not the format of config.format"
    except GapError as gap:
        yield f"can't be compared: {gap}"


def check_sum(name: str, source: Source, metadata: Metadata, ledger: Ledger) -> None:
    """Compare size and hash of a file that was read to its end with the metadata's checksums."""
    ledger.examine("checksums")
    try:
        entry = metadata.mapping("checksums", name)
    except GapError as gap:
        ledger.breach("checksums", str(gap))
        return
    if entry.get("bytes") != source.size:
        ledger.breach("checksums", f"{show(name)}: {source.size} bytes, not {show(entry.get('bytes'))}")
    elif entry.get("sha256") != source.sha256:
        ledger.breach("checksums", f"{show(name)}: the content is not that of the checksum")


def check_others(
    root: Path, names: list[str], metadata: Metadata, units: Units, near: NearDuplicates, ledger: Ledger,
    on_progress: Progress,
) -> Invalid:  # fmt: skip
    """Check the files besides the data files; fill `units` and `near`; return what those of invalid records hold."""
    invalid = Invalid()
    for name in names:
        match = INVALID_NAME.fullmatch(name)
        try:
            with Source(root / name, on_progress) as source:
                data = source.read(MAX_BYTES) if match else b""
                if name == UNITS_FILE:
                    units.read(source)
                elif name == NEAR_FILE:
                    near.read(source)
                source.drain()
        except OSError as error:
            ledger.breach("readable", f"{show(name)} can't be read ({type(error).__name__})")
            continue
        check_sum(name, source, metadata, ledger)
        if match:
            ledger.examine("invalid_records")
            try:
                _read_invalid(data, match, metadata, invalid)
            except GapError as gap:
                ledger.breach("invalid_records", f"{show(name)}: {gap}")
    return invalid


def _read_invalid(data: bytes, match: re.Match[str], metadata: Metadata, invalid: Invalid) -> None:
    """Add one file's ids and total to `invalid`; raise GapError where the file is not what it should be."""
    if (match["split"] is None) != metadata.single:
        raise GapError("its name is not that of the layout")
    content = Metadata(as_mapping(parse_json(data), "the whole"))
    try:
        records = content.items("invalid_records")
        total = content.count("summary", "total_invalid")
        errors = content.mapping("summary", "error_summary")
    except GapError as gap:
        raise GapError(str(gap).replace("metadata", "it", 1)) from None
    invalid.totals[match["split"] or ALL] = total
    ids = [record["conversationId"] for record in records if _is_invalid_record(record)]
    invalid.ids |= {hash_text(key)[:16] for key in ids if key}
    if len(ids) != len(records):
        raise GapError(f"{len(records) - len(ids)} records have not the right fields or no error")
    if total != len(records):
        raise GapError(f"total_invalid is {show(total)}, records {len(records)}")
    if errors != Counter(error for record in records for error in record["errors"]):
        raise GapError("error_summary is not the count of the records' errors")
    if match["stamp"] != metadata.text("config", "stamp"):
        raise GapError("the time stamp of its name is not that of the data set")


def _is_invalid_record(record: Any) -> bool:
    """Tell whether `record` has the fields of an invalid conversation and at least one error."""
    return (
        isinstance(record, dict)
        and record.keys() == {"conversationId", "bucket", "turnCount", "errors"}
        and isinstance(record["conversationId"], str | None)
        and isinstance(record["bucket"], str | None)
        and isinstance(record["turnCount"], int | None)
        and isinstance(record["errors"], list)
        and bool(record["errors"])
        and all(isinstance(error, str) for error in record["errors"])
    )
