"""A killed `turnsmith forget` ends the same when it is run again; there is never half a set."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.export.running import KILLED, Moment, doomed, metadata, records, turnsmith
from turnsmith.verify import verify_dataset

from .making import NEW, USER, everything, forget, make_set, write_labels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a set with kept candidates and labels; tests work on copies."""
    dataset = make_set(tmp_path_factory.mktemp("made"), "--keep-candidates", "--split-by", "user")
    write_labels(dataset, records(dataset))
    return dataset


@pytest.fixture(scope="module")
def expected(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give all bytes after an undisturbed run."""
    dataset = tmp_path_factory.mktemp("expected") / "sets" / made.name
    shutil.copytree(made.parent, dataset.parent)
    assert forget(dataset, "--user", USER).code == 0
    return without_salt(dataset.parent)


def without_salt(folder: Path) -> dict[str, bytes]:
    """Give all bytes below a folder, of the receipt all that is not random."""
    found = everything(folder)
    (name,) = (name for name in found if name.startswith("FORGOTTEN_"))
    receipt = json.loads(found.pop(name))
    found[name] = json.dumps({**receipt, "salt": "", "conversations": len(receipt["conversations"])}).encode()
    return found


@pytest.mark.parametrize(
    "moment",
    [
        Moment("os.rename", "state.json"),
        Moment("os.rename", "/candidates/"),
        Moment("os.rename", "steps/candidates-"),
        Moment("os.rename", "steps/writing-", 2),
        Moment("os.rename", "split_units.jsonl"),
        Moment("os.rename", "invalid_records_"),
        Moment("os.rename", "metadata.json"),
        Moment("os.rename", "receipt.json"),
        Moment("os.rename", "commit.json"),
        Moment("os.rename", "/.candidates/", after="commit.json"),
        Moment("os.rename", "/LABELED_", after="commit.json"),
        Moment("os.rename", "/FORGOTTEN_", after="commit.json"),
        Moment("os.rename", "/vscodedata_", n=2, after="commit.json"),
        Moment("os.rename", ".gone", after="commit.json"),
        Moment("os.rename", ".gone", n=2, after="commit.json"),
        Moment("os.rename", ".gone", n=4, after="commit.json"),
        Moment("os.remove", n=2, after="commit.json"),
        Moment("os.remove", n=9, after="commit.json"),
        Moment("os.rmdir", n=3, after="commit.json"),
    ],
    ids=lambda m: f"{m.path}-{m.event}-{m.n}-{m.after}",
)
def test_kill_9_at_any_moment(moment: Moment, made: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """After kill -9 at least one whole version is there, and the same command ends in the same bytes."""
    dataset = tmp_path / "sets" / made.name
    shutil.copytree(made.parent, dataset.parent)
    args = ["forget", str(dataset), "--user", USER, "--stamp", NEW]
    assert doomed(tmp_path, args, moment).code == KILLED
    whole = [path.parent for path in dataset.parent.glob("vscodedata_*/metadata.json")]
    assert whole
    assert all(verify_dataset(folder).ok for folder in whole)
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    assert without_salt(dataset.parent) == expected


def test_another_request_finishes_what_was_begun(made: Path, tmp_path: Path) -> None:
    """A run killed in its last step is finished by the next one, which then names the new version."""
    dataset = tmp_path / "sets" / made.name
    shutil.copytree(made.parent, dataset.parent)
    args = ["forget", str(dataset), "--user", USER, "--stamp", NEW]
    moment = Moment("os.rename", ".gone", after="commit.json")
    assert doomed(tmp_path, args, moment).code == KILLED
    assert dataset.exists()
    ended = turnsmith("forget", dataset, "--user", "user-1")
    assert ended.code == 2
    assert "was replaced by" in ended.stderr.replace("\n", " ")
    (new,) = (path.parent for path in dataset.parent.glob("vscodedata_*/metadata.json"))
    assert metadata(new)["forgotten"]["times"] == 1
    assert not (dataset.parent / ".turnsmith").exists()
