"""Each set-wise check fails alone where its rule is broken, and broken files never crash the command."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import turnsmith.verify
from tests.verify.dataset_builder import STAMP, Dataset, build, conversation, find_id, full_name, invalid_file
from turnsmith.core.errors import UsageError
from turnsmith.verify import verify_dataset
from turnsmith.verify.report import CATALOGUE

SHORT = "train/short_3_to_5_turns.json"
INVALID = f"invalid_records_train_{STAMP}.json"
Tamper = Any


def failed(root: Path) -> set[str]:
    """Return the names of the checks that the data set in a folder fails."""
    return {check.name for check in verify_dataset(root).checks if not check.ok}


@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize("layout", ["splits", "single"])
def test_a_valid_data_set_passes(form: str, layout: str, tmp_path: Path) -> None:
    """All checks hold for a valid data set, in every format and layout, and each one examined something."""
    report = verify_dataset(build(form, layout).write(tmp_path))
    assert [(check.name, check.samples) for check in report.checks if not check.ok] == []
    assert report.ok
    idle = {check.name for check in report.checks if not check.examined}
    asked_for = {"users_apart", "clusters_apart", "leakage", "near_duplicates"}
    only_splits = {"split_folder", "split_hash", "unique_across_splits"}
    assert idle == (asked_for if layout == "splits" else asked_for | only_splits)


def test_report_is_plain_json(tmp_path: Path) -> None:
    """The report as a dictionary survives JSON and lists every check of the catalogue."""
    report = verify_dataset(build().write(tmp_path)).to_dict()
    assert json.loads(json.dumps(report)) == report
    assert [check["name"] for check in report["checks"]] == list(CATALOGUE)


def test_progress_counts_every_byte_read(tmp_path: Path) -> None:
    """Progress reports the bytes of all files but metadata.json."""
    root, counts = build().write(tmp_path), list[int]()
    verify_dataset(root, counts.append)
    sizes = [path.stat().st_size for path in root.rglob("*.json") if path.name != "metadata.json"]
    assert sum(counts) == sum(sizes)


def put(*keys: str, value: Any) -> Tamper:
    """Return a change that sets one value of the metadata."""

    def change(dataset: Dataset) -> None:
        inner = dataset.metadata
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


def swap(dataset: Dataset) -> None:
    """Swap the first two records of a file."""
    records = dataset.records[SHORT]
    records[:2] = records[1], records[0]


def repeat(dataset: Dataset) -> None:
    """Let one file's record stand in another file of the split, at its end."""
    source = dataset.records["train/medium_6_to_10_turns.json"]
    record = conversation(dataset.records[SHORT][0]["conversationId"], "train", full_name("medium"), 6)
    source[0] = record


def stray(dataset: Dataset) -> None:
    """Let a train conversation stand in val, too."""
    record = dataset.records["train/long_11_to_20_turns.json"][0]
    dataset.records["val/long_11_to_20_turns.json"][0] = record | {"split": "val"}


def leak(dataset: Dataset) -> None:
    """Name a written conversation in the file of invalid records."""
    dataset.raw[INVALID] = json.dumps(invalid_file(dataset.records[SHORT][0]["conversationId"])).encode()


def misplace(dataset: Dataset) -> None:
    """Put a conversation of the test split into val."""
    key, _ = find_id("test", 10_000)
    dataset.records["val/long_11_to_20_turns.json"] = [conversation(key, "val", full_name("long"), 11)]


def summary(change: Tamper) -> Tamper:
    """Return a change of the file of invalid records."""

    def tamper(dataset: Dataset) -> None:
        content = json.loads(dataset.raw[INVALID])
        change(content)
        dataset.raw[INVALID] = json.dumps(content).encode()

    return tamper


def drop_record(dataset: Dataset) -> None:
    """Leave one record out of its file."""
    del dataset.records[SHORT][0]


def blank_model_message(dataset: Dataset) -> None:
    """Empty a model message that the metadata does not know of."""
    dataset.records[SHORT][0]["turnsArray"][0]["modelMessage"] = ""


def lower_target(dataset: Dataset) -> None:
    """Lower a target below what is written, all over the metadata."""
    dataset.metadata["stratification"]["train"][full_name("short")]["target_count"] = 3
    dataset.metadata["stratification"]["train"][full_name("medium")]["target_count"] = 4
    dataset.metadata["config"]["targets"]["train"] = {"short": 3, "medium": 4, "long": 2}
    lacking = {"group": "train.medium", "wanted": 4, "available": 3, "window_factor": 1.4}
    dataset.metadata["shortfalls"].append(lacking)


