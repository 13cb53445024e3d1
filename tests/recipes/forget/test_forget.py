"""`turnsmith forget` removes a person or conversations everywhere, refills, and proves what it made."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.export.running import Moment, arguments, dataset, doomed, export, metadata, records, turnsmith
from tests.export.telemetry import ids, write
from turnsmith.labels import labeled_set

from .making import (
    NEW,
    NEWER,
    TARGETS,
    USER,
    by_group,
    chat,
    chats,
    conversations_of,
    everything,
    forget,
    forgotten,
    label,
    make_set,
    receipt_of,
    text_of,
    totals,
    write_labels,
)

GONE = frozenset(conversations_of(USER, chats()))
ONE = "c-train-1"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a set with kept candidates; tests work on copies."""
    return make_set(tmp_path_factory.mktemp("kept"), "--keep-candidates", "--chunks", 2)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a set without kept candidates; tests work on copies."""
    return make_set(tmp_path_factory.mktemp("plain"))


def copied(dataset: Path, folder: Path) -> Path:
    """Copy a set with all that lies beside it."""
    shutil.copytree(dataset.parent, folder / "sets")
    return folder / "sets" / dataset.name


@pytest.mark.parametrize("user", [USER, "user-4"])
@pytest.mark.parametrize("by", ["conversation", "user"])
def test_same_records_as_an_export_without_the_user(by: str, user: str, tmp_path: Path) -> None:
    """With kept candidates every group has the bytes of an export of events without the user."""
    options = ("--split-by", by, "--keep-candidates")
    new = forgotten(make_set(tmp_path / "with", *options), "--user", user)
    gone = frozenset(conversations_of(user, chats()))
    fresh = make_set(tmp_path / "without", *options, without=gone, stamp=NEW)
    assert by_group(new) == by_group(fresh)
    ours, theirs = metadata(new), metadata(fresh)
    for key in (
        "actual_counts",
        "shortfalls",
        "warnings",
        "split_units",
        "leakage",
        "stratification",
        "output_files",
    ):
        assert ours[key] == theirs[key], key
    assert ours["funnel"]["candidates"] == theirs["funnel"]["candidates"]
    assert new.name == fresh.name


@pytest.mark.parametrize("options", [("--format", "jsonl"), ("--format", "parquet"), ("--layout", "single")])
def test_every_format_and_layout(options: tuple[str, ...], tmp_path: Path) -> None:
    """JSON Lines, Parquet and the layout without splits are rewritten, with candidates kept or not."""
    fresh = make_set(tmp_path / "fresh", *options, without=GONE, stamp=NEW)
    refilled = forgotten(make_set(tmp_path / "kept", *options, "--keep-candidates"), "--user", USER)
    assert by_group(refilled) == by_group(fresh)
    shrunk = forgotten(make_set(tmp_path / "plain", *options), "--user", USER)
    assert by_group(shrunk).keys() == by_group(fresh).keys()
    assert metadata(shrunk)["actual_counts"]["total"] < metadata(fresh)["actual_counts"]["total"]
    assert USER not in text_of(shrunk)


def test_nothing_of_the_person_is_left(kept: Path, tmp_path: Path) -> None:
    """Neither the name nor one of the ids stands anywhere beside the new version, receipt included."""
    dataset = copied(kept, tmp_path)
    write_labels(dataset, records(dataset))
    before = text_of(dataset.parent)
    assert USER in before
    assert all(name in before for name in GONE)
    new = forgotten(dataset, "--user", USER)
    after = text_of(new.parent)
    assert USER not in after
    assert [
        name for name in GONE if f"{name}/" in after or f'"{name}"' in after or f"'{name}'" in after
    ] == []
    assert not dataset.exists()


@pytest.mark.parametrize("keeping", [(), ("--keep-candidates",)])
def test_nobody_else_changes_split(keeping: tuple[str, ...], tmp_path: Path) -> None:
    """Where the one that gave a group its split goes, the others of the group stay in that split."""
    smallest, other = ids("train", 1, "a")[0], ids("test", 1, "b")[0]
    text = " ".join(f"word{number}" for number in range(40))
    rows = [*chat(smallest, "ada", text), *chat(other, "bo", f"{text} please"), *chat("z", "cy", "go on")]
    events = write(tmp_path / "events.jsonl", rows)
    made = export(events, tmp_path / "sets", "--split-by", "cluster", *keeping)
    assert made.code == 0, made.said
    old = dataset(tmp_path / "sets")
    before = {record["conversationId"]: record["split"] for record in records(old)}
    assert before[other] == before[smallest] == "train"
    new = forgotten(old, "--conversation", smallest)
    assert {record["conversationId"]: record["split"] for record in records(new)} == {
        key: split for key, split in before.items() if key != smallest
    }


def test_groups_shrink_where_nothing_was_kept(plain: Path, tmp_path: Path) -> None:
    """Without candidates the others' records stay as they are, and shortfalls and receipt say what is missing."""
    dataset = copied(plain, tmp_path)
    old = records(dataset)
    new = forgotten(dataset, "--user", USER)
    assert records(new) == [record for record in old if record["userName"] != USER]
    lost = sum(record["userName"] == USER for record in old)
    receipt = receipt_of(new)
    assert sum(receipt["removed"]["records"].values()) == lost > 0
    assert receipt["refilled"] == {}
    short = sum(entry["wanted"] - entry["available"] for entry in metadata(new)["shortfalls"])
    assert short - sum(e["wanted"] - e["available"] for e in metadata(plain)["shortfalls"]) == lost
    assert totals(new)["not_kept"] == 60 - len(old)


