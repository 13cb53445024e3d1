"""ShareGPT and its kin: who speaks, and calls of tools in three dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reading import FILES, GOLDEN, brief, golden, read, read_value

if TYPE_CHECKING:
    from pathlib import Path


def test_golden() -> None:
    """The golden file reads as written here: the system prompt beside the turns, calls and results paired."""
    (first, second), account = read("sharegpt", GOLDEN / FILES["sharegpt"])
    assert first.id == "s-1"
    assert brief(first) == [
        ("system", "Be kind."),
        ("user", "Weather in Oslo?"),
        ("assistant", "", ("weather", '{"city": "Oslo"}')),
        ("tool", "4 degrees"),
        ("assistant", "It is 4 degrees."),
    ]
    assert brief(second) == [
        ("user", "And now?"),
        ("assistant", "Let me look.", ("clock", "{}")),
        ("tool", "noon"),
        ("assistant", "Noon."),
    ]
    assert account.dropped == {"unknown role": 1}


def test_array_and_lines_give_the_same(tmp_path: Path) -> None:
    """The same records in JSON Lines give the same transcripts, their ids included."""
    import json

    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in golden("sharegpt")), encoding="utf-8")
    lines, _ = read("sharegpt", path)
    array, _ = read("sharegpt", GOLDEN / FILES["sharegpt"])
    assert [(t.id, brief(t)) for t in lines] == [(t.id, brief(t)) for t in array]
    assert [t.place for t in lines] == [f"{path}:1", f"{path}:2"]


def test_calls_that_can_not_be_read(tmp_path: Path) -> None:
    """A call that is no JSON is dropped; in the text of an answer it stays text; a result of neither goes."""
    turns = [
        ("human", "x"),
        ("function_call", "look()"),
        ("gpt", "<tool_call>look</tool_call>"),
        ("tool", "r"),
    ]
    record = {"conversations": [{"from": who, "value": said} for who, said in turns]}
    transcripts, account = read_value("sharegpt", tmp_path, [record])
    assert brief(transcripts[0]) == [("user", "x"), ("assistant", "<tool_call>look</tool_call>")]
    assert account.dropped == {"function call that is no JSON": 1, "tool result without a call": 1}
    assert not account.notes
