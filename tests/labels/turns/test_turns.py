"""`turnsmith turns`: every turn of a curated set is written or counted under one reason."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.core.errors import UsageError
from turnsmith.curate.account import Account
from turnsmith.labels.records import Exchange, Turn
from turnsmith.labels.turns import Unit, making, read_turns, write_turns
from turnsmith.publish.writing import write_group

ROOT = Path(__file__).resolve().parents[3]
TELEMETRY = ROOT.parent / "shared" / "data" / "telemetry" / "app_events.jsonl.gz"
QUERY = ROOT / "src/turnsmith/sources/telemetry/queries/production/sft_session_router_first_turns.kql"
Record = dict[str, Any]


def call(prompt: int | None, completion: int | None = 100) -> Record:
    """Return an LLM call as a curated set holds it."""
    return {
        "callIndex": 1, "model": "m", "promptTokens": prompt, "completionTokens": completion, "totalTokens": None,
        "promptTokenDelta": None, "estimates": None, "hasTrajectory": False,
    }  # fmt: skip


def curated_turn(index: int, **fields: Any) -> Record:
    """Return a turn as a curated set holds it."""
    told = {
        "turnIndex": index, "messageId": f"m{index}", "userMessage": f"Question {index}",
        "modelMessage": f"Answer {index}", "llmCalls": [call(100 * index)], "toolCounts": {},
        "availableTools": ["read_file"], "availableToolCount": 1, "numRequests": 1, "turnDurationMs": 5,
        "turnEndReason": "stopped", "responseType": "success", "model": "m",
    }  # fmt: skip
    return {**told, **fields}


def conversation(name: str, turns: list[Record], **fields: Any) -> Record:
    """Return a curated conversation."""
    told = {
        "conversationId": name, "userName": "u", "split": "train", "bucket": "short_3_to_5_turns",
        "turnCount": len(turns), "capturedTurnCount": len(turns), "minTurnIndex": 1, "maxTurnIndex": len(turns),
        "isComplete": True, "maxPromptTokens": None, "totalCompletionTokens": 0, "llmCallCount": 0,
        "turnsArray": turns,
    }  # fmt: skip
    return {**told, **fields}


def curated(folder: Path, *conversations: Record, suffix: str = ".json") -> str:
    """Write a set of one file, as the export writes it; return its folder."""
    path = folder / "set_1" / "train" / f"short_3_to_5_turns{suffix}"
    path.parent.mkdir(parents=True)
    write_group(path, [json.dumps(each) for each in conversations], with_split=True)
    (folder / "set_1" / "metadata.json").write_text("{}")
    (folder / "set_1" / "split_units.jsonl").write_text('{"conversationId":"c","unit":"0123456789abcde"}\n')
    return str(folder / "set_1")


def made(source: str, unit: Unit, keep_tools_only: bool = False) -> tuple[list[Turn], Account]:
    """Return the turns of a set as a reader of the file gets them, and the account."""
    out = Path(source).parent / "turns.jsonl"
    report = write_turns(source, str(out), unit, keep_tools_only=keep_tools_only)
    return list(read_turns(str(out))), report.account


THREE = conversation("c", [curated_turn(1), curated_turn(2), curated_turn(3)])


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_formats_give_the_same_turns(tmp_path: Path, suffix: str) -> None:
    """A set as JSON, JSON Lines or Parquet gives the same turns."""
    tools = conversation("d", [curated_turn(1, toolCounts={"b": 1, "a": 2}, numRequests=None)])
    turns, _ = made(curated(tmp_path, THREE, tools, suffix=suffix), Unit.every)
    assert [(each.conversation_id, each.message_id) for each in turns] == [
        ("c", "m1"), ("c", "m2"), ("c", "m3"), ("d", "m1"),
    ]  # fmt: skip
    assert turns[3].signals.tool_counts == {"a": 2, "b": 1}
    assert (turns[3].signals.tool_call_count, turns[3].signals.tool_variety) == (3, 2)
    assert {(each.dataset, each.unit, each.split, each.turn_count) for each in turns[:3]} == {
        ("set_1", "every", "train", 3)
    }


def test_every_turn_has_its_whole_history(tmp_path: Path) -> None:
    """With `every` a turn has all earlier ones, oldest first, in the order of their indices."""
    mixed = conversation("c", [curated_turn(3), curated_turn(1), curated_turn(2)])
    turns, _ = made(curated(tmp_path, mixed), Unit.every)
    first, second = Exchange("Question 1", "Answer 1"), Exchange("Question 2", "Answer 2")
    assert [each.history for each in turns] == [[], [first], [first, second]]


def test_first_takes_first_turns_only(tmp_path: Path) -> None:
    """With `first` a conversation gives its turn 1, or none, and the others are counted."""
    late = conversation("d", [curated_turn(2)])
    turns, account = made(curated(tmp_path, THREE, late), Unit.first)
    assert [(each.conversation_id, each.turn_index, each.history) for each in turns] == [("c", 1, [])]
    assert (account.read, account.kept, account.dropped) == (4, 1, {making.LATER: 3})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"modelMessage": " \n"}, making.EMPTY_ANSWER),
        ({"modelMessage": None}, making.EMPTY_ANSWER),
        ({"modelMessage": "", "toolCounts": {"edit": 2}}, making.TOOLS_ONLY),
        ({"turnEndReason": "failed"}, making.FAILED),
        ({"turnEndReason": "cancelled"}, making.FAILED),
        ({"turnEndReason": "networkError"}, making.FAILED),
        ({"responseType": "filtered"}, making.FAILED),
        ({"userMessage": "\t"}, making.EMPTY_REQUEST),
        ({"turnIndex": None}, making.NO_INDEX),
        ({"messageId": "m1"}, making.REPEATED),
    ],
)
def test_unfit_turns_are_left_out_and_counted(tmp_path: Path, fields: Record, reason: str) -> None:
    """A turn that would make a wrong label is left out under its reason, with its ids as a sample."""
    turns = [curated_turn(1), {**curated_turn(2), **fields}, curated_turn(3)]
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(conversation("c", turns)))
    found, account = made(str(path), Unit.every)
    assert [each.message_id for each in found] == ["m1", "m3"]
    assert account.dropped == {reason: 1}
    assert account.samples[reason] == [f"c/{turns[1]['messageId']}"]
    assert account.read == account.kept + account.dropped.total() == 3


def test_answers_of_tools_alone_are_kept_on_request(tmp_path: Path) -> None:
    """`keep_tools_only` keeps a turn that called tools and said nothing, but not one that did nothing."""
    turns = [curated_turn(1, modelMessage="", toolCounts={"edit": 1}), curated_turn(2, modelMessage="")]
    found, account = made(curated(tmp_path, conversation("c", turns)), Unit.every, keep_tools_only=True)
    assert [each.message_id for each in found] == ["m1"]
    assert account.dropped == {making.EMPTY_ANSWER: 1}


def test_signals_say_what_was_observed(tmp_path: Path) -> None:
    """Prompt tokens are those of the first call, growth is up to the last, unknown figures are none."""
    calls = [call(1000, 300), call(None, None), call(900, 50)]
    turns = [curated_turn(1, llmCalls=calls, numRequests=4), curated_turn(2, llmCalls=[], numRequests=None)]
    (first, second), _ = made(curated(tmp_path, conversation("c", turns)), Unit.every)
    observed = first.signals
    assert (observed.llm_call_count, observed.num_requests, observed.completion_tokens) == (3, 4, 350)
    assert (observed.prompt_tokens, observed.prompt_growth, observed.duration_ms) == (1000, -100, 5.0)
    assert (second.signals.prompt_tokens, second.signals.prompt_growth) == (None, None)
    assert (first.complexity_bucket, second.complexity_bucket) == ("complex", "simple")


@pytest.mark.parametrize(
    ("requests", "name"),
    [(0, "simple"), (1, "simple"), (2, "moderate"), (3, "moderate"), (4, "complex"), (10, "complex"),
     (11, "very_complex"), (500, "very_complex")],
)  # fmt: skip
def test_complexity_counts_requests(requests: int, name: str) -> None:
    """One request is simple, up to 3 moderate, up to 10 complex, more very complex."""
    assert making.complexity(requests) == name


@pytest.mark.parametrize(
    ("calls", "likely"),
    [([call(1, 1)] * 4, False), ([call(1, 1)] * 5, True), ([call(1, 1999)], False), ([call(1, 2000)], True)],
)
def test_likely_reasoning_is_that_of_the_query(tmp_path: Path, calls: list[Record], likely: bool) -> None:
    """Five calls or 2,000 completion tokens look like reasoning, the defaults of the KQL query."""
    (found,), _ = made(curated(tmp_path, conversation("c", [curated_turn(1, llmCalls=calls)])), Unit.first)
    assert found.is_likely_reasoning is likely
    text = QUERY.read_text(encoding="utf-8")
    defaults = re.findall(r"(reasoning_\w+): long = (\d+)", text)
    assert dict(defaults) == {
        "reasoning_requests": str(making.REASONING_CALLS),
        "reasoning_completion_tokens": str(making.REASONING_COMPLETION_TOKENS),
    }


def test_conversation_met_twice_counts_once(tmp_path: Path) -> None:
    """A conversation that stands in two files gives its turns once, and the second is counted."""
    source = curated(tmp_path, THREE, THREE)
    report = write_turns(source, str(tmp_path / "t.jsonl"), Unit.every)
    assert (report.conversations, report.repeated_conversations, report.account.kept) == (2, 1, 3)


def test_split_and_bucket_of_a_set_without_splits(tmp_path: Path) -> None:
    """Where a record names neither, the split comes from its hash and the bucket from its count."""
    plain = {key: value for key, value in THREE.items() if key not in ("split", "bucket")}
    path = tmp_path / "short.jsonl"
    path.write_text(json.dumps({**plain, "conversationId": "abc"}))
    (found,), _ = made(str(path), Unit.first)
    assert (found.split, found.bucket, found.dataset) == (
        "train",
        "short_3_to_5_turns",
        "short",
    )  # h % 100 = 54


def test_bad_records_are_counted_and_their_neighbors_survive(tmp_path: Path) -> None:
    """What is no conversation is counted with its place and none of its text."""
    path = tmp_path / "set.json"
    secret = {**THREE, "conversationId": "d", "turnsArray": "my secret"}
    path.write_text(f"[\n{json.dumps(secret)},\n17,\n{json.dumps(THREE)},\n" + '{"conversationId": "e", "tur')
    report = write_turns(str(path), str(tmp_path / "t.jsonl"), Unit.first)
    assert report.account.kept == 1
    assert report.account.bad.total() == 3
    assert "secret" not in json.dumps(report.as_json())
    assert f"{path}: record 1" in json.dumps(report.as_json())


def test_half_surrogates_are_read(tmp_path: Path) -> None:
    """Half of a surrogate pair, which clients write when they cut texts, costs no conversation."""
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(conversation("c", [curated_turn(1, userMessage="cut \ud83d")])))
    (found,), _ = made(str(path), Unit.first)
    assert found.request == "cut \N{REPLACEMENT CHARACTER}"


def test_histories_beyond_a_line_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history too long for a line loses its oldest turns but the first, and that is noted."""
    monkeypatch.setattr(making, "LONGEST_HISTORY", 60)
    turns, account = made(
        curated(tmp_path, conversation("c", [curated_turn(n) for n in range(1, 7)])), Unit.every
    )
    assert [[each.request[-1] for each in turn.history] for turn in turns] == [
        [], ["1"], ["1", "2"], ["1", "2", "3"], ["1", "3", "4"], ["1", "4", "5"],
    ]  # fmt: skip
    assert account.notes.total() == 2


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.mkdir(), "holds no data files"),
        (lambda path: path.write_text("x"), "is none of .json"),
    ],
)
def test_wrong_paths_teach(tmp_path: Path, prepare: Callable[[Path], object], reason: str) -> None:
    """A path without a set is wrong usage, and the message says what to give."""
    prepare(tmp_path / "x")
    with pytest.raises(UsageError, match=reason):
        write_turns(str(tmp_path / "x"), str(tmp_path / "t.jsonl"), Unit.first)
    assert not (tmp_path / "t.jsonl").exists()


