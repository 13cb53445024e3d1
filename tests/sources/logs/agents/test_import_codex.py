"""Codex rollouts: what a person asked, what the model did, and nothing twice."""

from pathlib import Path
from typing import Any

from turnsmith.sources.logs import codex
from turnsmith.sources.logs.transcript import Usage

from .reading import read, script, write_lines

META = {
    "id": "s-1",
    "cwd": "/home/ada/shop",
    "cli_version": "0.40.0",
    "git": {"branch": "fix/total", "repository_url": "https://example.com/ada/shop.git"},
}
COUNTS = {"input_tokens": 900, "cached_input_tokens": 800, "output_tokens": 40, "total_tokens": 940}
MORE_COUNTS = {"input_tokens": 990, "cached_input_tokens": 900, "output_tokens": 30, "total_tokens": 1020}


def line(kind: str, second: int, **payload: Any) -> dict[str, Any]:
    """Return a record as Codex writes it."""
    return {"timestamp": f"2026-03-01T10:00:{second:02d}.000Z", "type": kind, "payload": payload}


def item(second: int, **payload: Any) -> dict[str, Any]:
    """Return a record of what went to or from the model."""
    return line("response_item", second, **payload)


def said(second: int, role: str, text: str) -> dict[str, Any]:
    """Return a message of the user or the model."""
    kind = "output_text" if role == "assistant" else "input_text"
    return item(second, type="message", role=role, content=[{"type": kind, "text": text}])


def typed(second: int, text: str) -> list[dict[str, Any]]:
    """Return what a person typed: the message, and the event that repeats it."""
    return [said(second, "user", text), line("event_msg", second, type="user_message", message=text)]


def tokens(second: int, last: Any, total: Any) -> dict[str, Any]:
    """Return a count of tokens."""
    info = {"last_token_usage": last, "total_token_usage": total}
    return line("event_msg", second, type="token_count", info=info)


def shell(second: int, call: str, command: str, output: Any) -> list[dict[str, Any]]:
    """Return a call of the shell and its result."""
    arguments = '{"command":"' + command + '"}'
    return [
        item(second, type="function_call", name="shell", arguments=arguments, call_id=call),
        item(second, type="function_call_output", call_id=call, output=output),
    ]


SESSION = [
    line("session_meta", 0, **META),
    said(0, "user", "<environment_context>\n  <cwd>/home/ada/shop</cwd>\n</environment_context>"),
    *typed(1, "The total is wrong."),
    line("turn_context", 1, model="gpt-5-codex"),
    line("event_msg", 2, type="agent_reasoning", text="**Looking**"),
    tokens(3, COUNTS, COUNTS),
    item(
        3, type="reasoning", summary=[{"type": "summary_text", "text": "**Looking**"}], encrypted_content="x"
    ),
    *shell(3, "c1", "cat total.py", "return 1"),
    line("turn_context", 3, model="gpt-5-codex"),
    line("event_msg", 4, type="agent_message", message="Fixed."),
    tokens(4, MORE_COUNTS, {"input_tokens": 1}),
    said(4, "assistant", "Fixed."),
]
SESSION_SCRIPT = [
    "user: The total is wrong.",
    "thought: **Looking**",
    'call c1: shell {"command":"cat total.py"}',
    "tool c1: return 1",
    "assistant: Fixed.",
]


def test_session(tmp_path: Path) -> None:
    """The person's request, the model's answers, calls and results, with where they come from."""
    [session], account = read(codex, write_lines(tmp_path / "rollout.jsonl", SESSION))
    assert script(session) == SESSION_SCRIPT
    assert (session.source, session.id, session.segment) == ("codex", "s-1", 0)
    assert (session.repo, session.branch) == ("https://example.com/ada/shop.git", "fix/total")
    assert session.version == "0.40.0"
    assert [message.model for message in session.messages] == [None, "gpt-5-codex", None, "gpt-5-codex"]
    assert session.messages[0].time == "2026-03-01T10:00:01.000Z"
    assert account.dropped == {"context of the client": 1, "event that repeats a message": 3}


