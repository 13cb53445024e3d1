"""Merged files have one type for each field, and show every field at their head."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.json

from turnsmith.curate.merge import MergeOptions, merge
from turnsmith.curate.merge.shapes import cover, kind_of, settled, shape_of

from .test_merge import FEW, chat, chats, read, sides, write

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"b": 1, "a": "é"}}}


def merged(tmp_path: Path, examples: list[Any], options: MergeOptions = FEW) -> tuple[list[Any], Any]:
    """Merge examples; return all that was written and the report."""
    report = merge([write(tmp_path / "in.jsonl", examples)], "x", str(tmp_path), options)
    train, held_out = sides(tmp_path)
    return train + held_out, report


def test_values_get_the_types_of_the_contract() -> None:
    """Nulls go, content is text, arguments are JSON text; pictures and tools stay as they are."""
    picture = {"type": "image_url", "image_url": {"url": "x"}}
    example = {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                "name": None,
            },
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "x", "tool_call_id": "c", "tool_calls": []},
            {"role": "user", "content": [picture]},
        ],
        "meta": {"a": None, "b": {"c": None}},
        "extra": None,
        "tools": [{"default": None}],
    }
    function = {"name": "f", "arguments": '{"a":"é","b":1}'}
    assert settled(example) == {
        "messages": [
            {"role": "user", "content": "a\nb"},
            {"role": "assistant", "content": "", "tool_calls": [{**CALL, "function": function}]},
            {"role": "tool", "content": "x", "tool_call_id": "c"},
            {"role": "user", "content": [picture]},
        ],
        "tools": [{"default": None}],
    }


def test_clashing_meta_is_written_as_text(tmp_path: Path) -> None:
    """Where a key holds text here and a number or a list there, all its values become text, and the report says so."""
    examples = [chat("a", v=1, w=[1], ok=1), chat("b", v="x", w={"k": 2}, ok=2.5), chat("c", v=True)]
    written, report = merged(tmp_path, examples)
    by_text = {each["messages"][0]["content"]: each["meta"] for each in written}
    assert by_text == {
        "a": {"v": "1", "w": "[1]", "ok": 1}, "b": {"v": "x", "w": '{"k":2}', "ok": 2.5}, "c": {"v": "true"}
    }  # fmt: skip
    assert report.as_json()["written_as_text"] == {
        "meta.v": ["boolean", "integer", "text"], "meta.w": ["list", "object"]
    }  # fmt: skip


def test_the_head_of_a_file_shows_every_field(tmp_path: Path) -> None:
    """A field or kind that one example in hundreds has stands in the first lines, so a loader's types hold for all."""
    rare = [
        {"messages": [*chat("t")["messages"], {"role": "assistant", "content": "", "tool_calls": [CALL]}]},
        chat("r", license="MIT", when="2026-01-01T00:00:00Z"),
        chat("w", when="yesterday"),
        chat("f", score=0.5),
        chat("i", score=1),
        {"text": "fim", "meta": {"path": "p"}},
    ]
    examples: list[Any] = [*chats("a", 700), *rare]
    _, report = merged(tmp_path, examples, MergeOptions())
    train, held_out = sides(tmp_path)
    head = frozenset().union(*(shape_of(each) for each in train[:10]))
    for each in [*train, *held_out]:
        assert shape_of(each) <= head
    lines = [json.dumps(each) for each in train[:10]]
    schema = pyarrow.json.read_json(io.BytesIO("\n".join(lines).encode())).schema
    assert str(schema.field("meta").type.field("when").type) == "string"
    assert str(schema.field("meta").type.field("score").type) == "double"
    assert report.as_json()["train"]["lines"] == len(train)


def test_meta_can_be_left_out(tmp_path: Path) -> None:
    """--strip-meta writes no meta, and the groups of it still hold."""
    examples = chats("a", 300, 3)
    groups = {each["messages"][0]["content"]: each["meta"]["group"] for each in examples}
    merged(tmp_path, examples, MergeOptions(strip_meta=True))
    train, held_out = ({groups[each["messages"][0]["content"]] for each in side} for side in sides(tmp_path))
    assert all("meta" not in each for each in read(tmp_path / "train.x.jsonl"))
    assert train.isdisjoint(held_out)


def test_kinds_are_those_of_a_loader() -> None:
    """Ways of writing a time are kinds of their own, because loaders make timestamps of some texts."""
    assert kind_of("2026-01-01T00:00:00Z") == "time 0000-00-00T00:00:00Z"
    assert kind_of("2026-01-01") == "time 0000-00-00"
    assert kind_of("2026-01-01 and more") == "text"
    values: list[Any] = [True, 1, 1.0, [], {}]
    assert [kind_of(value) for value in values] == [
        "boolean",
        "integer",
        "real",
        "list",
        "object",
    ]


def test_a_cover_shows_all_with_few() -> None:
    """The chosen shapes together show all fields, and none of them is idle."""
    shapes = {
        n: frozenset((field, "text") for field in fields)
        for n, fields in enumerate(["ab", "a", "bc", "d", "c"])
    }
    assert cover(shapes, dict.fromkeys(shapes, 0)) == [0, 2, 3]
