"""ChatGPT: the active thread, the parts of a turn, and what is hidden or beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reading import FILES, GOLDEN, brief, golden, read, read_value

if TYPE_CHECKING:
    from pathlib import Path


def node(
    role: str, *parts: Any, recipient: str = "all", name: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return a message of text."""
    content = {"content_type": "text", "parts": list(parts)}
    return {"author": {"role": role, "name": name}, "content": content, "recipient": recipient, **more}


def line(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a conversation whose messages follow one another."""
    mapping = {
        f"n{i}": {"id": f"n{i}", "parent": f"n{i - 1}" if i else None, "message": message}
        for i, message in enumerate(messages)
    }
    return {"id": "g", "mapping": mapping, "current_node": f"n{len(messages) - 1}", **more}


def test_golden() -> None:
    """The golden export reads as written here: one message for each round of the model's, thoughts apart."""
    transcripts, account = read("chatgpt", GOLDEN / FILES["chatgpt"])
    assert (transcripts[0].source, transcripts[0].id, transcripts[0].title) == (
        "chatgpt",
        "g-1",
        "Plot a sine",
    )
    assert brief(transcripts[0]) == [
        ("system", "I teach math.\n\nBe short."),
        ("user", "[image]\n\nPlot it like this.\n\n[Attached file: data.csv]"),
        ("assistant", "", ("python", '{"code": "import numpy as np\\nplot(np.sin)"}')),
        ("tool", "NameError: plot"),
        ("assistant", "There is no plot function."),
    ]
    _, asked, called, result, final = transcripts[0].messages
    assert called.reasoning == "Planning\n\nUse numpy."
    assert (called.model, final.model, asked.model) == ("o3", "o3", None)
    assert result.is_error
    assert not final.reasoning
    assert asked.time == "2023-11-14T22:13:22.250Z"
    assert account.dropped == {"on another branch": 1, "of weight 0": 1, "empty message": 1}
    assert account.notes["alternative branches"] == 1
    assert account.notes["images and sounds, marked as such"] == 1


def test_without_a_valid_current_node_the_latest_leaf_counts(tmp_path: Path) -> None:
    """A missing or dangling `current_node` is noted, and the thread ends in the latest leaf."""
    for current in (None, "gone", 7):
        transcripts, account = read_value(
            "chatgpt", tmp_path, [{**golden("chatgpt")[0], "current_node": current}]
        )
        assert transcripts[0].messages[-1].text == "An edit that was given up."
        assert account.notes["conversations without a valid current node: the latest leaf was taken"] == 1


def test_parent_links_in_a_circle_end(tmp_path: Path) -> None:
    """Links in a circle neither hang nor lose a message on it."""
    record = line(node("user", "one"), node("assistant", "two"))
    record["mapping"]["n0"]["parent"] = "n1"
    transcripts, account = read_value("chatgpt", tmp_path, record)
    assert brief(transcripts[0]) == [("user", "one"), ("assistant", "two")]
    assert account.notes["conversations with parent links in a circle"] == 1


def test_several_results_of_one_call_are_one(tmp_path: Path) -> None:
    """A tool that answers in several messages, as the browser does, has one result."""
    record = line(
        node("user", "Search."),
        node("assistant", 'search("x")', recipient="browser"),
        node("tool", "one", name="browser"),
        node("tool", "two", name="browser"),
        node("assistant", "Found."),
    )
    transcripts, account = read_value("chatgpt", tmp_path, record)
    assert brief(transcripts[0])[1:] == [
        ("assistant", "", ("browser", '{"input": "search(\\"x\\")"}')),
        ("tool", "one\n\ntwo"),
        ("assistant", "Found."),
    ]
    assert account.kept == 5


def test_a_result_of_another_tool_joins_none(tmp_path: Path) -> None:
    """What a tool says uncalled, an uploaded file say, is dropped, and not taken for the result before it."""
    record = line(
        node("user", "x"),
        node("assistant", "{}", recipient="python"),
        node("tool", "r", name="python"),
        node("tool", "a file", name="file_search"),
    )
    transcripts, account = read_value("chatgpt", tmp_path, record)
    assert transcripts[0].messages[-1].text == "r"
    assert account.dropped == {"tool result without a call": 1}


def test_marks_of_citations_are_taken_out(tmp_path: Path) -> None:
    """Marks that only the page can show are no part of the answer, and are counted."""
    said = "It rains \ue200cite\ue202turn0search1\ue202turn0news2\ue201."
    transcripts, account = read_value("chatgpt", tmp_path, line(node("user", "x"), node("assistant", said)))
    assert transcripts[0].messages[1].text == "It rains."
    assert account.notes == {"marks of citations, taken out": 1}


def test_arguments_that_are_an_object_stay_as_written(tmp_path: Path) -> None:
    """JSON that the model wrote as arguments is handed on to the byte."""
    record = line(
        node("user", "x"),
        node("assistant", '{ "a":1}', recipient="web.run"),
        node("tool", "r", name="web.run"),
    )
    transcripts, _ = read_value("chatgpt", tmp_path, record)
    assert transcripts[0].messages[1].tool_calls[0].arguments == '{ "a":1}'


def test_parallel_calls_pair_by_the_name_of_the_tool(tmp_path: Path) -> None:
    """Calls in a row are one message, and each result finds the call of its tool."""
    record = line(
        node("user", "x"),
        node("assistant", "{}", recipient="a"),
        node("assistant", "{}", recipient="b"),
        node("tool", "from b", name="b"),
        node("tool", "from a", name="a"),
    )
    transcripts, _ = read_value("chatgpt", tmp_path, record)
    _, calls, *results = transcripts[0].messages
    by_id = {call.id: call.name for call in calls.tool_calls}
    assert [(by_id[str(m.tool_call_id)], m.text) for m in results] == [("b", "from b"), ("a", "from a")]


def test_what_is_hidden_is_left_out(tmp_path: Path) -> None:
    """Hidden messages go and are counted, but a hidden call keeps its place: its result needs it."""
    hidden: dict[str, Any] = {"metadata": {"is_visually_hidden_from_conversation": True}}
    record = line(
        node("system", "Original custom instructions no longer available", **hidden),
        node("user", "x"),
        node("assistant", "{}", recipient="t", **hidden),
        node("tool", "r", name="t", **hidden),
        node("assistant", "secret", **hidden),
        node("assistant", "shown"),
    )
    transcripts, account = read_value("chatgpt", tmp_path, record)
    assert [m.role for m in transcripts[0].messages] == ["user", "assistant", "tool", "assistant"]
    assert account.dropped == {"hidden in the conversation": 2}


def test_thoughts_that_nothing_follows_are_dropped(tmp_path: Path) -> None:
    """Thoughts go with what the model says next; where the user speaks next, they are counted and gone."""
    thoughts: dict[str, Any] = {"content": {"content_type": "thoughts", "thoughts": [{"content": "Hm."}]}}
    record = line(
        node("user", "x"), node("assistant", **thoughts), node("user", "y"), node("assistant", **thoughts)
    )
    transcripts, account = read_value("chatgpt", tmp_path, record)
    assert brief(transcripts[0]) == [("user", "x"), ("user", "y")]
    assert account.dropped == {"only reasoning": 2}


def test_older_custom_instructions(tmp_path: Path) -> None:
    """Older exports hold the user's instructions in the metadata; they are the system message all the same."""
    data = {"user_context_message_data": {"about_user_message": "A cook.", "about_model_message": "Rhyme."}}
    context: dict[str, Any] = {"content": {"content_type": "user_editable_context"}, "metadata": data}
    transcripts, _ = read_value("chatgpt", tmp_path, line(node("user", **context), node("user", "x")))
    assert brief(transcripts[0])[0] == ("system", "A cook.\n\nRhyme.")


def test_code_for_everyone_is_a_fenced_block(tmp_path: Path) -> None:
    """Code that goes to no tool is part of the answer."""
    code: dict[str, Any] = {"content": {"content_type": "code", "language": "python", "text": "x = 1"}}
    transcripts, _ = read_value("chatgpt", tmp_path, line(node("user", "x"), node("assistant", **code)))
    assert transcripts[0].messages[1].text == "```python\nx = 1\n```"


def test_a_capture_without_the_record_gives_what_was_on_the_page(tmp_path: Path) -> None:
    """A capture that only read the page gives its turns, and says so."""
    turns = [
        {"role": "user", "text": "Hi.", "timestamp": "2026-07-16T14:00:00+00:00"},
        {"role": "chrome", "text": "x"},
    ]
    session = {"provider": "chatgpt", "provider_session_id": "p", "turns": turns}
    capture = {"polylogue_capture_kind": "browser_llm_session", "session": session}
    transcripts, account = read_value("chatgpt", tmp_path, capture)
    assert (transcripts[0].id, brief(transcripts[0])) == ("p", [("user", "Hi.")])
    assert account.dropped == {"unknown role": 1}
    assert account.notes["conversations read off the page"] == 1