def test_usage_of_each_call(tmp_path: Path) -> None:
    """Usage is `last_token_usage`, for the call it stands before; totals, which may be reset, are not used."""
    [session], _ = read(codex, write_lines(tmp_path / "rollout.jsonl", SESSION))
    assert [message.usage for message in session.messages if message.role == "assistant"] == [
        Usage(prompt_tokens=900, completion_tokens=40, cached_tokens=800),
        Usage(prompt_tokens=990, completion_tokens=30, cached_tokens=900),
    ]


def test_usage_behind_its_call(tmp_path: Path) -> None:
    """Later versions write the count behind the items of its call, and write it again without a new call."""
    call, result = shell(2, "c1", "ls", "a.py")
    records = [*typed(1, "List."), call, tokens(2, COUNTS, 1), tokens(2, COUNTS, 1), result]
    records += [said(3, "assistant", "One file."), tokens(3, MORE_COUNTS, 2)]
    [session], account = read(codex, write_lines(tmp_path / "rollout.jsonl", records))
    prompts = [message.usage.prompt_tokens for message in session.messages if message.usage]
    assert prompts == [900, 990]
    assert account.dropped["token count sent again"] == 1


def test_context_without_events(tmp_path: Path) -> None:
    """Where a file has no events, what the client adds is known by how it begins."""
    wrappers = [
        "<environment_context>x",
        "<user_instructions>x",
        "# AGENTS.md instructions for /x",
        "<turn_aborted>",
    ]
    records = [said(0, "user", text) for text in wrappers]
    records += [said(1, "user", "Hello"), said(2, "assistant", "Hi")]
    [session], account = read(codex, write_lines(tmp_path / "rollout.jsonl", records))
    assert script(session) == ["user: Hello", "assistant: Hi"]
    assert account.dropped == {"context of the client": 4}


def test_request_behind_editor_context(tmp_path: Path) -> None:
    """Of a message with the editor's open files only the request counts."""
    context = "# Context from my IDE setup:\n\n## Open tabs:\n- a.py: a.py\n\n## My request for Codex:\nRename it.\n"
    records = [*typed(1, context), said(2, "assistant", "Done.")]
    [session], _ = read(codex, write_lines(tmp_path / "rollout.jsonl", records))
    assert script(session) == ["user: Rename it.", "assistant: Done."]


def test_kinds_of_tools(tmp_path: Path) -> None:
    """Free-text tools, the local shell and functions are all calls; an exit code other than 0 is an error."""
    exit_code = '{"output":"no","metadata":{"exit_code":2,"duration_seconds":0.1}}'
    records = [
        *typed(1, "Go."),
        item(2, type="custom_tool_call", call_id="c1", name="apply_patch", input="*** Begin"),
        item(2, type="custom_tool_call_output", call_id="c1", output="Success"),
        item(3, type="local_shell_call", call_id="c2", action={"type": "exec", "command": ["ls"]}),
        item(3, type="function_call_output", call_id="c2", output=exit_code),
        item(4, type="function_call", call_id="c3", name="view", arguments="{}"),
        item(4, type="function_call_output", call_id="c3", output={"content": "denied", "success": False}),
    ]
    [session], _ = read(codex, write_lines(tmp_path / "rollout.jsonl", records))
    assert script(session) == [
        "user: Go.",
        'call c1: apply_patch {"input":"*** Begin"}',
        "tool c1: Success",
        'call c2: local_shell {"type":"exec","command":["ls"]}',
        f"tool c2 (error): {exit_code}",
        "call c3: view {}",
        "tool c3 (error): denied",
    ]


def test_results_find_their_calls(tmp_path: Path) -> None:
    """Results stand behind their calls in the order of the calls; strays and repeats are counted."""
    first, first_result = shell(2, "c1", "a", "1")
    second, second_result = shell(2, "c2", "b", "2")
    open_call, stray = shell(4, "c3", "c", "3")[0], shell(4, "c9", "d", "9")[1]
    late = [*typed(3, "And?"), second_result, first_result, first_result, stray, open_call]
    [session], account = read(
        codex, write_lines(tmp_path / "rollout.jsonl", [*typed(1, "Go"), first, second, *late])
    )
    assert script(session) == [
        "user: Go",
        'call c1: shell {"command":"a"}',
        'call c2: shell {"command":"b"}',
        "tool c1: 1",
        "tool c2: 2",
        "user: And?",
        'call c3: shell {"command":"c"}',
    ]
    assert account.dropped["tool result that is there already"] == 1
    assert account.dropped["tool result without its call"] == 1
    assert account.notes["tool calls without a result"] == 1


