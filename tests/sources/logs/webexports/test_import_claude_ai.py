"""claude.ai: branches, pasted files, tool calls, and what each shape of the export leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reading import FILES, GOLDEN, IMPORTERS, brief, golden, read, read_value

if TYPE_CHECKING:
    from pathlib import Path


def message(name: str, parent: str | None = None, sender: str = "human", **more: Any) -> dict[str, Any]:
    """Return a message whose text is its name."""
    links = {} if parent is None else {"parent_message_uuid": parent}
    return {
        "uuid": name,
        "sender": sender,
        "text": name,
        "created_at": f"2025-01-01T00:00:{name[-2:]}Z",
        **links,
        **more,
    }


def answer(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a conversation in which the model's message holds these blocks."""
    content = {"sender": "assistant", "text": "flat", "content": list(blocks)}
    return [{"uuid": "c", "chat_messages": [message("m01"), {"uuid": "m02", **content}]}]


def test_golden() -> None:
    """The golden export reads as written here: active branch, fenced files, tool results, artifacts, times in UTC."""
    transcripts, account = read("claude_ai", GOLDEN / FILES["claude_ai"])
    first, second, third = transcripts
    assert (first.source, first.id, first.title) == ("claude-ai", "c-1", "Sorting in Python")
    assert first.place.endswith("claude_ai.json[0]")
    fence = "````"
    assert brief(first) == [
        (
            "user",
            f"Why is this slow?\n\n[Attached file: sort.py]\n{fence}\ndef f(x):\n    ```x```\n{fence}\n\n"
            "[Attached file: profile.pdf]",
        ),
        ("assistant", "Let me run it.", ("repl", '{"code": "f([2, 1])"}')),
        ("tool", "[1, 2]\n\nDocs https://example.com\nsorted() copies"),
        ("assistant", "It sorts twice."),
        ("user", "Thanks, é!\n\n[Attached file: pasted text]\n```\na pasted note\n```"),
    ]
    assert first.messages[1].reasoning == "Two sorts, perhaps."
    assert [m.time for m in first.messages[:2]] == ["2025-03-01T10:00:00.123Z", "2025-03-01T10:02:00.000Z"]
    assert brief(second) == [("user", "Hello"), ("assistant", "Hello! How can I help?")]
    change = "In **Page**, replace:\n\n```html\nHi\n```\n\nwith:\n\n```html\nHello\n```"
    page = f"**Page**\n\n```html\n<p>Hi</p>\n```\n\n{change}"
    assert brief(third)[1:] == [
        ("assistant", f"Here it is.\n\n{page}\n\n**Notes**\n\n- short\n\n**Raw**\n\nHi\n\nDone.")
    ]
    assert account.read == 9
    assert account.dropped == {"on another branch": 1, "empty message": 1}
    assert account.notes["alternative branches"] == 1


def test_the_branch_with_the_latest_message_is_the_conversation(tmp_path: Path) -> None:
    """The active branch ends in the latest message, not in the last one of the file; `current_leaf` overrules."""
    tree = [message("m01"), message("m09", "m01"), message("m05", "m01"), message("m06", "m05")]
    record = {"uuid": "c", "chat_messages": tree}
    transcripts, account = read_value("claude_ai", tmp_path, record)
    assert brief(transcripts[0]) == [("user", "m01"), ("user", "m09")]
    assert account.dropped == {"on another branch": 2}
    transcripts, _ = read_value("claude_ai", tmp_path, {**record, "current_leaf_message_uuid": "m06"})
    assert [m.text for m in transcripts[0].messages] == ["m01", "m05", "m06"]


def test_edits_of_the_first_message_are_alternatives(tmp_path: Path) -> None:
    """Messages that all hang on the same root are edits of one another; only the latest was asked."""
    tree = [message("m01", "root"), message("m03", "root"), message("m02", "root")]
    transcripts, account = read_value("claude_ai", tmp_path, {"uuid": "c", "chat_messages": tree})
    assert brief(transcripts[0]) == [("user", "m03")]
    assert account.notes["alternative branches"] == 2


def test_parent_links_in_a_circle_end(tmp_path: Path) -> None:
    """Links in a circle neither hang nor lose the message that is latest."""
    tree = [message("m01", "m02"), message("m02", "m01")]
    transcripts, account = read_value("claude_ai", tmp_path, {"uuid": "c", "chat_messages": tree})
    assert [m.text for m in transcripts[0].messages] == ["m01", "m02"]
    assert account.notes["conversations with parent links in a circle"] == 1


def test_flat_text_only_where_content_is_empty(tmp_path: Path) -> None:
    """The flattened `text`, which is lossy, counts only where the blocks hold nothing."""
    blocks: list[tuple[dict[str, Any], str]] = [
        ({"type": "text", "text": "said"}, "said"),
        ({"type": "text", "text": None}, "flat"),
        ({"type": "text", "text": 7}, "flat"),
        ({"type": "novelty", "data": "x"}, "flat"),
    ]
    for block, expected in blocks:
        transcripts, _ = read_value("claude_ai", tmp_path, answer(block))
        assert transcripts[0].messages[-1].text == expected
    only_thought, account = read_value("claude_ai", tmp_path, answer({"type": "thinking", "thinking": "Hm."}))
    assert [m.text for m in only_thought[0].messages] == ["m01"]
    assert account.dropped == {"only reasoning": 1}


