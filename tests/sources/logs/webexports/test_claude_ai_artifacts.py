"""claude.ai's artifacts: what the assistant wrote beside the chat stands in its message, in place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ..running import dialog, imported, run
from .reading import SHARED, brief, read_value

if TYPE_CHECKING:
    from pathlib import Path

    from turnsmith.curate.account import Account

CODE = {
    "id": "a",
    "command": "create",
    "type": "application/vnd.ant.code",
    "language": "python",
    "title": "Sum",
}
TAG = '<antArtifact identifier="a" type="text/html" title="Page">\n<p>Hi</p>\n</antArtifact>'
MD = {"type": "text/markdown", "identifier": "m", "title": "Plan"}


def said(text: str) -> dict[str, Any]:
    """Return a block of text."""
    return {"type": "text", "text": text}


def artifact(name: str = "artifacts", **given: Any) -> dict[str, Any]:
    """Return a block that writes an artifact."""
    return {"type": "tool_use", "id": "t1", "name": name, "input": given}


def result(text: str = "OK") -> dict[str, Any]:
    """Return the block of an artifact's result."""
    return {"type": "tool_result", "tool_use_id": "t1", "name": "artifacts", "content": text}


def chat(*blocks: dict[str, Any], flat: str = "") -> dict[str, Any]:
    """Return a conversation in which these blocks answer the one request."""
    request = {"uuid": "1", "sender": "human", "text": "Go."}
    return {
        "uuid": "c",
        "name": "Chat",
        "chat_messages": [request, {"sender": "assistant", "text": flat, "content": list(blocks)}],
    }


def answered(folder: Path, *blocks: dict[str, Any], flat: str = "") -> tuple[str, Account]:
    """Return the text of the one message that the blocks become."""
    [transcript], account = read_value("claude_ai", folder, chat(*blocks, flat=flat))
    [(_, _), (role, text)] = brief(transcript)
    assert role == "assistant"
    return text, account


