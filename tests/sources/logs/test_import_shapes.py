"""What one example is: the four shapes, the system message, the reasoning, the focus."""

import re
from pathlib import Path
from typing import Any

import pytest

from turnsmith.sources.logs.focus import RULES

from .running import assistant, call, dialog, imported, result, run, user, write

SESSION = [
    user("u1", "Why does it crash?"),
    assistant("a1", "Let me look.", call("c1", command="cat log")),
    user("r1", result("c1", "KeyError")),
    assistant("a2", "A key is missing."),
    user("u2", "Fix it."),
    user("i1", "[Request interrupted by user]"),
    user("u3", "With a test, please."),
    assistant("a3", {"type": "thinking", "thinking": "Easy."}, "Done."),
    user("u4", "Thanks"),
    assistant("a4", call("c2", command="make")),
]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Write a session that was interrupted once and cut at its end."""
    return write(tmp_path / "s1.jsonl", SESSION)


def test_pairs(session: Path, tmp_path: Path) -> None:
    """A pair is a request and the last text of its turn; turns broken off or cut give none."""
    examples = imported(tmp_path / "out", "claude-code", session, "--system-prompt", "")
    assert [dialog(example) for example in examples] == [
        [("user", "Why does it crash?"), ("assistant", "A key is missing.")],
        [("user", "With a test, please."), ("assistant", "Done.")],
    ]


def test_conversation(session: Path, tmp_path: Path) -> None:
    """A conversation has all requests with their last texts; one without an answer joins the next."""
    [example] = imported(tmp_path / "out", "claude-code", session, "--shape", "conversation")
    assert dialog(example) == [
        ("user", "Why does it crash?"),
        ("assistant", "A key is missing."),
        ("user", "Fix it.\n\nWith a test, please."),
        ("assistant", "Done."),
    ]


def test_trajectory(session: Path, tmp_path: Path) -> None:
    """A trajectory has all texts, calls and results, and ends with what the assistant says."""
    [example] = imported(tmp_path / "out", "claude-code", session, "--shape", "trajectory")
    assert dialog(example) == [
        ("user", "Why does it crash?"),
        ("assistant", "Let me look."),
        ("tool", "KeyError"),
        ("assistant", "A key is missing."),
        ("user", "Fix it.\n\nWith a test, please."),
        ("assistant", "Done."),
    ]
    first, second = example["messages"][1:3]
    function = {"name": "Bash", "arguments": '{"command": "cat log"}'}
    assert first["tool_calls"] == [{"id": "c1", "type": "function", "function": function}]
    assert second["tool_call_id"] == "c1"


@pytest.mark.parametrize(("turns", "roles"), [(0, "ua"), (1, "uaua"), (3, "uauaua")])
def test_follow(tmp_path: Path, turns: int, roles: str) -> None:
    """A follow-up stands behind the previous k turns, as far as there are any."""
    records = []
    for number in range(3):
        records += [user(f"u{number}", f"{number}?"), assistant(f"a{number}", f"{number}!")]
    path = write(tmp_path / "s.jsonl", records)
    options = ["--shape", "follow", "--follow", turns, "--system-prompt", ""]
    examples = imported(tmp_path / "out", "claude-code", path, *options)
    assert "".join(role[0] for role, _ in dialog(examples[-1])) == roles
    assert dialog(examples[-1])[-2:] == [("user", "2?"), ("assistant", "2!")]
    assert dialog(examples[0]) == [("user", "0?"), ("assistant", "0!")]


def test_follow_joins_requests_without_an_answer(session: Path, tmp_path: Path) -> None:
    """A request that was broken off stands before the next one, as the assistant saw it."""
    example = imported(tmp_path / "out", "claude-code", session, "--shape", "follow", "--system-prompt", "")[
        -1
    ]
    assert dialog(example)[-2:] == [("user", "Fix it.\n\nWith a test, please."), ("assistant", "Done.")]


def test_results_stand_behind_their_calls(tmp_path: Path) -> None:
    """Results come right behind the message that called, in the order of the calls; the unmatched are left out."""
    path = write(
        tmp_path / "s.jsonl",
        [
            user("u1", "Go."),
            assistant("a1", call("c1"), call("c2"), call("c3")),
            user("r2", result("c2", "two")),
            user("u2", "Quick!"),
            user("r1", result("c1", "one")),
            user("r9", result("c9", "nobody asked")),
            assistant("a2", "Done."),
        ],
    )
    [example] = imported(tmp_path / "out", "claude-code", path, "--shape", "trajectory")
    tools = [("tool", "one"), ("tool", "two")]
    assert dialog(example) == [
        ("user", "Go."),
        ("assistant", ""),
        *tools,
        ("user", "Quick!"),
        ("assistant", "Done."),
    ]
    assert [each["id"] for each in example["messages"][1]["tool_calls"]] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ([], "You are a precise coding assistant"),
        (["--system-prompt", "Be brief."], "Be brief."),
        (["--system-prompt", "@prompt.txt"], "From a file."),
        (["--system-prompt", ""], "Why does it crash?"),
        (["--shape", "trajectory"], "Why does it crash?"),
        (["--shape", "trajectory", "--system-prompt", "Be brief."], "Be brief."),
    ],
)
def test_system_prompt(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], first: str
) -> None:
    """Pairs and follow-ups have the default system message; a text, a file or nothing may be given instead."""
    monkeypatch.chdir(tmp_path)
    Path("prompt.txt").write_text("From a file.\n")
    examples = imported(tmp_path / "out", "claude-code", session, *options)
    assert dialog(examples[0])[0][1].startswith(first)


def test_reasoning_is_kept_on_demand(session: Path, tmp_path: Path) -> None:
    """What the model thought is left out, unless it is asked for."""
    for shape in ("pairs", "conversation", "trajectory"):
        options = ["claude-code", session, "--shape", shape]
        assert "Easy." not in str(imported(tmp_path / "out", *options))
        last = imported(tmp_path / "out", *options, "--keep-reasoning")[-1]["messages"][-1]
        assert last["reasoning_content"] == "Easy."


def test_meta(tmp_path: Path) -> None:
    """Meta says where an example comes from; a sub-agent is of its session's group."""
    records = SESSION[:4]
    for number, record in enumerate(records):
        more = {"cwd": "/home/kim/demo", "gitBranch": "main", "timestamp": f"2026-01-05T10:00:0{number}Z"}
        record = record | more
        if record["type"] == "assistant":
            record["message"] = record["message"] | {
                "usage": {"input_tokens": 2, "cache_read_input_tokens": 8}
            }
        records[number] = record
    agent = [record | {"isSidechain": True, "agentId": "x"} for record in records]
    write(tmp_path / "p" / "s1.jsonl", records)
    write(tmp_path / "p" / "s1" / "subagents" / "agent-x.jsonl", agent)
    main, sub = imported(tmp_path / "out", "claude-code", tmp_path / "p")
    assert main["meta"] == {
        "source": "claude-code",
        "id": "claude-code:s1:0:0",
        "group": "claude-code:s1",
        "shape": "pairs",
        "place": "s1.jsonl:1",
        "models": ["claude"],
        "started": "2026-01-05T10:00:00Z",
        "ended": "2026-01-05T10:00:03Z",
        "cwd": "/home/kim/demo",
        "repo": "demo",
        "branch": "main",
        "usage": {
            "calls": 2,
            "prompt_tokens": 10,
            "cached_tokens": 8,
            "completion_tokens": 18,
            "completion_counted_with": "o200k",
        },
    }
    assert (sub["meta"]["parent"], sub["meta"]["group"]) == ("s1", "claude-code:s1")
    assert sub["meta"]["id"] == "claude-code:s1/x:0:0"


