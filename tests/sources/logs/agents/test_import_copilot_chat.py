"""VS Code Copilot Chat: sessions, operation logs, exports, transcripts of events, chat replays."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from turnsmith.sources.logs import copilot_chat
from turnsmith.sources.logs.transcript import Usage

from .reading import read, script, write_document, write_lines

CALL = "call_1__vscode-1771408336643"


def text_node(text: str, begins_line: bool = False) -> dict[str, Any]:
    """Return a leaf of a rendered prompt."""
    return {"type": 2, "text": text, "lineBreakBefore": begins_line}


def element(*children: Any) -> dict[str, Any]:
    """Return an element of a rendered prompt."""
    return {"type": 1, "ctor": 2, "ctorName": "x", "children": list(children), "props": {}}


FOUND = element(
    element(text_node("1 match", True)), element(text_node("<match>\n"), element(text_node("x = 1", True)))
)


def request(text: str, **more: Any) -> dict[str, Any]:
    """Return a request of a session."""
    return {
        "requestId": f"request_{text}",
        "timestamp": 1771415834174,
        "message": {"text": text, "parts": [{"kind": "text", "text": text}]},
        "modelId": "copilot/gpt-5-mini",
        "agent": {"id": "github.copilot.editsAgent", "extensionVersion": "0.37.6"},
        "modelState": {"value": 1, "completedAt": 1771416764567},
        **more,
    }


def round_of(text: str, *calls: str, thinking: Any = None) -> dict[str, Any]:
    """Return one call of the model, with the ids of the tools that it called."""
    return {
        "id": "r",
        "response": text,
        "thinking": {"id": "t", "text": thinking},
        "toolCalls": [{"id": call, "name": "grep_search", "arguments": '{"query":"x"}'} for call in calls],
        "timestamp": 1771415923524,
    }


def result(*rounds: Any, **results: Any) -> dict[str, Any]:
    """Return the result of a request; each tool result is a text, or a rendered tree."""
    parts = {
        call: {"content": [{"value": {"node": value} if isinstance(value, dict) else value}]}
        for call, value in results.items()
    }
    return {
        "usage": {"promptTokens": 34658, "completionTokens": 339},
        "metadata": {
            "toolCallRounds": list(rounds),
            "toolCallResults": parts,
            "renderedUserMessage": [{"type": 1, "text": "<context>what the model was told</context>"}],
        },
    }


SEARCH = request(
    "Where is x?",
    variableData={"variables": [{"kind": "file", "name": "a.py"}]},
    result=result(
        round_of("I'll search.", CALL, thinking=["**Plan**", "\n\nGrep."]),
        round_of("In a.py."),
        **{CALL: FOUND},
    ),
)
SEARCH_SCRIPT = [
    "user: Where is x?",
    "thought: **Plan**\n\nGrep.",
    "assistant: I'll search.",
    'call call_1: grep_search {"query":"x"}',
    "tool call_1: 1 match\n<match>\nx = 1",
    "assistant: In a.py.",
]

# What the panel showed of an answer.
PANEL = [
    {"kind": "thinking", "value": "Rename."},
    {"value": "See "},
    {"kind": "inlineReference", "inlineReference": {"path": "/g:/shop/total.py", "scheme": "file"}},
    {"value": ":\n\n```python\n"},
    {"kind": "codeblockUri", "uri": {"path": "/g:/shop/total.py"}},
    {"kind": "textEditGroup", "edits": [[{"text": "total = 1"}], [{"text": "\ncount = 2\n"}]]},
    {"value": "```"},
    {"kind": "toolInvocationSerialized", "toolCallId": "x"},
    {"kind": "textEditGroup", "edits": [[{"text": "made by the tool"}]]},
    {"kind": "markdownContent", "content": {"value": "Done."}},
    {"kind": "hologram"},
]


def session(*requests: Any) -> dict[str, Any]:
    """Return a session as VS Code keeps it."""
    return {
        "version": 3,
        "responderUsername": "GitHub Copilot",
        "sessionId": "v-1",
        "customTitle": "Finding x",
        "creationDate": 1771415834000,
        "requests": list(requests),
    }


def test_session(tmp_path: Path) -> None:
    """Rounds and results make the trajectory, ids without the editor's suffix, results as the model read them."""
    [chat], account = read(copilot_chat, write_document(tmp_path / "v-1.json", session(SEARCH)))
    assert script(chat) == SEARCH_SCRIPT
    assert (chat.source, chat.id, chat.title, chat.version) == ("copilot-chat", "v-1", "Finding x", "0.37.6")
    assert chat.messages[0].time == "2026-02-18T11:57:14.174Z"
    assert {message.model for message in chat.messages if message.role == "assistant"} == {"gpt-5-mini"}
    assert [message.id for message in chat.messages] == ["request_Where is x?", "r", None, "r"]
    assert account.notes == {"attachments left out": 1}


