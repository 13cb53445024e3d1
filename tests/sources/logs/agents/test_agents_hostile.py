"""Importers of agents' sessions on damaged and hostile files: no crash, and every record accounted for."""

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnsmith.sources.logs import codex, copilot_chat, gemini
from turnsmith.sources.logs.transcript import Importer, Transcript

from . import test_import_codex as codex_golden
from . import test_import_copilot_chat as copilot_golden
from . import test_import_gemini as gemini_golden
from .reading import read

REPLAY = {
    "exportedAt": "2025-10-31T16:05:45Z",
    "prompts": [
        {
            "prompt": "Make a.",
            "hasSeen": False,
            "logs": [
                copilot_golden.replay_request("OK.", history=False),
                {
                    "kind": "toolCall",
                    "id": "c",
                    "tool": "t",
                    "args": "{}",
                    "response": ["Edited"],
                    "time": "2025",
                },
            ],
        }
    ],
}
OPERATIONS = [
    {"kind": 0, "v": copilot_golden.session()},
    {"kind": 2, "k": ["requests"], "v": [copilot_golden.SEARCH], "i": 0},
    {"kind": 1, "k": ["requests", 0, "modelState", "value"], "v": 1},
    {"kind": 3, "k": ["customTitle"]},
]
EVENTS = [
    copilot_golden.event("session.start", 0, sessionId="e-1", context={"branch": "main"}),
    copilot_golden.event("user.message", 1, content="Where is x?"),
    copilot_golden.event(
        "assistant.message", 2, content="I", toolRequests=[{"toolCallId": "c", "name": "n"}]
    ),
    copilot_golden.event("tool.execution_complete", 3, toolCallId="c", success=True, result={"content": "a"}),
]
COMPACTED = [
    *codex_golden.SESSION,
    codex_golden.line(
        "compacted", 9, message="Half.", replacement_history=[codex_golden.SESSION[2]["payload"]]
    ),
]
GEMINI_LINES = [
    gemini_golden.HEAD,
    *gemini_golden.SESSION["messages"],
    {"$set": {"messages": [gemini_golden.message("m1", "user", "Hi"), gemini_golden.ANSWER]}},
    {"$rewindTo": "m2"},
]
PANEL = copilot_golden.session(copilot_golden.request("Go", response=copilot_golden.PANEL))
# Records a line each, or a document.
GOLDEN: dict[str, tuple[Importer, list[Any] | dict[str, Any]]] = {
    "codex": (codex, COMPACTED),
    "gemini document": (gemini, gemini_golden.SESSION),
    "gemini lines": (gemini, GEMINI_LINES),
    "copilot session": (copilot_chat, copilot_golden.session(copilot_golden.SEARCH)),
    "copilot panel": (
        copilot_chat,
        copilot_golden.session(copilot_golden.request("Go", response=copilot_golden.PANEL)),
    ),
    "copilot operations": (copilot_chat, OPERATIONS),
    "copilot events": (copilot_chat, EVENTS),
    "copilot replay": (copilot_chat, REPLAY),
}
EACH = pytest.mark.parametrize("name", GOLDEN)
RUNS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

LONG = "9" * 400
JUNK = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            -1,
            0,
            2.5,
            1e300,
            10**30,
            "",
            "x",
            "\x00",
            "half \ud83d",
            LONG,
            [],
            {},
            [[]],
            [None],
            {"": {}},
        ]
    ),
    st.recursive(
        st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=5
    ),
)


def as_bytes(golden: list[Any] | dict[str, Any]) -> bytes:
    """Return a golden session as its file."""
    records = golden if isinstance(golden, list) else [golden]
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def read_bytes(importer: Importer, content: bytes) -> list[Transcript]:
    """Read a file of these bytes; `read` holds the account to its sums."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.jsonl"
        path.write_bytes(content)
        importer.looks_like(content[: 64 << 10])
        transcripts, _ = read(importer, path)
    for transcript in transcripts:
        assert transcript.messages
        assert transcript.id
        json.dumps([message.text for message in transcript.messages]).encode()
    return transcripts


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of everything in a value, however deep."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    found = [(value, key) for key in keys]
    return found + [place for key in keys for place in places(value[key])]


@EACH
def test_golden_is_whole(name: str) -> None:
    """The sessions that the tests below damage are themselves sound."""
    importer, golden = GOLDEN[name]
    assert importer.looks_like(as_bytes(golden))
    assert read_bytes(importer, as_bytes(golden))


@EACH
@RUNS
@given(data=st.data())
def test_any_value_may_be_anything(name: str, data: st.DataObject) -> None:
    """Values of other types than expected, wherever they stand, are survived and accounted for."""
    importer, golden = GOLDEN[name]
    damaged = copy.deepcopy(golden)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(damaged)))
        container[key] = copy.deepcopy(data.draw(JUNK))
        if not places(damaged):
            break
    read_bytes(importer, as_bytes(damaged))


@EACH
@RUNS
@given(data=st.data())
def test_cut_anywhere(name: str, data: st.DataObject) -> None:
    """A file that is cut at either end, at any byte, is survived and accounted for."""
    importer, golden = GOLDEN[name]
    content = as_bytes(golden)
    start = data.draw(st.integers(0, len(content)))
    read_bytes(importer, content[start : data.draw(st.integers(start, len(content)))])


@EACH
@RUNS
@given(data=st.data())
def test_any_bytes(name: str, data: st.DataObject) -> None:
    """Bytes put in anywhere are survived and accounted for."""
    importer, golden = GOLDEN[name]
    content = as_bytes(golden)
    at = data.draw(st.integers(0, len(content)))
    read_bytes(importer, content[:at] + data.draw(st.binary(max_size=5)) + content[at + 1 :])


@EACH
@RUNS
@given(data=st.data())
def test_records_in_any_order(name: str, data: st.DataObject) -> None:
    """Records that come in another order, or twice, are survived and accounted for."""
    importer, golden = GOLDEN[name]
    if isinstance(golden, list):
        read_bytes(importer, as_bytes(data.draw(st.lists(st.sampled_from(golden), max_size=20))))


@EACH
def test_deep_nesting(name: str) -> None:
    """Absurd nesting is counted as bad, not followed."""
    importer, _ = GOLDEN[name]
    deep = b'{"requests":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"
    read_bytes(importer, deep)


def test_deep_tool_result() -> None:
    """A rendered tree of any depth that JSON can hold is read to its leaves."""
    tree: dict[str, Any] = {"text": "leaf"}
    for _ in range(300):
        tree = {"children": [tree]}
    result = copilot_golden.result(copilot_golden.round_of("a", "c"), c=tree)
    [chat] = read_bytes(
        copilot_chat, as_bytes(copilot_golden.session(copilot_golden.request("x", result=result)))
    )
    assert chat.messages[-1].text == "leaf"


@RUNS
@given(head=st.binary(max_size=200))
def test_sniffing_takes_any_bytes(head: bytes) -> None:
    """Whatever a file begins with, an importer says yes or no."""
    for importer in (codex, gemini, copilot_chat):
        assert importer.looks_like(b"{" + head) in (True, False)