TAMPERS: list[tuple[str, set[str], Tamper]] = [
    ("sample order", {"sample_order"}, swap),
    ("other seed", {"sample_order"}, put("config", "seed", value=8)),
    ("seed of a wrong type", {"sample_order"}, put("config", "seed", value="7")),
    ("twice in a split", {"unique_in_split"}, repeat),
    ("in two splits", {"unique_across_splits", "split_hash"}, stray),
    ("in the wrong split", {"split_hash"}, misplace),
    ("bounds that differ", {"split_hash"}, put("stratification", "split_assignment", "val", value=[1, 2])),
    ("invalid and written", {"invalid_absent"}, leak),
    ("total_invalid", {"invalid_records"}, summary(lambda c: c["summary"].update(total_invalid=2))),
    ("error_summary", {"invalid_records"}, summary(lambda c: c["summary"].update(error_summary={"x": 1}))),
    (
        "invalid without error",
        {"invalid_records"},
        summary(lambda c: c["invalid_records"][0].update(errors=[])),
    ),
    ("invalid of a wrong type", {"invalid_records"}, summary(lambda c: c.update(invalid_records={}))),
    ("invalid, not JSON", {"invalid_records"}, lambda d: d.raw.update({INVALID: b"{"})),
    ("invalid, no UTF-8", {"invalid_records"}, lambda d: d.raw.update({INVALID: b'"\xff"'})),
    ("fewer records", {"actual_counts", "shortfalls"}, drop_record),
    ("a wrong total", {"actual_counts"}, put("actual_counts", "total", value=1)),
    ("a wrong split total", {"actual_counts"}, put("actual_counts", "val", "total", value=1)),
    ("above target", {"targets", "funnel"}, lower_target),
    ("total target", {"targets", "dataset_id"}, put("stratification", "total_target", value=19_000)),
    ("configured target", {"targets"}, put("config", "targets", "val", "short", value=1)),
    ("no shortfall listed", {"shortfalls"}, put("shortfalls", value=[])),
    (
        "shortfall twice",
        {"shortfalls"},
        lambda d: d.metadata["shortfalls"].append(d.metadata["shortfalls"][0]),
    ),
    ("wrong available", {"shortfalls"}, lambda d: d.metadata["shortfalls"][0].update(available=1)),
    ("shortfall too much", {"shortfalls"}, lambda d: d.metadata["shortfalls"].append({"group": "val.long"})),
    ("events read", {"funnel"}, put("funnel", "events_read", value=101)),
    ("conversations", {"funnel"}, put("funnel", "conversations", value=1)),
    ("sampled", {"funnel"}, put("funnel", "sampled", "val", full_name("long"), value=0)),
    ("a negative count", {"funnel"}, put("funnel", "filtered", "turn_gap", value=-3)),
    ("invalid of the funnel", {"funnel", "invalid_records"}, put("funnel", "invalid", "val", value=1)),
    ("warnings", {"warnings"}, blank_model_message),
    ("a warning less", {"warnings"}, put("warnings", "written", "completion_tokens_negative", value=0)),
    ("an unknown warning", {"warnings"}, put("warnings", "written", "new", value=0)),
    (
        "turn range",
        {"turn_range"},
        put("stratification", "val", full_name("long"), "turn_range", value=[1, 2]),
    ),
    ("buckets", {"turn_range"}, lambda d: d.metadata["config"]["buckets"].pop()),
    ("prefix", {"dataset_id"}, put("config", "prefix", value="other")),
    ("window", {"dataset_id"}, put("config", "window", value="30d")),
    ("stamp", {"dataset_id", "invalid_records"}, put("config", "stamp", value="20260101_000000")),
    ("curation id", {"dataset_id"}, put("curation_info", "curation_id", value="x")),
    ("format", {"listed_files"}, put("config", "format", value="jsonl")),
    ("unlisted", {"listed_files", "checksums", "invalid_records"}, lambda d: d.metadata.update(checksums={})),
    ("listed too much", {"listed_files"}, lambda d: d.raw.update({"notes.txt": b"x"})),
    ("no versions", {"metadata"}, lambda d: d.metadata.pop("versions")),
    (
        "no funnel",
        {"metadata", "funnel", "shortfalls", "invalid_records"},
        lambda d: d.metadata.pop("funnel"),
    ),
    ("a group that is a list", {"metadata", "dataset_id"}, put("curation_info", value=[])),
]


@pytest.mark.parametrize(("checks", "change"), [pytest.param(*t[1:], id=t[0]) for t in TAMPERS])
def test_a_tampered_set_fails_exactly_its_checks(checks: set[str], change: Tamper, tmp_path: Path) -> None:
    """A broken rule of the set fails its check, and others only where the rule is theirs, too."""
    dataset = build()
    change(dataset)
    assert failed(dataset.write(tmp_path)) == checks


