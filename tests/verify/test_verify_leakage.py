"""`turnsmith verify` counts leakage again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.verify import Report, verify_dataset
from turnsmith.verify.leakage import Leakage
from turnsmith.verify.metadata import Metadata
from turnsmith.verify.report import Ledger


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export a little telemetry; return the folder of the set."""
    folder = tmp_path_factory.mktemp("leakage")
    events = str(folder / "events.jsonl")
    for arguments in (
        ["synth", "--conversations", "400", "--out", events],
        ["export", "--events", events, "--out", str(folder / "sets"), "--as-of", "2026-01-16T00:00:00Z",
         "--mode", "test"],
    ):  # fmt: skip
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
    (found,) = (folder / "sets").glob("*/metadata.json")
    return found.parent


def tampered(dataset: Path, tmp_path: Path, change: Callable[[Any], object]) -> Report:
    """Verify a copy of the set with other metadata."""
    copy = tmp_path / dataset.name
    shutil.copytree(dataset, copy)
    path = copy / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    change(metadata)
    path.write_text(json.dumps(metadata), encoding="utf-8")
    return verify_dataset(copy)


def outcome(report: Report) -> tuple[int, int]:
    """Return how many pairs of splits were examined, and the breaches; no other check may fail."""
    assert all(check.ok for check in report.checks if check.name != "leakage")
    (check,) = (check for check in report.checks if check.name == "leakage")
    return check.examined, check.breaches


def test_a_real_export_holds(dataset: Path) -> None:
    """Every pair of splits of a real export is counted again, with the same result."""
    assert outcome(verify_dataset(dataset)) == (3, 0)


def change(*keys: Any, by: float = 1) -> Callable[[Any], object]:
    """Return what adds to a number of the leakage of the second pair, test in train."""

    def add(metadata: Any) -> None:
        place = metadata["leakage"]["pairs"][1]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] += by

    return add


@pytest.mark.parametrize(
    "tamper",
    [
        change("requests", "total"),
        change("requests", "exact"),
        change("conversations", "total", by=-1),
        change("conversations", "same_user"),
        change("short_requests"),
        change("requests", "near", by=1000),
        change("requests", "exact_share", by=0.01),
        change("requests", "near_share", by=0.01),
        change("conversations", "same_user_share", by=-0.01),
        lambda metadata: metadata["leakage"]["pairs"].pop(),
        lambda metadata: metadata["leakage"].update(pairs={}),
        lambda metadata: metadata["leakage"].update(pairs=[]),
        lambda metadata: metadata["leakage"]["pairs"][0]["requests"].update(same_user=10**400),
        lambda metadata: metadata.pop("leakage"),
        lambda metadata: metadata["leakage"]["pairs"][0].pop("conversations"),
        lambda metadata: metadata["leakage"]["pairs"].append(None),
        lambda metadata: metadata["leakage"]["pairs"][0].update(of="\u001b[31m"),
    ],
)
def test_a_false_figure_is_found(dataset: Path, tmp_path: Path, tamper: Callable[[Any], object]) -> None:
    """A count that the records don't have, a pair too few, or a wrong shape is a breach."""
    report = tampered(dataset, tmp_path, tamper)
    assert outcome(report)[1] > 0
    assert "\x1b" not in json.dumps(report.to_dict(), ensure_ascii=False)


def test_near_twins_are_none_where_the_set_is_split_by_cluster(tmp_path: Path) -> None:
    """By cluster, a near twin in another split is a false figure."""
    metadata = Metadata({"config": {"split_by": "cluster"}, "leakage": {"pairs": [twin_of(near=1)]}})
    breaches = {by: breaches_of(metadata, by) for by in ("user", "cluster", "user+cluster")}
    near = "near is 1, but the set is split by cluster"
    assert [sum(near in each for each in breaches[by]) for by in breaches] == [0, 2, 2]


def twin_of(near: int) -> dict[str, Any]:
    """Return the counts of a pair of splits with near twins."""
    shares = {
        "total": 1, "exact": 0, "near": near, "same_user": None,
        "exact_share": 0.0, "near_share": float(near), "same_user_share": None,
    }  # fmt: skip
    return {"of": "test", "in": "train", "short_requests": 0, "requests": shares, "conversations": shares}


def breaches_of(metadata: Metadata, by: str) -> list[str]:
    """Return the breaches of a set without records."""
    ledger = Ledger()
    Leakage(metadata, by, ledger).finish()
    (check,) = (check for check in ledger.report().checks if check.name == "leakage")
    return check.samples


def test_a_set_of_an_older_version_has_nothing_to_check(dataset: Path, tmp_path: Path) -> None:
    """A set that says neither how it was split nor its leakage is of an older version, and that is no breach."""

    def age(metadata: Any) -> None:
        del metadata["leakage"], metadata["config"]["split_by"]

    assert outcome(tampered(dataset, tmp_path, age)) == (0, 0)
