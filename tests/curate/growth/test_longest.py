"""`turnsmith longest`: a conversation that was saved again with more turns is one conversation."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnsmith.curate.growth import keep_longest, prefixes

from ..clean.chats import read, run, write

Example = dict[str, Any]
MESSAGES = st.lists(st.sampled_from(["a", "b", "a \n"]), max_size=4)
SYSTEMS = st.sampled_from(["", "s", "t"])


def talk(*texts: str, system: str = "", **meta: Any) -> Example:
    """Return a conversation of user and assistant in turn."""
    messages = [{"role": "system", "content": system}] if system else []
    messages += [
        {"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)
    ]
    return {"messages": messages, **({"meta": meta} if meta else {})}


def kept(tmp_path: Path, examples: list[Any]) -> tuple[list[Example], list[Example]]:
    """Return what is kept and what is dropped."""
    source = write(tmp_path / "in.jsonl", examples)
    keep_longest(source, str(tmp_path / "out.jsonl"), dropped=str(tmp_path / "dropped.jsonl"))
    return read(tmp_path / "out.jsonl"), read(tmp_path / "dropped.jsonl")


def test_the_longest_stays(tmp_path: Path) -> None:
    """Earlier and later saves of a conversation go, whatever their order; the dropped name the kept one's place."""
    examples = [talk("q", "a"), talk("q", "a", "r", "b", id=3), talk("other", "x"), talk("q", "a", "r")]
    out, dropped = kept(tmp_path, examples)
    assert out == [examples[1], examples[2]]
    assert [(each["reason"], each["place"], each["kept"]) for each in dropped] == [
        ("beginning of a longer one", f"{tmp_path}/in.jsonl:1", f"{tmp_path}/in.jsonl:2"),
        ("beginning of a longer one", f"{tmp_path}/in.jsonl:4", f"{tmp_path}/in.jsonl:2"),
    ]
    assert [each["example"] for each in dropped] == [examples[0], examples[3]]


def test_branches_stay(tmp_path: Path) -> None:
    """Two ways to go on from the same beginning are two conversations; the beginning goes."""
    examples = [talk("q", "a"), talk("q", "a", "r"), talk("q", "a", "s"), talk("q", "A")]
    assert kept(tmp_path, examples)[0] == examples[1:]


def test_copies_come_once(tmp_path: Path) -> None:
    """Of equal conversations the first stays; another system prompt makes another example, unless it grew."""
    examples = [
        talk("q", "a", system="be brief", n=1), talk("q", "a ", system="be brief", n=2),
        talk("q", "a", system="be kind"), talk("q", "a", "r", system="today is another day"),
    ]  # fmt: skip
    assert kept(tmp_path, examples[:3])[0] == [examples[0], examples[2]]
    assert kept(tmp_path, examples)[0] == [examples[3]]


def test_tool_calls_are_part_of_what_was_said(tmp_path: Path) -> None:
    """Conversations with other arguments of a call are others; ids of calls make no difference."""

    def calling(argument: int, key: str, *more: Any) -> Example:
        call = {
            "id": key,
            "type": "function",
            "function": {"name": "f", "arguments": json.dumps({"n": argument})},
        }
        messages = [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            *more,
        ]
        return {"messages": messages}

    answer = {"role": "tool", "content": "1", "tool_call_id": "y"}
    examples = [calling(1, "x"), calling(2, "x"), calling(1, "y", answer)]
    assert kept(tmp_path, examples)[0] == examples[1:]


def test_bytes_stay_and_strangers_pass(tmp_path: Path) -> None:
    """Lines that stay keep their bytes; what is no conversation passes on, and bad lines are counted."""
    odd = '{ "messages":[ {"role":"user","content":"caf\\u00e9"} ] }'
    lines = [odd, '{"text": "x"}', '{"messages": []}', '{"messages": [3]}', "{"]
    source = write(tmp_path / "in.jsonl", lines)
    result = run("longest", source, "--out", tmp_path / "out.jsonl", "--json")
    told = json.loads(result.stdout)
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines() == lines[:4]
    assert (told["kept"], told["bad"], told["notes"]) == (
        4,
        {"no valid JSON": 1},
        {"no conversation, passed on": 3},
    )


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_curated_conversations(tmp_path: Path, suffix: str) -> None:
    """Curated conversations are compared by their turns' texts."""
    turns = [{"userMessage": each, "modelMessage": ""} for each in "abc"]
    records = [{"conversationId": str(size), "turnsArray": turns[:size]} for size in (2, 3, 1)]
    source = tmp_path / f"in.{suffix}"
    if suffix == "json":
        source.write_text(json.dumps(records), encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(records), source)
    assert run("longest", source, "--out", tmp_path / "out.jsonl").exit_code == 0
    assert read(tmp_path / "out.jsonl") == records[1:2]


def test_standard_streams(tmp_path: Path) -> None:
    """Standard input is read as often as it takes, and the table goes to standard error."""
    lines = [json.dumps(each) for each in (talk("q"), talk("q", "a"))]
    result = run("longest", "-", "--out", "-", stdin="\n".join(lines))
    assert result.exit_code == 0
    assert result.stdout == lines[1] + "\n"


def expected(examples: list[tuple[str, list[str]]]) -> list[int]:
    """Return which of (system, messages) stay, by comparing all with all."""
    said = [(system, [text.strip() for text in messages]) for system, messages in examples]
    stay = []
    for place, (system, messages) in enumerate(said):
        grown = any(len(other) > len(messages) and other[: len(messages)] == messages for _, other in said)
        if not messages or not (grown or (system, messages) in said[:place]):
            stay.append(place)
    return stay


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(examples=st.lists(st.tuples(SYSTEMS, MESSAGES), max_size=8), block=st.sampled_from([1, 3, 1 << 20]))
def test_kept_are_those_of_brute_force(
    tmp_path: Path, examples: list[tuple[str, list[str]]], block: int
) -> None:
    """A conversation goes exactly where another one begins with all of it, or an earlier one is the same."""
    original, prefixes.BLOCK = prefixes.BLOCK, block
    try:
        out, dropped = kept(
            tmp_path, [talk(*texts, system=system, n=n) for n, (system, texts) in enumerate(examples)]
        )
    finally:
        prefixes.BLOCK = original
    stay = expected(examples)
    assert [each["meta"]["n"] for each in out] == stay
    lines = {f"{tmp_path}/in.jsonl:{place + 1}" for place in stay}
    assert all(each["kept"] in lines for each in dropped)


def test_a_collision_of_hashes_drops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many conversations have the same hash, the digests of their texts still decide."""
    monkeypatch.setattr(prefixes, "HASH_BYTES", 1)
    examples = [talk(f"question {number}", "a") for number in range(3000)]
    out, _ = kept(tmp_path, [*examples, examples[0]])
    assert out[:3000] == examples


def test_wrong_usage(tmp_path: Path) -> None:
    """Writing over the input is refused; a missing input is an error, and nothing is written."""
    source = write(tmp_path / "in.jsonl", [talk("q")])
    assert run("longest", source, "--out", source).exit_code == 2
    assert run("longest", tmp_path / "no.jsonl", "--out", tmp_path / "o.jsonl").exit_code == 1
    assert not (tmp_path / "o.jsonl").exists()
