"""Gemini CLI sessions: documents and lines, thoughts, tools and tokens."""

from pathlib import Path
from typing import Any

from turnsmith.sources.logs import gemini
from turnsmith.sources.logs.transcript import Usage

from .reading import read, script, write_document, write_lines

TOKENS = {"input": 1000, "output": 20, "cached": 900, "thoughts": 5, "tool": 3, "total": 1028}


def message(identity: str, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    """Return a message of a session."""
    return {"id": identity, "timestamp": "2026-01-10T20:00:21.501Z", "type": kind, "content": content, **more}


def call(identity: str, name: str, result: Any, **more: Any) -> dict[str, Any]:
    """Return a tool call with its result."""
    part = {"functionResponse": {"id": identity, "name": name, "response": result}}
    return {
        "id": identity,
        "name": name,
        "args": {"path": "a.txt"},
        "result": [part],
        "status": "success",
        **more,
    }


ANSWER = message(
    "m2",
    "gemini",
    "I will look.",
    thoughts=[{"subject": "Looking", "description": "At the file."}],
    tokens=TOKENS,
    model="gemini-2.5-flash",
    toolCalls=[call("t1", "read_file", {"output": "hello"})],
)
HEAD = {"sessionId": "g-1", "projectHash": "00ff", "startTime": "2026-01-10T20:00:21.501Z"}
SESSION = {
    **HEAD,
    "messages": [
        message("m1", "user", "What is in a.txt?"),
        ANSWER,
        message("m3", "info", "Update available!"),
        message("m4", "user", "System: Please continue."),
        message("m5", "gemini", "It says hello."),
        message("m6", "user", [{"text": "Thanks."}, {"text": "Bye."}]),
    ],
}
SESSION_SCRIPT = [
    "user: What is in a.txt?",
    "thought: Looking\nAt the file.",
    "assistant: I will look.",
    'call t1: read_file {"path":"a.txt"}',
    "tool t1: hello",
    "assistant: It says hello.",
    "user: Thanks.\nBye.",
]


def test_session(tmp_path: Path) -> None:
    """Thoughts are reasoning, results are messages of the tool; notices and the client's nudges are counted."""
    [session], account = read(gemini, write_document(tmp_path / "full.jsonl", SESSION))
    assert script(session) == SESSION_SCRIPT
    assert (session.source, session.id) == ("gemini", "g-1")
    assert (session.messages[1].model, session.messages[1].time) == (
        "gemini-2.5-flash",
        "2026-01-10T20:00:21.501Z",
    )
    assert account.dropped == {"notice of the client": 1, "prompt of the client": 1}


def test_usage(tmp_path: Path) -> None:
    """Tool prompts belong to the prompt, thoughts to the answer; a message that reports no tokens has no usage."""
    [session], _ = read(gemini, write_document(tmp_path / "full.jsonl", SESSION))
    usages = [message.usage for message in session.messages if message.role == "assistant"]
    assert usages == [Usage(prompt_tokens=1003, completion_tokens=25, cached_tokens=900), None]


def test_results(tmp_path: Path) -> None:
    """A result is the output, the error, or else the whole response as JSON; a failed call is an error."""
    calls = [
        call("t1", "a", {"error": "denied"}, status="error"),
        call("t2", "b", {"lines": 3}),
        {"id": "t3", "name": "c", "args": {}, "resultDisplay": "shown", "status": "cancelled"},
        {"id": "t4", "name": "d", "status": "executing"},
    ]
    document = {**HEAD, "messages": [message("m1", "gemini", "", toolCalls=calls)]}
    [session], account = read(gemini, write_document(tmp_path / "full.json", document))
    assert script(session)[4:] == [
        "tool t1 (error): denied",
        'tool t2: {"lines":3}',
        "tool t3 (error): shown",
    ]
    assert account.notes == {"tool calls without a result": 1}


def test_answer_cut_in_two_by_a_notice(tmp_path: Path) -> None:
    """Tool calls that stand alone with no tokens of their own belong to the answer before them."""
    text = message("m1", "gemini", "I'll remove it.", tokens=TOKENS)
    calls = message(
        "m3", "gemini", "", tokens=dict.fromkeys(TOKENS, 0), toolCalls=[call("t1", "rm", {"output": "ok"})]
    )
    document = {**HEAD, "messages": [text, message("m2", "info", "Update!"), calls]}
    [session], account = read(gemini, write_document(tmp_path / "full.json", document))
    assert script(session) == ["assistant: I'll remove it.", 'call t1: rm {"path":"a.txt"}', "tool t1: ok"]
    assert account.kept == 2


def test_lines(tmp_path: Path) -> None:
    """A session in lines is replayed: a message may come again, and a rewind takes back what follows it."""
    records = [
        HEAD,
        message("m1", "user", "What is in a.txt?"),
        message("m2", "gemini", "I will look."),
        ANSWER,
        message("m3", "user", "No, stop."),
        message("m4", "gemini", "Stopped."),
        {"$rewindTo": "m3"},
        message("m5", "gemini", "It says hello."),
        {"$set": {"summary": "A file"}},
    ]
    [session], account = read(gemini, write_lines(tmp_path / "session.jsonl", records))
    assert (session.id, session.title) == ("g-1", "A file")
    assert script(session) == SESSION_SCRIPT[:-1]
    assert account.dropped == {"earlier state of a message": 1, "taken back by a rewind": 2}


def test_compression_begins_a_part(tmp_path: Path) -> None:
    """When the history is replaced by another one, a new part goes on from it."""
    records = [HEAD, message("m1", "user", "Fix it."), message("m2", "gemini", "Half.")]
    records += [
        {"$set": {"messages": [message("m9", "user", "So far: half.")]}},
        message("m10", "gemini", "Done."),
    ]
    parts, _ = read(gemini, write_lines(tmp_path / "session.jsonl", records))
    assert [script(part) for part in parts] == [
        ["user: Fix it.", "assistant: Half."],
        ["user: So far: half.", "assistant: Done."],
    ]
    assert [(part.id, part.segment) for part in parts] == [("g-1", 0), ("g-1", 1)]
    generated = [message.id for part in parts for message in part.messages if message.generated]
    assert generated == ["m9"]


def test_broken_messages_are_named(tmp_path: Path) -> None:
    """What is no message is counted with its index, and its neighbors survive."""
    document = {**HEAD, "messages": [None, message("m1", "user", "Hi"), {"type": "robot"}]}
    path = write_document(tmp_path / "full.json", document)
    [session], account = read(gemini, path)
    assert script(session) == ["user: Hi"]
    assert (account.bad, account.dropped) == ({"no JSON object": 1}, {"record of an unknown kind": 1})
    assert account.samples["no JSON object"] == [f"{path}:messages[0]"]


def test_not_a_session(tmp_path: Path) -> None:
    """A document that holds no messages is counted as bad."""
    path = write_document(tmp_path / "full.json", {**HEAD, "messages": {}})
    sessions, account = read(gemini, path)
    assert sessions == []
    assert account.samples == {"session without a list of messages": [str(path)]}