def test_a_conversation_and_a_file_of_ids(kept: Path, tmp_path: Path) -> None:
    """`--conversation` and `--file` together remove those and no others; unknown ids are no fault."""
    (tmp_path / "ids.txt").write_text("c-val-1\n\nnowhere\n")
    stood = {record["conversationId"] for record in records(kept)}
    victim = min(stood & {f"c-train-{n}" for n in range(60)})
    dataset = copied(kept, tmp_path)
    new = forgotten(dataset, "--conversation", victim, "--file", tmp_path / "ids.txt")
    now = {record["conversationId"] for record in records(new)}
    assert victim not in now
    assert "c-val-1" not in now
    assert stood - now <= {victim, "c-val-1"}
    assert receipt_of(new)["asked"] == {"users": 0, "conversations": 3}


def test_refilled_records_follow_in_sample_order(kept: Path, tmp_path: Path) -> None:
    """What stays keeps its place, and the next candidates come behind."""
    old = [record["conversationId"] for record in records(kept) if record["split"] == "train"]
    new = forgotten(copied(kept, tmp_path), "--conversation", old[0])
    now = [record["conversationId"] for record in records(new) if record["split"] == "train"]
    assert now[:-1] == old[1:]
    assert len(now) == len(old)
    assert receipt_of(new)["refilled"] == {"train/short_3_to_5_turns": 1}


def test_invalid_records_are_forgotten(kept: Path, plain: Path, tmp_path: Path) -> None:
    """An invalid conversation goes by its id, and by its user where candidates were kept."""
    assert "blank-1" in text_of(kept)
    by_user = forgotten(copied(kept, tmp_path / "user"), "--user", USER)
    assert "blank-1" not in text_of(by_user)
    assert receipt_of(by_user)["removed"]["invalid"] == 1
    by_id = forgotten(copied(plain, tmp_path / "id"), "--conversation", "blank-1")
    assert "blank-1" not in text_of(by_id)
    assert "blank-2" in text_of(by_id)
    assert totals(by_id)["conversations"] == 1


def test_labels_are_forgotten(kept: Path, tmp_path: Path) -> None:
    """The labeled set becomes one of the new version, without the removed conversations; the rest stays."""
    dataset = copied(kept, tmp_path)
    labeled = records(dataset)
    old = write_labels(dataset, labeled)
    new = forgotten(dataset, "--user", USER)
    folder = new.parent / f"LABELED_{new.name}"
    assert not old.exists()
    assert {each.conversation_id for each in labeled_set.read(folder)} == {
        record["conversationId"] for record in labeled if record["userName"] != USER
    }
    report = labeled_set.report(folder)
    assert (report["dataset"], report["note"]) == (new.name, "kept")
    assert receipt_of(new)["removed"]["labels"] == sum(record["userName"] == USER for record in labeled)


