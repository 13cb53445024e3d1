"""A killed export goes on where it stopped and ends in the same bytes, leaving nothing behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from turnsmith.core.runs import Run

from .running import (
    INTERRUPTED,
    KILLED,
    Deed,
    Moment,
    all_files,
    arguments,
    data_files,
    dataset,
    doomed,
    export,
    leftovers,
    markers,
    metadata,
    turnsmith,
    work_folder,
)
from .telemetry import AS_OF, write

CHUNKS = ("--chunks", "3")
STEPS = {"events": 4, "turns": 3, "conversations": 3, "writing": 9}
FOLDERS = {"events": "events", "turns": "turns", "conversations": "conversations"}


@pytest.fixture(scope="module")
def spread(corpus: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the corpus in four files, so that there are four steps of reading."""
    folder = tmp_path_factory.mktemp("spread")
    for number in range(4):
        write(folder / f"{number}.jsonl", b"".join(corpus[number::4]))
    return folder


@pytest.fixture(scope="module")
def expected(spread: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give all files of an undisturbed run."""
    out = tmp_path_factory.mktemp("expected")
    assert export(spread, out, *CHUNKS).code == 0
    return all_files(dataset(out))


def marker(phase: str, n: int) -> Moment:
    """Point at the instant before a phase's n-th step is marked as finished."""
    return Moment("os.rename", f"steps/{phase}-", n)


def finish(args: list[str], out: Path, expected: dict[str, bytes]) -> None:
    """Run the same command again: it must end well, in the same bytes, and leave nothing else."""
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    assert all_files(dataset(out)) == expected
    assert leftovers(out) == []


@pytest.mark.parametrize(
    "moment",
    [
        Moment("os.rename", "state.json"),
        *(marker(phase, n) for phase, steps in STEPS.items() for n in sorted({1, 2, steps})),
        Moment("os.rename", "/conversations/", 2),
        Moment("os.rename", "_turns.json", 5),
        Moment("os.rename", "invalid_records_"),
        Moment("os.rename", "dataset/metadata.json"),
        Moment("os.rename", "/vscodedata_"),
        Moment("os.remove", after="/vscodedata_"),
        Moment("os.remove", n=12, after="/vscodedata_"),
        Moment("os.rmdir", n=2, after="/vscodedata_"),
        Moment("os.rmdir", n=6, after="/vscodedata_"),
    ],
    ids=lambda m: f"{m.event}-{m.path}-{m.n}-{m.after}",
)
def test_kill_9_at_any_moment(
    moment: Moment, spread: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """After kill -9 the same command ends in the bytes of an undisturbed run; no temporary file is left."""
    out = tmp_path / "out"
    args = arguments(spread, out, *CHUNKS)
    assert doomed(tmp_path, args, moment).code == KILLED
    finish(args, out, expected)


def finished_files(out: Path) -> dict[str, tuple[int, int]]:
    """Give inode and time of the markers of finished steps and of all files that these steps made."""
    work = work_folder(out)
    found = list((work / "steps").glob("*.json"))
    for name in markers(out):
        phase, key = name.split("-", 1)
        if phase == "writing":
            split, bucket = key.split("-")
            found += (work / "dataset" / split).glob(f"{bucket}_*")
        else:
            found += (work / FOLDERS[phase]).glob(f"{key}[.-]*")
    stats = {path: path.stat() for path in found}
    return {str(path.relative_to(work)): (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}


@pytest.mark.slow
def test_finished_steps_are_not_redone(spread: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """What a killed run finished is not written again by any later one, in no phase."""
    out = tmp_path / "out"
    args = arguments(spread, out, *CHUNKS)
    before: dict[str, tuple[int, int]] = {}
    for moment in (marker("events", 3), marker("turns", 2), marker("conversations", 2), marker("writing", 4)):
        assert doomed(tmp_path, args, moment).code == KILLED
        now = finished_files(out)
        assert before.items() <= now.items()
        assert len(now) > len(before)
        before = now
    assert {name.split("/")[0] for name in before} == {"steps", "dataset", *FOLDERS.values()}
    assert len(markers(out)) >= 4 + 3 + 3 + 2
    finish(args, out, expected)


@pytest.mark.slow
def test_killed_again_and_again(spread: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """A run that is killed at every sixth step still gets done, step by step."""
    out = tmp_path / "out"
    args = arguments(spread, out, *CHUNKS)
    starts = 0
    while doomed(tmp_path, args, Moment("os.rename", "/steps/", 6)).code == KILLED:
        starts += 1
        assert starts < 30
    assert starts >= 3
    assert all_files(dataset(out)) == expected
    assert leftovers(out) == []


def names_in(folder: Path) -> set[str]:
    """Name the files in a folder, none where it is gone."""
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()


@pytest.mark.slow
def test_killed_while_a_half_done_step_is_redone(plain: Path, undisturbed: Path, tmp_path: Path) -> None:
    """A second kill -9, while files that the first left without a marker are written anew, does no harm."""
    expected = all_files(undisturbed)
    for phase in ("events", "turns"):
        out = tmp_path / phase
        args = arguments(plain, out)
        assert doomed(tmp_path, args, marker(phase, 1)).code == KILLED
        place = work_folder(out) / FOLDERS[phase]
        names = names_in(place)
        assert names
        command = [sys.executable, "-m", "turnsmith", *args]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                if names_in(place) - names:  # a file under another name until it is whole
                    process.kill()
                    break
        finish(args, out, expected)


@pytest.mark.slow
def test_kill_9_from_outside(spread: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """The installed command, killed after ever longer times, ends in the same bytes with the last start."""
    out = tmp_path / "out"
    args = arguments(spread, out, *CHUNKS)
    killed = 0
    for seconds in (0.3, 0.5, 0.7, 0.9, 1.1, 1.3):
        process = subprocess.Popen(
            [sys.executable, "-m", "turnsmith", *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        process.kill()
        killed += process.wait() == KILLED
    assert killed
    finish(args, out, expected)


def test_a_resumed_run_keeps_its_first_time(spread: Path, tmp_path: Path) -> None:
    """Without --stamp and --as-of a resumed run has the stamp and the window of its first start."""
    out = tmp_path / "out"
    args = arguments(spread, out, "--window", "999d", as_of=None, stamp=None)
    assert doomed(tmp_path, args, marker("turns", 1)).code == KILLED
    time.sleep(1.1)
    resumed = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    content = metadata(dataset(out))
    assert content["config"]["stamp"] < resumed
    first = time.strftime(
        "%Y%m%d_%H%M%S", time.strptime(content["config"]["as_of"][:19], "%Y-%m-%dT%H:%M:%S")
    )
    assert first == content["config"]["stamp"]
    assert content["query_parameters"]["as_of"] == content["config"]["as_of"]
    assert leftovers(out) == []
    as_asked = turnsmith(
        *arguments(spread, tmp_path / "again", "--window", "999d", as_of=content["config"]["as_of"])
    )
    assert as_asked.code == 0
    assert data_files(dataset(tmp_path / "again")).keys() == {
        name.replace(content["config"]["stamp"], "20260101_000000") for name in data_files(dataset(out))
    }


@pytest.mark.parametrize("stamp", ["20260101_000000", None])
def test_killed_between_the_last_rename_and_the_cleaning(
    stamp: str | None,
    spread: Path,
    expected: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A finished set beside its work folder: the same command cleans up and makes no second set."""
    out = tmp_path / "out"
    monkeypatch.setattr(Run, "finish", lambda run: None)
    assert export(spread, out, *CHUNKS, stamp=stamp).code == 0
    monkeypatch.undo()
    assert (work_folder(out) / "state.json").exists()
    first = all_files(dataset(out))
    ended = export(spread, out, *CHUNKS, stamp=stamp)
    assert ended.code == 0, ended.said
    assert "nothing to do" in ended.stdout
    assert all_files(dataset(out)) == first
    assert leftovers(out) == []
    if stamp:
        assert first == expected


@pytest.mark.parametrize("n", [1, 3, 10, 30])
def test_killed_while_cleaning_without_a_stamp(
    n: int, spread: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Half of the work folder gone: the next start neither fails nor mixes old steps with a new stamp."""
    out = tmp_path / "out"
    args = arguments(spread, out, *CHUNKS, stamp=None)
    assert doomed(tmp_path, args, Moment("os.remove", n=n, after="/vscodedata_")).code == KILLED
    first = all_files(dataset(out))
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    assert leftovers(out) == []
    data = {name: content for name, content in expected.items() if name.endswith("_turns.json")}
    for path in out.iterdir():
        assert data.items() <= data_files(path).items()
        if set(first) == set(all_files(path)):
            assert all_files(path) == first


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "moment",
    [
        marker("events", 2),
        marker("turns", 3),
        marker("conversations", 1),
        marker("writing", 4),
        Moment("os.rename", "dataset/metadata.json"),
    ],
    ids=lambda m: m.path.replace("/", "-"),
)
def test_interrupted(
    moment: Moment, number: signal.Signals, spread: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Ctrl-C and a polite kill exit with 130, say how to go on, print nothing else, and can be resumed."""
    out = tmp_path / "out"
    args = arguments(spread, out, *CHUNKS)
    ended = doomed(tmp_path, args, moment, Deed(number))
    assert ended.code == INTERRUPTED
    assert "run the same command again" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""
    before = finished_files(out)
    assert before
    finish(args, out, expected)


@pytest.mark.slow
def test_interrupted_from_outside(spread: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """Ctrl-C on the installed command, once a step is marked, ends it soon with 130 and can be resumed."""
    out = tmp_path / "out"
    args = arguments(spread, out, "--chunks", "12")
    process = subprocess.Popen(
        [sys.executable, "-m", "turnsmith", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not markers(out, "turns"):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == INTERRUPTED
    assert stdout == ""
    assert "run the same command again" in stderr
    assert "Traceback" not in stderr
    assert turnsmith(*args).code == 0
    files = data_files(dataset(out))
    assert files == {name: content for name, content in expected.items() if name != "metadata.json"}
    assert leftovers(out) == []


def test_an_input_that_changed_is_read_anew(spread: Path, tmp_path: Path) -> None:
    """Steps of a killed run are not used for other input; the set is that of the new input."""
    events = tmp_path / "events"
    shutil.copytree(spread, events)
    out = tmp_path / "out"
    assert doomed(tmp_path, arguments(events, out), marker("conversations", 1)).code == KILLED
    (events / "3.jsonl").unlink()
    ended = export(events, out)
    assert ended.code == 0, ended.said
    assert export(events, tmp_path / "fresh").code == 0
    assert all_files(dataset(out)) == all_files(dataset(tmp_path / "fresh"))
    assert metadata(dataset(out))["query_parameters"]["events"] == ["0.jsonl", "1.jsonl", "2.jsonl"]
    assert metadata(dataset(out))["query_parameters"]["as_of"] == AS_OF


def test_out_inside_the_events_folder(spread: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    """What an export writes is no event: with --out below --events a killed run resumes, a second one runs."""
    events = tmp_path / "events"
    shutil.copytree(spread, events)
    out = events / "sets"
    args = arguments(events, out, *CHUNKS)
    assert doomed(tmp_path, args, marker("conversations", 2)).code == KILLED
    ended = turnsmith(*args)
    assert ended.code == 0, ended.said
    data = {name: content for name, content in expected.items() if name != "metadata.json"}
    assert data_files(dataset(out)) == data
    assert leftovers(out) == []
    again = turnsmith(*arguments(events, out, *CHUNKS, "--seed", 1, stamp="20260101_000001"))
    assert again.code == 0, again.said
