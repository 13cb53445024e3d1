"""Chat messages in OpenAI's forms, old and new."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnsmith.core.lines import writing_lines
from turnsmith.sources.logs.json_files import head_of

from .reading import FILES, GOLDEN, IMPORTERS, brief, read, read_value


def test_golden() -> None:
    """The golden file reads as written here: legacy calls paired, parts joined, provenance kept."""
    (first, second), account = read("messages", GOLDEN / FILES["messages"])
    assert brief(first) == [
        ("system", "Be brief."),
        ("user", "What is here?\n[image]"),
        ("assistant", "", ("look", '{"at": "x"}')),
        ("tool", "a cat"),
        ("assistant", "A cat."),
    ]
    assert (first.id, first.parent) == ("claude-code:s1/0", "claude-code:s1")
    assert (first.repo, first.branch) == ("acme/app", "main")
    assert brief(second)[1] == ("assistant", "", ("one", "{}"), ("two", '{"x": 1}'))
    assert [(m.tool_call_id, m.text) for m in second.messages[2:4]] == [("b", "2"), ("a", "1")]
    assert second.messages[-1].reasoning == "Add nothing."
    assert account.dropped == {"tool result without a call": 1}


def test_ids_that_repeat_are_made_new(tmp_path: Path) -> None:
    """A call id that an earlier turn used gets a new one, and its result follows it."""
    round_ = [
        {"role": "user", "content": "x"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    transcripts, _ = read_value("messages", tmp_path, [{"messages": round_ * 2}])
    ids = [m.tool_call_id for m in transcripts[0].messages if m.role == "tool"]
    assert len(set(ids)) == 2


def test_an_object_over_several_lines(tmp_path: Path) -> None:
    """A single record that is printed over several lines is one record, not broken lines."""
    path = tmp_path / "one.json"
    path.write_text('{\n  "messages": [\n    {"role": "user", "content": "x"}\n  ]\n}\n', encoding="utf-8")
    transcripts, account = read("messages", path)
    assert brief(transcripts[0]) == [("user", "x")]
    assert not account.bad


@pytest.mark.parametrize("way", ["gz", "zst", "stdin"])
@pytest.mark.parametrize("kind", sorted(IMPORTERS))
def test_packed_files_and_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, way: str
) -> None:
    """Packed files and standard input give the same as the file; their head can be looked at first."""
    plain = GOLDEN / FILES[kind]
    path = Path("-") if way == "stdin" else tmp_path / f"{plain.name}.{way}"
    if way != "stdin":
        with writing_lines(str(path)) as write:
            write(plain.read_bytes())
    with plain.open(encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert IMPORTERS[kind].looks_like(head_of(str(path)))
        found, _ = read(kind, path)
    assert [brief(t) for t in found] == [brief(t) for t in read(kind, plain)[0]]


def test_a_broken_line_is_counted_where_it_stands(tmp_path: Path) -> None:
    """A broken line goes to the account as file:line; its neighbors are read."""
    path = tmp_path / "m.jsonl"
    good = '{"messages": [{"role": "user", "content": "x"}]}\n'
    path.write_text(good + '{"messages": [\n' + good, encoding="utf-8")
    transcripts, account = read("messages", path)
    assert [t.place for t in transcripts] == [f"{path}:1", f"{path}:3"]
    assert account.bad == {"no valid JSON": 1}
    assert account.samples["no valid JSON"] == [f"{path}:2"]


def test_the_same_record_has_the_same_id(tmp_path: Path) -> None:
    """A record without an id gets one from its content, whatever file and place it stands in."""
    one, two = ({"messages": [{"role": "user", "content": text}]} for text in "ab")
    ids = [
        [t.id for t in read_value("messages", tmp_path, records)[0]] for records in ([one, two], [two, one])
    ]
    assert ids[0] == ids[1][::-1]
    assert len(set(ids[0])) == 2