def test_what_is_not_searched_is_named(kept: Path, tmp_path: Path) -> None:
    """A judge's cache beside the set is left alone, and named in the receipt and on the terminal."""
    dataset = copied(kept, tmp_path)
    (dataset.parent / "judge.sqlite").write_bytes(b"replies")
    ended = forget(dataset, "--user", USER)
    assert "judge.sqlite beside the set or its labels may hold something" in " ".join(ended.stdout.split())
    (receipt,) = dataset.parent.glob("FORGOTTEN_*.json")
    assert json.loads(receipt.read_text())["not_searched"] == ["judge.sqlite"]


@pytest.mark.parametrize("elsewhere", ["labels", "/dev/shm"])
def test_labels_elsewhere_are_forgotten(elsewhere: str, kept: Path, tmp_path: Path) -> None:
    """A labeled set in a judge's folder is purged where it lies, on another disk, too; what a judge keeps is named."""
    if elsewhere.startswith("/") and not Path(elsewhere).is_dir():
        pytest.skip(f"no {elsewhere}, a disk of its own")
    dataset = copied(kept, tmp_path)
    with tempfile.TemporaryDirectory(dir=tmp_path if elsewhere == "labels" else elsewhere) as judged:
        place = Path(judged)
        labeled = records(dataset)
        labels = [label(record) for record in labeled]
        labeled_set.write(place, dataset.name, labels)
        write_labels(dataset, labeled[:3])
        (place / "unlabeled.jsonl").write_text("{}")
        new = forgotten(dataset, "--user", USER, "--labels", place)
        folders = sorted(path.name for path in place.iterdir())
        assert folders == [f"LABELED_{new.name}", "unlabeled.jsonl"]
        assert {each.conversation_id for each in labeled_set.read(place)} == {
            record["conversationId"] for record in labeled if record["userName"] != USER
        }
    receipt = receipt_of(new)
    gone = [record["userName"] == USER for record in labeled]
    assert receipt["removed"]["labels"] == sum(gone) + sum(gone[:3])
    assert receipt["not_searched"] == [f"{place.name}/unlabeled.jsonl"]


def test_a_folder_without_labels_of_the_set_is_refused(kept: Path, tmp_path: Path) -> None:
    """--labels with a folder that holds no labels of this set is wrong usage, and nothing changes."""
    dataset = copied(kept, tmp_path)
    (tmp_path / "judged" / "LABELED_other").mkdir(parents=True)
    before = everything(dataset.parent)
    ended = forget(dataset, "--user", USER, "--labels", tmp_path / "judged")
    assert ended.code == 2
    assert f"no LABELED_{dataset.name} in there" in " ".join(ended.stderr.split())
    assert everything(dataset.parent) == before


def test_labels_that_all_go_leave_no_set(kept: Path, tmp_path: Path) -> None:
    """Where no label stays, there is no labeled set."""
    dataset = copied(kept, tmp_path)
    write_labels(dataset, records(dataset)[:1])
    new = forgotten(dataset, "--conversation", records(dataset)[0]["conversationId"])
    assert list(new.parent.glob("LABELED_*")) == []


def test_unfinished_runs_that_hold_it_are_removed(kept: Path, tmp_path: Path) -> None:
    """A stopped export that read the person's events goes as a whole; one of other events stays."""
    dataset = copied(kept, tmp_path)
    out = dataset.parent
    for name, chosen in (("with", GONE), ("others", frozenset(chats()) - GONE)):
        rows = [row for key, each in chats().items() if key in chosen for row in each]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        args = arguments(tmp_path / f"{name}.jsonl", out, *TARGETS, stamp=NEWER)
        doomed(tmp_path, args, Moment("os.rename", "steps/writing-"))
    assert len([path for path in (out / ".turnsmith").iterdir() if path.is_dir()]) == 2
    ended = forget(dataset, "--user", USER)
    assert ended.code == 0, ended.said
    (left,) = (path for path in (out / ".turnsmith").iterdir() if path.is_dir())
    assert "user-1" in text_of(left)
    assert USER not in text_of(out)