def test_usage_of_the_last_call(tmp_path: Path) -> None:
    """What a request reports are the tokens of its last call."""
    [chat], _ = read(copilot_chat, write_document(tmp_path / "v-1.json", session(SEARCH)))
    usages = [message.usage for message in chat.messages if message.role == "assistant"]
    assert usages == [None, Usage(prompt_tokens=34658, completion_tokens=339)]


def test_export_keeps_its_id(tmp_path: Path) -> None:
    """An export has no id: it is made of its first request, so that it stays when the chat grows."""
    ids = set()
    for number, requests in enumerate(([SEARCH], [SEARCH, SEARCH])):
        document = {"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": requests}
        path = write_document(tmp_path / f"chat{number}.json", document)
        assert copilot_chat.looks_like(path.read_bytes())
        [chat], _ = read(copilot_chat, path)
        ids.add(chat.id)
    assert len(ids) == 1
    assert len(ids.pop()) == 32


def test_answer_from_the_panel(tmp_path: Path) -> None:
    """Without rounds the parts of the response are the answer: Markdown, references, edits in their code block."""
    [chat], account = read(
        copilot_chat, write_document(tmp_path / "v-1.json", session(request("Rename", response=PANEL)))
    )
    assert script(chat) == [
        "user: Rename",
        "thought: Rename.",
        "assistant: See `total.py`:\n\n```python\ntotal = 1\ncount = 2\n```\n\nDone.",
    ]
    assert account.notes == {"response parts of an unknown kind": 1}


def test_answer_behind_the_last_tool(tmp_path: Path) -> None:
    """Where the rounds end with a tool, what the panel showed after it is the last answer."""
    response = [{"value": "I'll search."}, {"kind": "toolInvocationSerialized"}, {"value": "In a.py."}]
    turn = request(
        "Where is x?", response=response, result=result(round_of("I'll search.", CALL), **{CALL: "a.py"})
    )
    [chat], _ = read(copilot_chat, write_document(tmp_path / "v-1.json", session(turn)))
    assert script(chat)[-2:] == ["tool call_1: a.py", "assistant: In a.py."]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"modelState": {"value": 0}}, "unfinished request"),
        ({"modelState": {"value": 3}}, "failed request"),
        ({"result": {"errorDetails": {"message": "quota"}}}, "failed request"),
        ({"shouldBeRemovedOnSend": {"requestId": "x"}}, "request taken back by the user"),
        ({"message": {"text": " "}}, "empty request"),
        ({"response": []}, "request without an answer"),
    ],
)
def test_requests_left_out(tmp_path: Path, more: dict[str, Any], reason: str) -> None:
    """Requests that came to no answer are counted by what became of them; the next one survives."""
    broken = request("Stop", **{"response": [{"value": "Half an ans"}], **more})
    path = write_document(tmp_path / "v-1.json", session(broken, SEARCH))
    [chat], account = read(copilot_chat, path)
    assert script(chat) == SEARCH_SCRIPT
    assert (account.dropped, account.samples[reason]) == ({reason: 1}, [f"{path}:requests[0]"])