def test_parallel_calls_pair_by_id_and_by_order(tmp_path: Path) -> None:
    """Results find their call by id where there are ids, else by the tool's name, in order."""
    calls: list[dict[str, Any]] = [
        {"type": "tool_use", "id": key, "name": "t", "input": {"n": key}} for key in "ab"
    ]
    results = [
        {"type": "tool_result", "tool_use_id": key, "name": "t", "content": f"of {key}"} for key in "ba"
    ]
    for blocks, order in (
        ([*calls, *results], ["b", "a"]),
        ([{**block, "id": None, "tool_use_id": None} for block in [*calls, *results]], ["call_1", "call_2"]),
    ):
        transcripts, account = read_value("claude_ai", tmp_path, answer(*blocks))
        _, said, *answers = transcripts[0].messages
        assert len(said.tool_calls) == 2
        assert [(m.tool_call_id, m.text) for m in answers] == [(order[0], "of b"), (order[1], "of a")]
        assert not account.notes


def test_calls_and_results_that_stand_alone_are_counted(tmp_path: Path) -> None:
    """A call without a result stays and is noted; a result without a call goes and is counted."""
    call = {"type": "tool_use", "name": "artifacts", "input": {}}
    transcripts, account = read_value("claude_ai", tmp_path, answer(call, {"type": "text", "text": "Done."}))
    assert brief(transcripts[0])[1:] == [("assistant", "", ("artifacts", "{}")), ("assistant", "Done.")]
    assert account.notes == {"tool calls without a result": 1}
    transcripts, account = read_value("claude_ai", tmp_path, answer({"type": "tool_result", "content": []}))
    assert account.dropped == {"tool result without a call": 1}


def test_a_failed_tool_is_an_error(tmp_path: Path) -> None:
    """`is_error` of a result is kept."""
    call = {"type": "tool_use", "name": "t", "input": {}}
    transcripts, _ = read_value(
        "claude_ai", tmp_path, answer(call, {"type": "tool_result", "content": "no", "is_error": True})
    )
    assert transcripts[0].messages[-1].is_error


def test_thoughts_in_tags_are_reasoning(tmp_path: Path) -> None:
    """What early models thought in `antThinking` tags is no part of the answer."""
    said = "Yes.\n\n<antThinking>Simple.</antThinking>\n\nHere it is."
    transcripts, _ = read_value("claude_ai", tmp_path, answer({"type": "text", "text": said}))
    last = transcripts[0].messages[-1]
    assert (last.text, last.reasoning) == ("Yes.\n\nHere it is.", "Simple.")


def test_the_name_of_a_file_stays_on_its_line(tmp_path: Path) -> None:
    """A file's name can't start a line of its own in the message."""
    files = [{"file_name": "x\n\nIgnore this.txt"}]
    record = {"uuid": "c", "chat_messages": [message("m01", files=files)]}
    transcripts, _ = read_value("claude_ai", tmp_path, record)
    assert transcripts[0].messages[0].text == "m01\n\n[Attached file: x Ignore this.txt]"


def test_the_model_of_a_capture(tmp_path: Path) -> None:
    """A capture of the API names the model, which the export does not; it stands on the model's messages."""
    capture = {
        "polylogue_capture_kind": "browser_llm_session",
        "raw_provider_payload": {**golden("claude_ai")[1], "model": "m"},
    }
    transcripts, _ = read_value("claude_ai", tmp_path, capture)
    assert [m.model for m in transcripts[0].messages] == [None, "m"]


def test_a_design_chat(tmp_path: Path) -> None:
    """A design chat reads as a conversation: outputs are results, hidden attachments and skills are left out."""
    call = {"id": "t1", "name": "write", "input": {"path": "x"}, "output": "ok"}
    blocks = [
        {"type": "thinking", "text": "Hm."},
        {"type": "tool_call", "toolCall": call},
        {"type": "text", "text": "Done."},
    ]
    files = [
        {"name": "a.md", "type": "file", "content": "# A"},
        {"name": "design", "type": "skill", "content": "a skill"},
        {"name": "s", "type": "text", "content": "a reminder", "hidden": True},
    ]
    record = {
        "uuid": "d-1",
        "title": "Draw",
        "messages": [
            {
                "uuid": "1",
                "role": "user",
                "content": {"content": "Draw.", "contentBlocks": [], "attachments": files},
            },
            {"uuid": "2", "role": "assistant", "content": {"content": "Done.", "contentBlocks": blocks}},
        ],
    }
    transcripts, _ = read_value("claude_ai", tmp_path, [record])
    assert (transcripts[0].id, transcripts[0].title) == ("d-1", "Draw")
    assert brief(transcripts[0]) == [
        ("user", "Draw.\n\n[Attached file: a.md]\n```\n# A\n```\n\n[Attached file: design]"),
        ("assistant", "", ("write", '{"path": "x"}')),
        ("tool", "ok"),
        ("assistant", "Done."),
    ]
    head = (tmp_path / "conversations.json").read_bytes()
    assert [kind for kind, importer in IMPORTERS.items() if importer.looks_like(head)] == ["claude_ai"]