@pytest.mark.parametrize(
    "options", [("--user", "grace"), ("--user", USER.upper()), ("--conversation", "c-train")]
)
def test_nothing_found_changes_nothing(options: tuple[str, str], kept: Path, tmp_path: Path) -> None:
    """Matching is exact; where nothing is found the exit code is 1 and all bytes are as they were."""
    dataset = copied(kept, tmp_path)
    before = everything(dataset.parent)
    ended = forget(dataset, *options)
    assert ended.code == 1
    assert "nothing was changed" in " ".join(ended.stderr.split())
    assert everything(dataset.parent) == before
    assert not (dataset.parent / ".turnsmith").exists()


def test_pseudonyms_need_their_key(tmp_path: Path) -> None:
    """In a set with pseudonyms a user is found by name with the key, or by the pseudonym itself."""
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_bytes(b"0123456789abcdef")
    other.write_bytes(b"another key of 16+")
    dataset = make_set(tmp_path / "made", "--pseudonymize", key, "--keep-candidates")
    assert forget(dataset, "--user", USER).code == 2
    assert forget(dataset, "--user", USER, "--pseudonymize", other).code == 2
    copy = copied(dataset, tmp_path / "copy")
    fresh = make_set(tmp_path / "fresh", "--pseudonymize", key, without=GONE, stamp=NEW)
    assert by_group(forgotten(dataset, "--user", USER, "--pseudonymize", key)) == by_group(fresh)
    pseudonym = next(r["userName"] for r in records(copy) if r["conversationId"] in GONE)
    assert by_group(forgotten(copy, "--user", pseudonym)) == by_group(fresh)


def test_receipt_has_hashes_and_no_names(kept: Path, tmp_path: Path) -> None:
    """Whoever knows an id can find its keyed hash; names and ids are not in the receipt, nor a hash of the name."""
    new = forgotten(copied(kept, tmp_path), "--user", USER)
    receipt = receipt_of(new)
    salt = bytes.fromhex(receipt["salt"])

    def keyed(text: str) -> str:
        return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()

    assert receipt["conversations"] == sorted(keyed(name) for name in GONE)
    assert keyed(USER) not in json.dumps(receipt)
    assert hashlib.sha256(USER.encode()).hexdigest() not in json.dumps(receipt)
    assert receipt["removed"]["candidates"] == len(GONE - {"blank-1"})
    assert receipt["checksums"] == metadata(new)["checksums"]
    assert receipt["previous_checksums"] == metadata(kept)["checksums"]


def test_forgetting_twice(kept: Path, tmp_path: Path) -> None:
    """A second person is forgotten from the new version; the sums go on, and both receipts stay."""
    new = forgotten(copied(kept, tmp_path), "--user", USER)
    newer = forgotten(new, "--user", "user-3", stamp=NEWER)
    gone = GONE | conversations_of("user-3", chats())
    fresh = make_set(tmp_path / "fresh", without=frozenset(gone), stamp=NEWER)
    assert by_group(newer) == by_group(fresh)
    assert totals(newer) == {
        "previous_id": new.name, "times": 2, "conversations": len(gone), "not_kept": 0, "candidates_kept": True,
    }  # fmt: skip
    assert len(list(newer.parent.glob("FORGOTTEN_*.json"))) == 2


def test_the_old_version_stays_on_request(kept: Path, tmp_path: Path) -> None:
    """With `--keep-old` all of the old version is as it was."""
    dataset = copied(kept, tmp_path)
    write_labels(dataset, records(dataset))
    before = everything(dataset.parent)
    new = forgotten(dataset, "--user", USER, "--keep-old")
    assert before.items() <= everything(dataset.parent).items()
    assert receipt_of(new)["previous_version"] == "kept"


def test_a_replaced_set_names_its_successor(kept: Path, tmp_path: Path) -> None:
    """Who names the old version afterwards is told the new one."""
    dataset = copied(kept, tmp_path)
    new = forgotten(dataset, "--user", USER)
    ended = forget(dataset, "--user", USER)
    assert ended.code == 2
    assert f"was replaced by {new}" in ended.stderr.replace("\n", "")


@pytest.mark.parametrize("options", [(), ("--user", ""), ("--file", "absent.txt")])
def test_wrong_use_is_explained(options: tuple[str, ...], kept: Path) -> None:
    """Nothing to forget, an empty name and a missing file of ids end with a reason, and nothing changes."""
    before = everything(kept.parent)
    ended = forget(kept, *options)
    assert ended.code in (1, 2)
    assert "Error: " in ended.stderr
    assert everything(kept.parent) == before