@pytest.mark.parametrize(
    "more",
    [
        {"isCanceled": True},
        {"modelState": {"value": 2}},
        {"result": {"errorDetails": {"code": "canceled"}}},
    ],
)
def test_cancelled_request(tmp_path: Path, more: dict[str, Any]) -> None:
    """A request that was cancelled stays, marked as cut, without the beginning of its answer."""
    stopped = request("Stop", **{"response": [{"value": "Half an ans"}], **more})
    [chat], account = read(copilot_chat, write_document(tmp_path / "v-1.json", session(stopped, SEARCH)))
    assert script(chat) == ["user: Stop", *SEARCH_SCRIPT]
    assert [message.cut for message in chat.messages] == [True, *[False] * 4]
    assert account.notes["cancelled request, kept up to its last whole round"] == 1


@pytest.mark.parametrize("last", [round_of("And again.", "call_2", "call_3"), round_of("So I w")])
def test_cancelled_after_whole_rounds(tmp_path: Path, last: dict[str, Any]) -> None:
    """What an agent did before it was stopped stays, up to the last round whose tools all answered."""
    stopped = result(round_of("I'll search.", CALL), last, **{CALL: "a.py", "call_2": "b.py"})
    [chat], account = read(
        copilot_chat,
        write_document(
            tmp_path / "v-1.json", session(request("Go", isCanceled=True, result=stopped), SEARCH)
        ),
    )
    assert script(chat)[:5] == [
        "user: Go",
        "assistant: I'll search.",
        'call call_1: grep_search {"query":"x"}',
        "tool call_1: a.py",
        SEARCH_SCRIPT[0],
    ]
    assert account.notes["cancelled request, kept up to its last whole round"] == 1


def test_failed_tool(tmp_path: Path) -> None:
    """A result that says so is an error."""
    failed = result(round_of("", CALL), round_of("No."), **{CALL: "ERROR while calling tool: Invalid path"})
    [chat], _ = read(
        copilot_chat, write_document(tmp_path / "v-1.json", session(request("Go", result=failed)))
    )
    assert script(chat)[2] == "tool call_1 (error): ERROR while calling tool: Invalid path"


def test_operation_log(tmp_path: Path) -> None:
    """A log is replayed: set, push with and without a cut, delete; what does not fit is counted with its line."""
    cut = {
        "kind": 1,
        "k": ["requests", 0, "result", "metadata", "blob"],
        "v": "[JustRide: value truncated, 2 MiB]",
    }
    path = write_lines(
        tmp_path / "v-1.jsonl",
        [
            {"kind": 0, "v": session()},
            {"kind": 2, "k": ["requests"], "v": [request("Typo"), request("Gone")]},
            {"kind": 2, "k": ["requests"], "v": [request("Where is x?")], "i": 0},
            {"kind": 1, "k": ["requests", 0, "result"], "v": SEARCH["result"]},
            {"kind": 1, "k": ["requests", 7, "result"], "v": {}},
            '{"kind": 1, "k": ["cust',
            cut,
            {"kind": 3, "k": ["customTitle"]},
        ],
    )
    assert copilot_chat.looks_like(path.read_bytes())
    [chat], account = read(copilot_chat, path)
    assert script(chat) == SEARCH_SCRIPT
    assert chat.title is None
    assert account.bad == {"operation on what is not there": 1, "no valid JSON": 1}
    assert account.samples == {
        "operation on what is not there": [f"{path}:5"],
        "no valid JSON": [f"{path}:6"],
    }
    assert account.notes == {"values that the editor cut": 1}


def event(kind: str, second: int, **data: Any) -> dict[str, Any]:
    """Return an event of a transcript."""
    return {
        "type": kind,
        "id": f"e{second}",
        "timestamp": f"2026-03-06T12:00:{second:02d}.000Z",
        "data": data,
    }