def test_a_changed_byte_fails_the_checksum(tmp_path: Path) -> None:
    """Bytes changed after the export fail the checksum even where every record is still right."""
    root = build().write(tmp_path)
    data = (root / SHORT).read_bytes()
    (root / SHORT).write_bytes(data.replace(b'"model": null', b'"model": "xy"', 1))
    assert failed(root) == {"checksums"}
    (root / SHORT).write_bytes(data + b" ")
    assert failed(root) == {"checksums"}


def test_every_file_is_accounted_for(tmp_path: Path) -> None:
    """A file that nobody listed and a listed one that is gone are breaches, links to folders included."""
    root = build().write(tmp_path)
    (root / "train" / ".hidden").write_text("x")
    (root / "link").symlink_to(tmp_path, target_is_directory=True)
    assert failed(root) == {"listed_files"}
    (root / SHORT).unlink()
    assert failed(root) == {"listed_files", "actual_counts", "warnings", "shortfalls"}


def test_a_path_outside_the_folder_is_never_read(tmp_path: Path) -> None:
    """A listed path that leads out of the folder is no file of the folder."""
    dataset = build()
    dataset.metadata["output_files"]["train"][full_name("short")] = "../secret.json"
    (tmp_path / "secret.json").write_text("[]")
    root = dataset.write(tmp_path)
    assert "listed_files" in failed(root)
    report = verify_dataset(root)
    assert any(
        "'../secret.json' is listed, but" in sample for check in report.checks for sample in check.samples
    )


def test_a_renamed_folder_is_named(tmp_path: Path) -> None:
    """A folder that was renamed is a breach whose sample says so."""
    root = build().write(tmp_path).rename(tmp_path / "mine")
    check = next(check for check in verify_dataset(root).checks if not check.ok)
    assert check.name == "dataset_id"
    assert "renamed or moved" in check.samples[0]


def test_at_most_five_samples_are_kept(tmp_path: Path) -> None:
    """Breaches are all counted, but only five are shown."""
    root = build().write(tmp_path)
    for index in range(9):
        (root / f"{index}.txt").write_text("x")
    check = next(check for check in verify_dataset(root).checks if not check.ok)
    assert (check.breaches, len(check.samples)) == (9, 5)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{", "NaN", "[" * 100_000, '{"a": 1, "a": 2}', "{}", '{"a":' + "1" * 9999 + "}"],
)
def test_broken_metadata_is_a_breach(content: str, tmp_path: Path) -> None:
    """Metadata that can't be read or lacks everything breaches its check and those that need it."""
    root = build().write(tmp_path)
    (root / "metadata.json").write_text(content)
    assert {"metadata", "dataset_id", "listed_files", "split_hash", "warnings"} <= failed(root)


def metadata_paths(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all values in nested objects."""
    paths = [path] if path else []
    for key, inner in value.items() if isinstance(value, dict) else ():
        paths += metadata_paths(inner, (*path, key))
    return paths


@pytest.mark.parametrize("layout", ["splits", "single"])
def test_any_hole_in_the_metadata_is_survived(layout: str, tmp_path: Path) -> None:
    """Whatever key of the metadata is missing or holds something else, verification answers."""
    root = build(layout=layout).write(tmp_path)
    whole = (root / "metadata.json").read_text()
    for *front, last in metadata_paths(json.loads(whole)):
        values: list[Any] = [None, "\x1b[31m", -1, 10**4000, [[]], {"": {"": []}}, ...]
        for value in values:
            metadata = inner = json.loads(whole)
            for key in front:
                inner = inner[key]
            inner[last] = value
            if value is ...:
                del inner[last]
            (root / "metadata.json").write_text(json.dumps(metadata))
            json.dumps(verify_dataset(root).to_dict())


def test_what_is_no_data_set_is_wrong_usage(tmp_path: Path) -> None:
    """A missing folder, a file and a folder without metadata.json are wrong usage, and say what to do."""
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none", tmp_path / "file", tmp_path):
        with pytest.raises(UsageError, match="Give the"):
            verify_dataset(path)


def test_the_package_shares_no_code_with_the_export() -> None:
    """`turnsmith.verify` imports only the standard library, pyarrow, numpy, itself and `turnsmith.core.errors`."""
    for path in Path(turnsmith.verify.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            else:
                continue
            for name in names:
                own = name == "turnsmith.verify" or name.startswith("turnsmith.verify.")
                allowed = name.split(".")[0] in {*sys.stdlib_module_names, "pyarrow", "numpy"}
                assert own or allowed or name == "turnsmith.core.errors", f"{path.name} imports {name}"