def test_a_set_changed_by_hand_is_refused(plain: Path, tmp_path: Path) -> None:
    """Where the new version would not verify, nothing changes."""
    dataset = copied(plain, tmp_path)
    file = dataset / "train/short_3_to_5_turns.json"
    file.write_text(file.read_text().replace('"isComplete":true', '"isComplete":false', 1))
    before = everything(dataset)
    ended = forget(dataset, "--conversation", records(dataset)[-1]["conversationId"])
    assert ended.code == 1
    assert "does not verify (complete)" in " ".join(ended.stderr.split())
    assert everything(dataset) == before


def test_candidates_of_another_set_are_refused(kept: Path, tmp_path: Path) -> None:
    """Kept candidates that are not all of the set's are refused, and nothing changes."""
    dataset = copied(kept, tmp_path)
    next((dataset.parent / ".candidates" / dataset.name).glob("*.parquet")).unlink()
    ended = forget(dataset, "--user", USER)
    assert ended.code == 1
    assert "not all of the candidates" in " ".join(ended.stderr.split())
    assert dataset.is_dir()


@pytest.mark.parametrize("name", ["000000.parquet", "invalid.jsonl"])
def test_broken_candidates_are_refused(name: str, kept: Path, tmp_path: Path) -> None:
    """Kept candidates that can't be read are named, nothing changes, and no copy of the data is left."""
    dataset = copied(kept, tmp_path)
    path = dataset.parent / ".candidates" / dataset.name / name
    path.write_bytes(path.read_bytes()[:100])
    before = everything(dataset.parent)
    ended = forget(dataset, "--user", USER)
    assert ended.code == 1
    assert "move the folder away" in " ".join(ended.stderr.split())
    assert everything(dataset.parent) == before


@pytest.mark.parametrize(
    "file",
    ["split_units.jsonl", "train/short_3_to_5_turns.json", "invalid_records_train_20260101_000000.json"],
)
@pytest.mark.parametrize("how", ["cut", "absent"])
def test_a_damaged_set_is_refused(file: str, how: str, tmp_path: Path) -> None:
    """A file of the set that is cut or absent is named, nothing changes, and no copy of the data is left."""
    dataset = make_set(tmp_path, "--split-by", "user")
    path = dataset / file
    content = path.read_bytes()
    path.unlink()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    before = everything(dataset.parent)
    ended = forget(dataset, "--user", USER)
    assert ended.code == 1
    assert file in "".join(ended.stderr.split())
    assert everything(dataset.parent) == before


def test_a_set_that_lost_records_is_refused(plain: Path, tmp_path: Path) -> None:
    """A data file that ends early, but well, is not taken for all there is: nothing changes."""
    dataset = copied(plain, tmp_path)
    file = dataset / "train/short_3_to_5_turns.json"
    file.write_text(json.dumps(json.loads(file.read_text())[:-1]))
    ended = forget(dataset, "--user", USER)
    assert ended.code == 1
    assert "not all of the records" in " ".join(ended.stderr.split())
    assert dataset.is_dir()


def test_names_in_metadata_lead_nowhere_else(plain: Path, tmp_path: Path) -> None:
    """A split or file name that leads out of the folder is refused before anything is read or written."""
    for key, value in (("targets", {"../../x": {"short": 1}}), ("prefix", "../x"), ("format", "/json")):
        dataset = copied(plain, tmp_path / key)
        content = metadata(dataset)
        content["config"][key] = value
        (dataset / "metadata.json").write_text(json.dumps(content))
        before = everything(tmp_path)
        assert forget(dataset, "--user", USER).code == 2
        assert everything(tmp_path) == before


@pytest.mark.parametrize("broken", ["[", "{}", '{"metadata": []}'])
def test_a_folder_that_is_no_set_is_refused(broken: str, tmp_path: Path) -> None:
    """A folder without readable metadata, or with that of something else, is refused with exit code 2."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set/metadata.json").write_text(broken)
    ended = turnsmith("forget", tmp_path / "set", "--user", USER)
    assert ended.code == 2