def test_an_artifact_stands_where_it_was_written(tmp_path: Path) -> None:
    """Code stands in a fence under its title, between the texts around it, and its result goes."""
    blocks = [said("Here."), artifact(**CODE, content="a + b\n"), result(), said("Enjoy.")]
    text, account = answered(tmp_path, *blocks)
    assert text == "Here.\n\n**Sum**\n\n```python\na + b\n```\n\nEnjoy."
    assert account.notes == {"artifacts taken into the text": 1, "results of artifacts, left out": 1}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "text/markdown", "title": "T", "content": "# H\n"}, "**T**\n\n# H"),
        ({"language": "markdown", "content": "# H"}, "# H"),
        ({"type": "text/html", "content": "<p>"}, "```html\n<p>\n```"),
        ({"type": "text/x-python", "content": "x"}, "```python\nx\n```"),
        ({"type": "image/svg+xml", "content": "<svg/>"}, "```svg\n<svg/>\n```"),
        ({"type": "application/vnd.ant.react", "content": "x"}, "```jsx\nx\n```"),
        ({"language": "a\n```", "content": "x"}, "```\nx\n```"),
        ({"language": "md", "content": "```\nx\n```"}, "````md\n```\nx\n```\n````"),
        ({"title": "two\nlines", "content": "x"}, "**two lines**\n\n```\nx\n```"),
    ],
)
def test_the_form_of_an_artifact(tmp_path: Path, given: dict[str, str], expected: str) -> None:
    """Prose is text, all else a fence that nothing in it can close; the title is one line."""
    assert answered(tmp_path, artifact("create_artifact", **given))[0] == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"command": "update", "old_str": "a", "new_str": "c"},
            "In **Sum**, replace:\n\n```python\na\n```\n\nwith:\n\n```python\nc\n```",
        ),
        ({"command": "update", "old_str": "a", "new_str": ""}, "In **Sum**, remove:\n\n```python\na\n```"),
        ({"command": "rewrite", "content": "c"}, "**Sum**\n\n```python\nc\n```"),
    ],
)
def test_a_change_of_an_artifact(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    """A change names the artifact as its first version did; a rewrite is its whole content."""
    text, _ = answered(
        tmp_path, artifact(**CODE, content="a"), result(), artifact(id="a", **change), result()
    )
    assert text == f"**Sum**\n\n```python\na\n```\n\n{expected}"


def test_a_change_of_an_unknown_artifact(tmp_path: Path) -> None:
    """A change whose artifact is not in the export says what it changes without a title."""
    text, _ = answered(tmp_path, artifact(id="z", command="update", old_str="a", new_str="b"))
    assert text == "Replace:\n\n```\na\n```\n\nwith:\n\n```\nb\n```"


@pytest.mark.parametrize("end", ["", "\n\nDone."])
def test_artifacts_in_tags(tmp_path: Path, end: str) -> None:
    """The tags of early models become the same form; one that a token limit cut goes to the end."""
    form = "**Page**\n\n```html\n<p>Hi</p>\n```"
    assert answered(tmp_path, said(f"Look:\n\n{TAG}{end}"))[0] == f"Look:\n\n{form}{end}"
    assert answered(tmp_path, said(TAG.removesuffix("\n</antArtifact>")))[0] == form
    assert answered(tmp_path, said("Use `<antArtifact>`."))[0] == "Use `<antArtifact>`."


def test_hostile_tags_take_no_long_time(tmp_path: Path) -> None:
    """Tags that never end are read in one pass: with one for each tag this would not come to an end."""
    for part in ("<antArtifact ", '<antArtifact a="', '<antArtifact a="b" ', '<antArtifact a="b">'):
        answered(tmp_path, said("x" + part * 50_000))


def test_blocks_of_text_types(tmp_path: Path) -> None:
    """A block of a text type is an artifact; one that only names it has its content in the flat text."""
    assert answered(tmp_path, {**MD, "content": "# P"})[0] == "**Plan**\n\n# P"
    assert answered(tmp_path, {"type": "text/plain", "text": "Hello"})[0] == "Hello"
    tag = '<x:artifact identifier="m" type="text/markdown" title="Plan">\n# P\n</x:artifact>'
    text, _ = answered(tmp_path, said("Here."), MD, flat=f"Here.\n\n{tag}\n\nEnjoy.")
    assert text == "Here.\n\n**Plan**\n\n# P\n\nEnjoy."


def test_what_is_said_behind_an_artifact_may_be_in_the_flat_text_only(tmp_path: Path) -> None:
    """The flat text goes on behind an artifact at the end, without the product's placeholder for it."""
    holder = "```\nThis block is not supported on your current device yet.\n```"
    blocks = [said("Here."), artifact(language="c", content="x")]
    for flat, end in ((f"Here.\n{holder}\nEnjoy.", "\n\nEnjoy."), (f"Here.\n{holder}", ""), ("Other.", "")):
        assert answered(tmp_path, *blocks, flat=flat)[0] == f"Here.\n\n```c\nx\n```{end}"


def test_an_artifacts_result_is_told_from_a_tools(tmp_path: Path) -> None:
    """Without ids, results go to their calls in order, so that an artifact's never answers another tool's."""
    blocks = [
        artifact(content="x"),
        {"type": "tool_use", "name": "t", "input": {}},
        {"type": "tool_result", "content": "OK"},
        {"type": "tool_result", "content": "of t"},
    ]
    for block in blocks:
        block.pop("id", None)
    [transcript], account = read_value("claude_ai", tmp_path, chat(*blocks))
    assert brief(transcript)[1:] == [("assistant", "```\nx\n```", ("t", "{}")), ("tool", "of t")]
    assert "tool calls without a result" not in account.notes


def test_a_message_of_results_of_artifacts_is_dropped(tmp_path: Path) -> None:
    """Where the result is a message of its own, that is counted as dropped."""
    record = chat(artifact(content="x"))
    record["chat_messages"].append({"sender": "assistant", "content": [result()]})
    _, account = read_value("claude_ai", tmp_path, record)
    assert account.dropped == {"results of artifacts, left out": 1}


def test_a_person_makes_no_calls(tmp_path: Path) -> None:
    """A block of a person's that names an artifact without content is left out and counted."""
    record = {"uuid": "c", "chat_messages": [{"sender": "human", "content": [said("See this."), MD]}]}
    [transcript], account = read_value("claude_ai", tmp_path, record)
    assert brief(transcript) == [("user", "See this.")]
    assert account.notes == {"blocks of an unknown type, left out": 1}


PROMISES: list[tuple[str, list[dict[str, Any]]]] = [
    ("a call without a result", [said("Let me."), {"type": "tool_use", "name": "t", "input": {}}]),
    (
        "a result and nothing more",
        [
            said("Let me."),
            {"type": "tool_use", "name": "t", "input": {}},
            {"type": "tool_result", "name": "t"},
        ],
    ),
    ("an artifact that was not exported", [said("Let me."), MD]),
]


@pytest.mark.parametrize("blocks", [blocks for _, blocks in PROMISES], ids=[name for name, _ in PROMISES])
def test_a_promise_is_no_answer(tmp_path: Path, blocks: list[dict[str, Any]]) -> None:
    """A turn that ends in calls gives no pair and does not end a trajectory; both are counted."""
    record = chat(said("Answered."))
    record["chat_messages"] += chat(*blocks)["chat_messages"]
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    for shape, reason in (("pairs", "no final answer"), ("trajectory", "last requests without an answer")):
        options = ["claude-ai", path, "--shape", shape, "--system-prompt", ""]
        [example] = imported(tmp_path / "out", *options)
        assert dialog(example) == [("user", "Go."), ("assistant", "Answered.")]
        assert reason in run(*options, "--out", tmp_path / "out2")


def test_a_promise_in_chatgpt_is_no_answer(tmp_path: Path) -> None:
    """The same holds for ChatGPT: a call that nothing answers ends neither a pair nor a trajectory."""
    said_by = [("user", "all", "Go."), ("assistant", "all", "Let me."), ("assistant", "python", "1 + 1")]
    nodes: dict[str, Any] = {}
    for number, (role, recipient, text) in enumerate(said_by):
        content = {"content_type": "text", "parts": [text]}
        message = {"author": {"role": role}, "recipient": recipient, "content": content}
        nodes[str(number)] = {"message": message, "parent": str(number - 1)}
    path = tmp_path / "chat.json"
    path.write_text(json.dumps({"title": "T", "mapping": nodes, "current_node": "2"}), encoding="utf-8")
    for shape, reason in (("pairs", "no final answer"), ("trajectory", "no answered request")):
        options = ["chatgpt", path, "--shape", shape, "--out", tmp_path / "out"]
        assert f"left out were: {reason} (1)" in run(*options, status=1)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside this checkout")
def test_a_real_conversation_keeps_its_artifacts(tmp_path: Path) -> None:
    """The pairs of a conversation with two artifacts have the table and the analysis that were announced."""
    path = SHARED / "claude_ai_export" / "claude-chat-viewer" / "business-strategy.json"
    first, _, last = imported(tmp_path / "out", "claude-ai", path)
    for example, parts in (
        (first, ["Let me start with", "**SWOT Analysis - Seattle", "## Strengths", "Would you like me"]),
        (last, ["I'll create a realistic", "**First Year Financial", "| Equipment", "Would you like me"]),
    ):
        text = example["messages"][-1]["content"]
        places = [text.find(part) for part in parts]
        assert -1 not in places
        assert places == sorted(places)
        assert "artifact " not in text