def test_compaction_begins_a_part(tmp_path: Path) -> None:
    """After compaction a new part goes on from the history that was left, or else from the summary."""
    history = [
        said(0, "user", text)["payload"] for text in ("<environment_context>x", "Fix it.", "So far: half.")
    ]
    records = [
        line("session_meta", 0, **META),
        *typed(1, "Fix it."),
        said(2, "assistant", "Half."),
        line("compacted", 3, message="", replacement_history=history),
        said(4, "assistant", "More."),
        line("compacted", 5, message="So far: more."),
        *typed(6, "Finish."),
        said(7, "assistant", "Done."),
    ]
    parts, _ = read(codex, write_lines(tmp_path / "rollout.jsonl", records))
    assert [script(part) for part in parts] == [
        ["user: Fix it.", "assistant: Half."],
        ["user: Fix it.", "user: So far: half.", "assistant: More."],
        ["user: So far: more.", "user: Finish.", "assistant: Done."],
    ]
    assert [(part.id, part.segment) for part in parts] == [("s-1", 0), ("s-1", 1), ("s-1", 2)]
    generated = [message.text for part in parts for message in part.messages if message.generated]
    assert generated == ["So far: half.", "So far: more."]


def test_turn_broken_off(tmp_path: Path) -> None:
    """What belongs to a turn that a person broke off is marked, and no other turn."""
    aborted = line("event_msg", 4, type="turn_aborted", reason="interrupted")
    records = [
        *typed(1, "One."),
        said(2, "assistant", "1"),
        *typed(3, "Two."),
        aborted,
        *shell(4, "c", "ls", "no"),
    ]
    [session], _ = read(codex, write_lines(tmp_path / "rollout.jsonl", [*records, *typed(5, "Three.")]))
    assert [message.text for message in session.messages if message.cut] == ["Two.", "", "no"]


def test_first_versions(tmp_path: Path) -> None:
    """Files of the first versions hold bare items behind a head without a type."""
    records = [
        {"id": "s-0", "timestamp": "2025-05-01T10:00:00Z", "instructions": None},
        {"record_type": "state"},
        said(0, "user", "Hello")["payload"],
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "reasoning", "text": "Greet."}, {"text": "Hi"}],
        },
    ]
    path = write_lines(tmp_path / "rollout.jsonl", records)
    [session], account = read(codex, path)
    assert codex.looks_like(path.read_bytes())
    assert (session.id, script(session)) == ("s-0", ["user: Hello", "thought: Greet.", "assistant: Hi"])
    assert account.dropped == {"record of an unknown kind": 1}


def test_related_sessions(tmp_path: Path) -> None:
    """A sub-agent and a fork name the session that they share texts with."""
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": "s-1", "depth": 1}}}
    for extra in ({"source": spawn}, {"forked_from_id": "s-1"}):
        records = [
            line("session_meta", 0, id="s-2", **extra),
            line("session_meta", 0, **META),
            *typed(1, "Go"),
        ]
        [session], account = read(codex, write_lines(tmp_path / "rollout.jsonl", records))
        assert (session.id, session.parent) == ("s-2", "s-1")
        assert account.dropped["head of another session"] == 1


def test_broken_lines_are_named(tmp_path: Path) -> None:
    """A broken line is counted with its place, and its neighbors survive."""
    records: list[Any] = ['pe":"session_meta"}', SESSION[2], "[1]", '{"type":"response_item",', SESSION[-1]]
    path = write_lines(tmp_path / "rollout.jsonl", records)
    [session], account = read(codex, path)
    assert script(session) == ["user: The total is wrong.", "assistant: Fixed."]
    assert account.bad == {"no valid JSON": 2, "no JSON object": 1}
    assert account.samples["no valid JSON"] == [f"{path}:1", f"{path}:4"]
    assert session.id == "rollout"
    assert codex.looks_like(path.read_bytes())