def test_folder_of_sets(tmp_path: Path) -> None:
    """The folder around one set stands for it; around two it is ambiguous."""
    curated(tmp_path / "a", THREE)
    assert write_turns(str(tmp_path / "a"), str(tmp_path / "t.jsonl"), Unit.first).dataset == "set_1"
    curated(tmp_path, THREE)
    (tmp_path / "a" / "metadata.json").write_text("{}")
    with pytest.raises(UsageError, match="holds 2 sets"):
        write_turns(str(tmp_path), str(tmp_path / "t.jsonl"), Unit.first)


def test_command_accounts_and_fails_where_nothing_is_left(tmp_path: Path) -> None:
    """The command prints where every turn went; without a turn left it writes nothing and exits with 1."""
    source = curated(tmp_path, THREE)
    out = tmp_path / "t.jsonl.gz"
    result = CliRunner().invoke(app, ["turns", source, "--unit", "every", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["account"]["kept"] == len(list(read_turns(str(out)))) == 3
    empty = tmp_path / "empty.jsonl"
    empty.write_text(json.dumps(conversation("c", [curated_turn(1, modelMessage="")])))
    result = CliRunner().invoke(app, ["turns", str(empty), "--out", str(tmp_path / "none.jsonl")])
    assert (result.exit_code, (tmp_path / "none.jsonl").exists()) == (1, False)
    assert "1 empty answer" in result.output


def test_real_telemetry_gives_sensible_turns(tmp_path: Path) -> None:
    """90 real conversations give 90 first turns, and all but 5 of their 577 turns."""
    if not TELEMETRY.exists():
        pytest.skip(f"{TELEMETRY} is absent")
    arguments = [
        "export", "--events", str(TELEMETRY), "--out", str(tmp_path / "sets"), "--as-of", "2026-02-17T00:00:00Z",
        "--window", "60d", "--json",
    ]  # fmt: skip
    assert CliRunner().invoke(app, arguments).exit_code == 0
    source = str(tmp_path / "sets")
    assert write_turns(source, str(tmp_path / "first.jsonl"), Unit.first).account.kept == 90
    account = write_turns(source, str(tmp_path / "every.jsonl"), Unit.every).account
    assert (account.read, account.kept) == (577, 572)
    assert account.dropped == {making.TOOLS_ONLY: 4, making.EMPTY_ANSWER: 1}
