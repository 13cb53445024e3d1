"""`turnsmith leakage`, and the leakage of an export."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from turnsmith.publish.writing import write_group

from ..clean.chats import chat, run, write

TEXT = "Why does this function return None when the list of users is empty, and how do I test for that?"
NEAR = TEXT.replace("Why does", "why DOES").replace("that?", "that now?")
OTHER = "Please write a shell script that renames all pictures of a folder by the day they were taken."
SPLITS = {
    "train": [("a", "ada", TEXT)],
    "val": [("b", "bob", OTHER)],
    "test": [("c", "ada", NEAR), ("d", "", "go on")],
}


def conversation(key: str, user: str, split: str, text: str) -> dict[str, Any]:
    """Return a curated conversation of three turns, the first with a text of its own."""
    turns: list[Any] = [
        {
            "turnIndex": index, "messageId": f"{key}{index}", "userMessage": text if index == 1 else "and now?",
            "modelMessage": "ok", "llmCalls": [], "toolCounts": {}, "availableTools": [],
            "availableToolCount": None, "numRequests": 1, "turnDurationMs": 1, "turnEndReason": "stopped",
            "responseType": "success", "model": None,
        }
        for index in (1, 2, 3)
    ]  # fmt: skip
    return {
        "conversationId": key, "userName": user, "split": split, "bucket": "short_3_to_5_turns", "turnCount": 3,
        "capturedTurnCount": 3, "minTurnIndex": 1, "maxTurnIndex": 3, "isComplete": True, "maxPromptTokens": None,
        "totalCompletionTokens": 0, "llmCallCount": 0, "turnsArray": turns,
    }  # fmt: skip


def dataset(folder: Path, suffix: str = "json", splits: Any = None) -> Path:
    """Write a data set of these splits in a format; return its folder."""
    for split, rows in (splits or SPLITS).items():
        records = [json.dumps(conversation(key, user, split, text)) for key, user, text in rows]
        (folder / split).mkdir(parents=True)
        write_group(folder / split / f"short_3_to_5_turns.{suffix}", records, with_split=True)
    return folder


def told(*arguments: object) -> dict[str, Any]:
    """Run the command with --json; return what it prints."""
    result = run("leakage", *arguments, "--json")
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


@pytest.mark.parametrize("suffix", ["json", "jsonl", "parquet"])
def test_a_data_set_in_any_format(tmp_path: Path, suffix: str) -> None:
    """Twins, users and short requests of a data set are counted, the worst pair named by id and request."""
    content = told(dataset(tmp_path / "set", suffix))
    pairs = {(pair["of"], pair["in"]): pair for pair in content["pairs"]}
    assert list(pairs) == [("val", "train"), ("test", "train"), ("test", "val")]
    pair = pairs["test", "train"]
    assert pair["requests"] == {
        "total": 1, "exact": 0, "near": 1, "same_user": 1,
        "exact_share": 0.0, "near_share": 1.0, "same_user_share": 1.0,
    }  # fmt: skip
    assert (pair["short_requests"], pair["conversations"]["total"], pair["conversations"]["near_share"]) == (
        5,
        2,
        0.5,
    )
    (worst,) = pair["worst"]
    assert (worst["id"], worst["request"], worst["twin_id"], worst["twin_request"]) == ("c", 1, "a", 1)
    assert 0.8 <= worst["similarity"] < 1
    assert pairs["val", "train"]["requests"]["near"] == pairs["test", "val"]["requests"]["near"] == 0


def test_files_of_a_merge(tmp_path: Path) -> None:
    """The two files of a merge are compared, evaluation in training; users are unknown there."""
    write(tmp_path / "train.x.jsonl", [chat(user=TEXT, id="one"), chat(user=OTHER)])
    write(
        tmp_path / "eval.x.jsonl", [chat(user=TEXT + "  ", id="two"), {"text": "<|fim_prefix|>a b c d e f g"}]
    )
    for arguments in ([tmp_path], [tmp_path / "train.x.jsonl", tmp_path / "eval.x.jsonl"]):
        (pair,) = told(*arguments)["pairs"]
        assert (pair["of"], pair["in"]) == ("eval", "train")
        assert (pair["requests"]["total"], pair["requests"]["exact"]) == (2, 1)
        assert pair["requests"]["same_user"] is None
        assert (pair["worst"][0]["id"], pair["worst"][0]["twin_id"]) == ("two", "one")
    write(tmp_path / "train.y.jsonl", [chat()])
    result = run("leakage", tmp_path)
    assert result.exit_code == 2
    assert "several sets (x, y)" in result.output


def test_the_exit_code_is_for_pipelines(tmp_path: Path) -> None:
    """Leakage is no failure by itself; above --fail-over it is."""
    folder = dataset(tmp_path / "set")
    assert run("leakage", folder).exit_code == 0
    assert run("leakage", folder, "--fail-over", "1").exit_code == 0
    result = run("leakage", folder, "--fail-over", "0.5")
    assert result.exit_code == 1
    assert "100.00%" in result.output
    assert "whose first requests are near twins" in result.output  # what --split-by cluster can keep apart
    assert "first requests" not in run("leakage", folder, "--requests", "first", "--fail-over", "0.5").stderr
    assert run("leakage", folder, "--fail-over", "5").exit_code == 2


def test_text_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    """Texts of users stay out of the output without --show-text, and come harmless with it."""
    hostile = TEXT + " [red]\x1b[31m"
    folder = dataset(
        tmp_path / "set", splits={"train": [("a\x1b", "u", hostile)], "test": [("b", "u", hostile)]}
    )
    plain = run("leakage", folder)
    assert "function return" not in plain.stdout
    assert "\x1b" not in plain.stdout
    shown = run("leakage", folder, "--show-text")
    assert shown.stdout.count("Why does this function return None") == 2
    assert "[red]\\x1b[31m" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "function return" not in run("leakage", folder, "--show-text", "--json").stdout


@pytest.mark.parametrize("splits", [{}, {"train": [("a", "", TEXT)]}])
def test_fewer_than_two_splits_are_wrong_usage(tmp_path: Path, splits: Any) -> None:
    """Leakage needs two splits; the message says what is there."""
    folder = tmp_path / "set"
    folder.mkdir()
    if splits:
        shutil.rmtree(folder)
        dataset(folder, splits=splits)
    result = run("leakage", folder)
    assert result.exit_code == 2
    assert ("the split train only" if splits else "no data files") in result.output
    assert run("leakage", tmp_path / "nowhere").exit_code == 2


def test_bad_records_are_counted(tmp_path: Path) -> None:
    """What is no conversation is counted with its place; the others still count."""
    folder = dataset(tmp_path / "set")
    for name, text in (("train", '{"turnsArray": [{}]},\n'), ("test", "{broken,\n")):
        path = folder / name / "short_3_to_5_turns.json"
        path.write_text(path.read_text(encoding="utf-8").replace("[\n", "[\n" + text, 1), encoding="utf-8")
    lines = write(tmp_path / "train.x.jsonl", [chat(user=TEXT), {"turnsArray": 3}, {"messages": [3]}, "{"])
    other = write(tmp_path / "eval.x.jsonl", [chat(user=TEXT)])
    content = told(folder)
    assert content["bad"]["no conversation"] >= 2
    content = told(lines, other)
    assert content["bad"] == {"no conversation": 2, "no valid JSON": 1}
    assert content["pairs"][0]["requests"]["exact"] == 1


def test_files_without_a_conversation_are_no_good_news(tmp_path: Path) -> None:
    """Where nothing could be read the exit code is 1, not a leakage of nothing; a file named twice is refused."""
    one, other = write(tmp_path / "a.jsonl", ["{", "[]"]), write(tmp_path / "b.jsonl", ["3"])
    result = run("leakage", one, other)
    assert result.exit_code == 1
    assert "no conversation or example in there" in result.output
    assert run("leakage", one, one).exit_code == 2


def test_splits_stand_in_the_order_of_the_configuration(tmp_path: Path) -> None:
    """Splits of other names are compared in the order in which the metadata names them."""
    folder = dataset(
        tmp_path / "set", splits={name: [(name, "", TEXT)] for name in ("alpha", "beta", "gamma")}
    )
    (folder / "metadata.json").write_text(
        json.dumps({"config": {"splits": {"gamma": 80, "alpha": 10, "beta": 10}}}), encoding="utf-8"
    )
    pairs = [(pair["of"], pair["in"]) for pair in told(folder)["pairs"]]
    assert pairs == [("alpha", "gamma"), ("beta", "gamma"), ("beta", "alpha")]


def test_an_export_says_how_much_it_leaks(tmp_path: Path) -> None:
    """The leakage in the metadata of an export is what the command finds in its files, in any layout."""
    events = tmp_path / "events.jsonl"
    assert run("synth", "--conversations", 400, "--out", events).exit_code == 0
    options = ["--events", events, "--as-of", "2026-01-16T00:00:00Z", "--mode", "test", "--json"]
    result = run("export", *options, "--out", tmp_path / "sets")
    assert result.exit_code == 0, result.output
    exported = json.loads(result.stdout)
    content = json.loads((Path(exported["path"]) / "metadata.json").read_text(encoding="utf-8"))
    found = told(exported["path"], "--requests", "first")
    assert content["leakage"] == exported["leakage"] == {key: found[key] for key in content["leakage"]}
    assert content["leakage"]["pairs"][0]["requests"]["total"] > 3
    single = run("export", *options, "--out", tmp_path / "single", "--layout", "single")
    assert json.loads(single.stdout)["leakage"]["pairs"] == []