@pytest.mark.parametrize(
    ("request_text", "answer", "focus", "rules"),
    [
        ("Why is it slow?", "It waits.", "explanation", ["explanation: asks why or how"]),
        ("Fix the login.", "Done.", "debugging,errors", ["debugging: debugging words"]),
        (
            "It says\nTraceback (most recent call last):",
            "Done.",
            "errors",
            ["errors: traceback", "errors: error words"],
        ),
        ("Look.", "The root cause is the cache.", "debugging", ["debugging: cause in the answer"]),
        (
            "Show.",
            "word " * 50 + "\n```py\nx\n```",
            "explanation",
            ["explanation: code explained in the answer"],
        ),
        ("Commit it.", "Committed.", "debugging,errors,explanation", []),
        ("Show.", "Here:\n```py\nx\n```", "explanation", []),
    ],
)
def test_focus(tmp_path: Path, request_text: str, answer: str, focus: str, rules: list[str]) -> None:
    """An exchange is kept if a rule of the focus takes it, and says which; the rest is counted."""
    records: list[Any] = [user("u1", request_text), assistant("a1", answer)]
    records += [user("u2", "Explain the traceback of the bug.", session="s2")]
    records += [assistant("a2", "Hm.", session="s2")]
    path = write(tmp_path / "s.jsonl", records)
    examples = imported(tmp_path / "out", "claude-code", path, "--focus", focus)
    assert [each["meta"]["focus"] for each in examples if "s1" in each["meta"]["id"]] == (
        [rules] if rules else []
    )
    assert ("out of focus" in run("claude-code", path, "--focus", focus, "--out", tmp_path / "o")) == (
        not rules
    )


def test_a_call_made_twice_under_one_id(tmp_path: Path) -> None:
    """Of two calls with one id the first gets the result, and the second is left out."""
    records = [
        user("u", "Go."),
        assistant("a", call("c1", n=1), call("c1", n=2)),
        user("r", result("c1", "ok")),
    ]
    path = write(tmp_path / "s.jsonl", [*records, assistant("b", "Done.")])
    [example] = imported(tmp_path / "out", "claude-code", path, "--shape", "trajectory")
    assert [each["function"]["arguments"] for each in example["messages"][1]["tool_calls"]] == ['{"n": 1}']


def test_docs_list_the_rules_of_the_focus() -> None:
    """The table under "Focus" in docs/logs.md has each rule, and none besides."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "logs.md").read_text(encoding="utf-8")
    section = page.split("\n## Focus\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE) == [
        f"{rule.focus}: {rule.name}" for rule in RULES
    ]
