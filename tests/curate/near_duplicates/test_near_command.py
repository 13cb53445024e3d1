"""`turnsmith near-duplicates`, as a user runs it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.curate.near_duplicates import Near, drop_near_duplicates

LONG = "please look at the parser in the second module and tell me why it fails on the last line of the file"
DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def chat(user: str, answer: str = "done", **meta: str) -> dict[str, Any]:
    """Return a chat example."""
    said = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    return {"messages": said, "meta": meta} if meta else {"messages": said}


def written(path: Path, records: list[Any]) -> Path:
    """Write records as JSON Lines with odd spacing, so that kept bytes show."""
    path.write_text(
        "".join(json.dumps(each, indent=None, separators=(" , ", ":  ")) + "\n" for each in records)
    )
    return path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command; return exit code and both outputs."""
    result = CliRunner().invoke(app, ["near-duplicates", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Give a file of three chats: the second is near the first, the third is not."""
    return written(
        tmp_path / "in.jsonl", [chat(LONG, id="a"), chat(LONG + " now", id="b"), chat("why?", id="c")]
    )


def test_kept_rows_keep_their_bytes_and_dropped_ones_name_their_neighbor(three: Path, tmp_path: Path) -> None:
    """What stays is a line as it was; what goes names the record that stays, by place and id, and the similarity."""
    keep, dropped = tmp_path / "keep.jsonl", tmp_path / "dropped.jsonl"
    code, out, _ = run(three, "--keep", keep, "--dropped", dropped, "--json")
    lines = three.read_bytes().splitlines(keepends=True)
    assert code == 0
    assert keep.read_bytes() == lines[0] + lines[2]
    found = json.loads(dropped.read_bytes())
    assert found["example"] == json.loads(lines[1])
    assert (found["place"], found["near"], found["near_id"]) == (f"{three}:2", f"{three}:1", "a")
    assert found["similarity"] == pytest.approx(18 / 21, abs=1e-6)
    report = json.loads(out)
    assert (report["read"], report["kept"], report["dropped"]) == (3, 2, {"near duplicate": 1})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dropped.jsonl", "in.jsonl", "keep.jsonl"]


def test_pairs_stand_in_a_table(three: Path, tmp_path: Path) -> None:
    """The table has places, ids and the similarity of each pair; without --keep nothing is dropped."""
    code, out, _ = run(three, "--out", tmp_path / "pairs.parquet")
    rows = pq.read_table(tmp_path / "pairs.parquet").to_pylist()
    assert code == 0
    assert "What would go" in out
    assert [(row["left_place"], row["right_id"]) for row in rows] == [(f"{three}:1", "b")]


def test_conversations_of_every_format_are_read(tmp_path: Path) -> None:
    """Curated conversations in JSON, JSON Lines and Parquet are one sequence of records."""
    turns = [{"turnIndex": 1, "userMessage": LONG, "modelMessage": "yes"}]
    records = [{"conversationId": name, "turnsArray": turns} for name in ("a", "b")]
    (tmp_path / "a.json").write_text(json.dumps(records, indent=1))
    written(tmp_path / "b.jsonl", records)
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "c.parquet")
    inputs = [tmp_path / name for name in ("a.json", "b.jsonl", "c.parquet")]
    keep = tmp_path / "keep.jsonl"
    code, _, _ = run(*inputs, "--keep", keep, "--out", tmp_path / "p.parquet", "--max-dropped", "1")
    assert code == 0
    assert json.loads(keep.read_bytes()) == records[0]
    pairs = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert [row["right_place"] for row in pairs] == [
        f"{tmp_path}/a.json:2", f"{tmp_path}/b.jsonl:1", f"{tmp_path}/b.jsonl:2", f"{tmp_path}/c.parquet:1",
        f"{tmp_path}/c.parquet:2",
    ]  # fmt: skip


@pytest.mark.parametrize(("field", "kept"), [("user", 1), ("first_user", 1), ("assistant", 2), ("all", 2)])
def test_only_the_field_is_compared(tmp_path: Path, field: str, kept: int) -> None:
    """The same request with another answer is near by its request, and not by its answer."""
    path = written(tmp_path / "in.jsonl", [chat(LONG, "one two three four five"), chat(LONG, "six " * 40)])
    _, out, _ = run(path, "--keep", tmp_path / "k", "--field", field, "--json")
    assert json.loads(out)["kept"] == kept


def test_bad_lines_are_counted_and_records_without_text_are_kept(tmp_path: Path) -> None:
    """What is no record is counted with its place; records without text are never near each other."""
    path = written(
        tmp_path / "in.jsonl",
        [chat("", ""), chat(" ", ""), {"text": LONG}, {"other": 1}, [1], {"text": LONG}],
    )
    path.write_bytes(path.read_bytes() + b"{cut")
    code, out, _ = run(path, "--keep", tmp_path / "k", "--json")
    report = json.loads(out)
    assert code == 0
    assert (report["read"], report["kept"]) == (4, 3)
    assert report["notes"] == {"without text to compare": 2}
    assert sum(report["bad"].values()) == 3
    assert report["samples"]["no valid JSON"] == [f"{path}:7"]


def test_too_many_dropped_stops_before_anything_is_written(tmp_path: Path) -> None:
    """More than the share that --max-dropped allows: exit code 1, the groups by place, no text, no file."""
    path = written(tmp_path / "in.jsonl", [chat(LONG), chat(LONG), chat(LONG), chat("another")])
    code, _, err = run(
        path, "--keep", tmp_path / "k", "--out", tmp_path / "p.parquet", "--max-dropped", "0.4"
    )
    assert code == 1
    assert f"{path}:1: 2 are near it" in err
    assert "parser" not in err
    assert list(tmp_path.iterdir()) == [path]
    assert run(path, "--keep", tmp_path / "k", "--max-dropped", "0.5")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--keep", "k", "--threshold", "1.5"], "--threshold: 1.5"),
        (["--keep", "k", "--field", "system"], "--field: 'system'"),
        (["--keep", "k", "--ngram", "0"], "--ngram"),
        (["--keep", "k", "--max-dropped", "2"], "--max-dropped"),
        (["--keep", "k", "--memory-limit", "2"], "--memory-limit"),
        (["--dropped", "d"], "--dropped needs --keep"),
        ([], "nothing to write"),
        (["--keep", "in.jsonl"], "named twice"),
        (["--out", "pairs.jsonl"], "is a table in Parquet"),
    ],
)
def test_wrong_usage_is_said(
    three: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong option is named, with exit code 2, and nothing is written."""
    monkeypatch.chdir(three.parent)
    before = three.read_bytes()
    code, _, err = run("in.jsonl", *arguments)
    assert code == 2
    assert message in err
    assert [path.read_bytes() for path in three.parent.iterdir()] == [before]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A missing input is named with exit code 1, and nothing stays behind."""
    code, _, err = run(tmp_path / "none.jsonl", "--keep", tmp_path / "k")
    assert code == 1
    assert "none.jsonl" in err
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from turnsmith.curate.near_duplicates import finding, shingling, store
from turnsmith.curate.near_duplicates.step import Outputs, near_duplicates
from turnsmith.curate.near_duplicates import Near

store.SAVED_EVERY, shingling.BATCH_TEXTS = 1, 10
place, calls = sys.argv[1], []

def then(work):
    def wrapped(*args, **named):
        calls.append(1)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*args, **named)
    return wrapped

if place == "reading":
    finding.shingle = then(finding.shingle)
else:
    from turnsmith.curate.near_duplicates import step
    step._dropped = then(step._dropped)
near_duplicates(["in.jsonl"], Outputs("p.parquet", "k", "d"), Near(), max_dropped=1)
"""


@pytest.mark.parametrize("place", ["reading", "writing"])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path: Path, place: str) -> None:
    """After kill -9 no output stands there half; the same command goes on, and leaves what an undisturbed one does."""
    records = [{"text": f"{LONG} and {number // 3} is {number // 2} of all"} for number in range(95)]
    written(tmp_path / "in.jsonl", records)
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    outputs = ("p.parquet", "k", "d")
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    died = subprocess.run([sys.executable, "-c", KILLED, place], cwd=tmp_path, env=environment, check=False)
    assert died.returncode == -signal.SIGKILL
    assert not [name for name in outputs if (tmp_path / name).exists()]
    saved = list((tmp_path / ".p.parquet.unfinished").rglob("saved.json"))
    assert json.loads(saved[0].read_bytes())["rows"] == (30 if place == "reading" else 95)
    command = [sys.executable, "-m", "turnsmith", "near-duplicates", "in.jsonl", "--max-dropped", "1"]
    for folder in (".", "undisturbed"):
        named = [f"{folder}/{name}" for name in outputs]
        options = ["--out", named[0], "--keep", named[1], "--dropped", named[2]]
        subprocess.run([*command, *options], cwd=tmp_path, check=True, capture_output=True, env=environment)
    for name in outputs:
        assert (tmp_path / name).read_bytes() == (undisturbed / name).read_bytes()
    assert not (tmp_path / ".p.parquet.unfinished").exists()


def test_standard_streams_work(three: Path) -> None:
    """`-` reads examples from standard input and writes them to standard output, with the funnel beside."""
    command = [sys.executable, "-m", "turnsmith", "near-duplicates", "-", "--keep", "-"]
    result = subprocess.run(command, input=three.read_bytes(), capture_output=True, check=True)
    lines = three.read_bytes().splitlines(keepends=True)
    assert result.stdout == lines[0] + lines[2]
    assert b"near duplicate" in result.stderr


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not there")
def test_real_chats_keep_one_of_each(tmp_path: Path) -> None:
    """Of real messages, a second pass over what was kept finds nothing more."""
    lines = (DATA / "oasst_sample" / "en_100_message.jsonl").read_bytes().splitlines()
    records = [{"text": json.loads(line)["text"]} for line in lines]
    path = written(tmp_path / "in.jsonl", [*records, *records[:50]])
    first = drop_near_duplicates(str(path), str(tmp_path / "once.jsonl"), Near(threshold=0.6))
    again = drop_near_duplicates(
        str(tmp_path / "once.jsonl"), str(tmp_path / "twice.jsonl"), Near(threshold=0.6)
    )
    assert first.account.dropped["near duplicate"] >= 50
    assert again.account.dropped["near duplicate"] == 0
    assert (tmp_path / "once.jsonl").read_bytes() == (tmp_path / "twice.jsonl").read_bytes()
