"""Importers of agents' sessions on the real files that lie beside the project."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from turnsmith.sources.logs import codex, copilot_chat, gemini
from turnsmith.sources.logs.transcript import Transcript

from .reading import SHARED, read

pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="the shared real data is not beside this checkout"
)

HEAD = 64 << 10
KINDS = {
    "codex_rollout": codex,
    "gemini_cli_entire": gemini,
    "vscode_chat_sessions": copilot_chat,
    "copilot_chatreplay": copilot_chat,
}


def files(folder: str) -> list[Path]:
    """Return the data files of a folder of the shared data, in order."""
    found = (path for path in (SHARED / folder).rglob("*") if path.is_file() and path.suffix != ".md")
    return sorted(found)


def all_files() -> Iterator[tuple[str, Path]]:
    """Yield (folder, file) of all shared data."""
    if SHARED.exists():
        for folder in sorted(SHARED.iterdir()):
            if folder.is_dir():
                yield from ((folder.name, path) for path in files(folder.name))


def counts(transcripts: list[Transcript]) -> Counter[str]:
    """Count messages by role, tool calls, and tool results."""
    messages = [message for transcript in transcripts for message in transcript.messages]
    found = Counter(message.role for message in messages)
    found["calls"] = sum(len(message.tool_calls) for message in messages)
    return found


def payloads(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return (record type, payload) of a rollout."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [(record["type"], record["payload"]) for record in records]


@pytest.mark.parametrize("kind", [codex, gemini, copilot_chat], ids=lambda kind: kind.SOURCE)
def test_kinds_tell_apart(kind: Any) -> None:
    """An importer knows each of its own files, and none of any other kind's."""
    wrong = [
        path
        for folder, path in all_files()
        if kind.looks_like(path.read_bytes()[:HEAD]) != (KINDS.get(folder) is kind)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", files("codex_rollout/masked_real"), ids=lambda path: path.name[8:27])
def test_codex_counts(path: Path) -> None:
    """Prompts are the typed ones, every call and result is there once, each answer has its usage."""
    transcripts, account = read(codex, path)
    records = payloads(path)
    found = Counter(payload.get("type") for kind, payload in records if kind == "event_msg")
    items = Counter(payload["type"] for kind, payload in records if kind == "response_item")
    roles = counts(transcripts)
    assert roles["user"] == found["user_message"]
    assert roles["calls"] == roles["tool"] == items["function_call"] == items["function_call_output"]
    assert account.notes["tool calls without a result"] == 0
    usages = [message.usage for part in transcripts for message in part.messages if message.usage]
    last = [
        payload["info"]["last_token_usage"]["input_tokens"]
        for kind, payload in records
        if payload.get("type") == "token_count"
    ]
    assert [usage.prompt_tokens for usage in usages] == last
    assert roles["assistant"] == len(last) or path.name.startswith("rollout-2025-09-25")
    assert account.bad == {}


def test_codex_fixtures() -> None:
    """The small files of other versions: a greeting, a first request without an answer, counts alone."""
    found = {
        path.name: [[message.role for message in part.messages] for part in read(codex, path)[0]]
        for folder in ("claude-code-transcripts", "ccusage", "polylogue")
        for path in files(f"codex_rollout/{folder}")
    }
    assert found == {
        "sample_codex_session_726.jsonl": [["user", "assistant"]],
        "sample_codex_session_9k.jsonl": [["user"]],
        "apps__ccusage__test__fixtures__codex__sessions__project-alpha__session-alpha.jsonl": [],
        "codex-session.jsonl": [["user", "assistant"]],
    }


@pytest.mark.parametrize("path", files("gemini_cli_entire"), ids=lambda path: path.parents[1].name)
def test_gemini_counts(path: Path) -> None:
    """Every prompt, answer and tool call of a session is there; calls whose results are there have them."""
    transcripts, account = read(gemini, path)
    messages = json.loads(path.read_text(encoding="utf-8"))["messages"]
    kinds = Counter(message["type"] for message in messages)
    calls = [call for message in messages for call in message.get("toolCalls", [])]
    nudges = sum(message["content"] == "System: Please continue." for message in messages)
    roles = counts(transcripts)
    assert account.read == len(messages)
    assert roles["user"] == kinds["user"] - nudges
    assert roles["calls"] == roles["tool"] == len(calls)
    assert account.dropped.total() == kinds["info"] + kinds["warning"] + nudges
    empty = sum(message["type"] == "gemini" and not message["tokens"]["total"] for message in messages)
    assert roles["assistant"] == kinds["gemini"] - empty
    totals = [message["tokens"]["total"] for message in messages if message["type"] == "gemini"]
    usages = [message.usage for part in transcripts for message in part.messages if message.usage]
    sums = [(usage.prompt_tokens or 0) + (usage.completion_tokens or 0) for usage in usages]
    assert sums == [total for total in totals if total]


def test_copilot_export() -> None:
    """The real export: 4 requests, 30 rounds, 27 calls with their results, ids and texts as the model knew them."""
    path = SHARED / "vscode_chat_sessions" / "roo-code-fork_chat_export.json"
    requests = json.loads(path.read_text(encoding="utf-8"))["requests"]
    rounds = [step for request in requests for step in request["result"]["metadata"]["toolCallRounds"]]
    [chat], account = read(copilot_chat, path)
    assert counts([chat]) == {"user": 4, "assistant": 30, "tool": 27, "calls": 27}
    assert [message.text for message in chat.messages if message.role == "user"] == [
        request["message"]["text"] for request in requests
    ]
    answers = [message for message in chat.messages if message.role == "assistant"]
    assert [message.text for message in answers] == [step["response"].strip() for step in rounds]
    assert [call.id for message in answers for call in message.tool_calls] == [
        call["id"].split("__vscode-")[0] for step in rounds for call in step["toolCalls"]
    ]
    assert all(message.text for message in chat.messages if message.role == "tool")
    usages = [message.usage.prompt_tokens for message in answers if message.usage]
    assert usages == [request["result"]["usage"]["promptTokens"] for request in requests]
    assert (account.read, account.kept) == (4, 4)


@pytest.mark.parametrize("path", files("vscode_chat_sessions/chatSessions"), ids=lambda path: path.stem[:10])
def test_copilot_sessions(path: Path) -> None:
    """A session of asking only: each request has the one answer that the panel showed."""
    requests = json.loads(path.read_text(encoding="utf-8"))["requests"]
    [chat], _ = read(copilot_chat, path)
    assert [message.text for message in chat.messages] == [
        text
        for request in requests
        for text in (request["message"]["text"], request["response"][-1]["content"]["value"].strip())
    ]


def test_copilot_replay() -> None:
    """The real chat replay: 2 prompts, 4 answers, 2 calls with what the model was given in the next request."""
    [path] = files("copilot_chatreplay")
    [chat], account = read(copilot_chat, path)
    assert [message.role for message in chat.messages] == [
        *("user", "assistant", "tool", "assistant"),
        *("user", "assistant", "tool", "assistant"),
    ]
    last = json.loads(path.read_text(encoding="utf-8"))["prompts"][-1]["logs"][-1]
    shown = [message for message in last["requestMessages"]["messages"] if message["role"] == 3]
    assert [message.text for message in chat.messages if message.role == "tool"] == [
        message["content"][0]["text"] for message in shown
    ]
    assert account.dropped == {"layout of a prompt": 5}