def test_events(tmp_path: Path) -> None:
    """A transcript of events gives the same conversation; sub-agents and notices are counted."""
    ask = {"toolCallId": CALL, "name": "grep_search", "arguments": '{"query":"x"}', "type": "function"}
    path = write_lines(
        tmp_path / "e-1.jsonl",
        [
            event("session.start", 0, sessionId="e-1", copilotVersion="0.39.0", context={"branch": "main"}),
            event("user.message", 1, content="Where is x?", attachments=[]),
            event("assistant.turn_start", 1, turnId="0"),
            event("assistant.message", 2, content="I'll search.", toolRequests=[ask], reasoningText="Grep."),
            event("tool.execution_start", 2, toolCallId=CALL, toolName="grep_search"),
            event("assistant.message", 2, content="Deep down.", parentToolCallId="call_9"),
            event("tool.execution_complete", 3, toolCallId=CALL, success=False, result={"content": "a.py"}),
            event("tool.execution_complete", 3, toolCallId="call_7", success=True),
            event("assistant.message", 4, content="In a.py."),
        ],
    )
    [chat], account = read(copilot_chat, path)
    assert script(chat) == [
        "user: Where is x?",
        "thought: Grep.",
        "assistant: I'll search.",
        'call call_1: grep_search {"query":"x"}',
        "tool call_1 (error): a.py",
        "assistant: In a.py.",
    ]
    assert (chat.id, chat.version, chat.branch) == ("e-1", "0.39.0", "main")
    assert account.dropped == {
        "notice of the client": 2,
        "event of a sub-agent": 1,
        "tool result without its text": 1,
    }


def replay_request(answer: str, *, history: bool, **more: Any) -> dict[str, Any]:
    """Return a request of a chat replay and its answer."""
    shown = [
        {"role": 0, "content": []},
        {"role": 1, "content": []},
        *([{"role": 2, "content": []}] if history else []),
    ]
    return {
        "kind": "request",
        "name": "panel/editAgent",
        "metadata": {
            "model": "claude-sonnet-4",
            "startTime": "2025-10-31T16:04:48.161Z",
            "usage": {
                "prompt_tokens": 9,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 5},
            },
        },
        "requestMessages": {"messages": shown},
        "response": {"type": "success", "message": [answer]},
        **more,
    }


def test_chat_replay(tmp_path: Path) -> None:
    """Requests and tool calls of the log make the trajectory; a request without history begins a conversation."""
    tool = {
        "kind": "toolCall",
        "id": CALL,
        "tool": "create_file",
        "args": '{"filePath":"a"}',
        "response": ["Edited"],
    }
    title = replay_request("A title", history=False, name="title")
    failed = replay_request("", history=False, response={"type": "failed", "reason": "x"})
    prompts = [
        {
            "prompt": "Make a.",
            "hasSeen": False,
            "logs": [{"kind": "element"}, title, replay_request("OK.", history=False)],
        },
        {"prompt": "Make a.", "hasSeen": True, "logs": [tool, replay_request("Made.", history=True)]},
        {"prompt": "New chat", "hasSeen": False, "logs": [failed, None, {"kind": "toolCall"}]},
        {"prompt": "New chat", "hasSeen": True, "logs": [replay_request("Hello.", history=False)]},
    ]
    path = write_document(
        tmp_path / "x.chatreplay.json", {"exportedAt": "2025-10-31T16:05:45Z", "prompts": prompts}
    )
    chats, account = read(copilot_chat, path)
    assert [script(chat) for chat in chats] == [
        ["user: Make a.", "assistant: OK.", 'call call_1: create_file {"filePath":"a"}', "tool call_1: Edited",
         "assistant: Made."],
        ["user: New chat", "assistant: Hello."],
    ]  # fmt: skip
    assert chats[0].messages[1].usage == Usage(prompt_tokens=9, completion_tokens=2, cached_tokens=5)
    assert account.dropped == {
        "layout of a prompt": 1,
        "request beside the conversation": 1,
        "request without an answer": 1,
        "tool call without an id": 1,
    }
    assert account.bad == {"no JSON object": 1}


def test_not_a_session(tmp_path: Path) -> None:
    """A document that holds no requests is counted as bad."""
    documents: list[Any] = [{"requests": {"0": {}}}, [], "x"]
    for document in documents:
        path = write_document(tmp_path / "x.json", document)
        chats, account = read(copilot_chat, path)
        assert chats == []
        assert account.samples == {"session without a list of requests": [str(path)]}


def test_compressed(tmp_path: Path) -> None:
    """Packed files are read as they are."""
    path = tmp_path / "v-1.json.gz"
    path.write_bytes(gzip.compress(json.dumps(session(SEARCH)).encode()))
    [chat], _ = read(copilot_chat, path)
    assert script(chat) == SEARCH_SCRIPT
