"""Damaged transcripts never stop an import, and every line is accounted for."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnsmith.curate.account import Account
from turnsmith.sources.logs import claude_code
from turnsmith.sources.logs.shapes import Shape, Shaping, examples_of
from turnsmith.sources.logs.transcript import Transcript

GOLDEN = sorted((Path(__file__).parent / "claude_code").glob("*.jsonl"))
LINES = [line for path in GOLDEN for line in path.read_bytes().splitlines()]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "type", "subtype", "uuid", "parentUuid", "sessionId", "agentId", "timestamp", "isSidechain", "isMeta",
    "isCompactSummary", "cwd", "gitBranch", "message", "toolUseResult",
]  # fmt: skip
MESSAGE_KEYS = ["id", "model", "content", "usage", "role"]
quiet = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def import_all(path: Path, data: bytes) -> list[Transcript]:
    """Import bytes and shape them in all ways; check that the account adds up and that examples are sound."""
    path.write_bytes(data)
    account = Account()
    transcripts = list(claude_code.read(str(path), account))
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    assert account.read + account.bad.total() == len(lines)
    assert account.read == account.kept + account.dropped.total()
    for shape in Shape:
        for transcript in transcripts:
            for example in examples_of(transcript, Shaping(shape), Account()):
                check(example["messages"])
    return transcripts


def check(messages: list[dict[str, object]]) -> None:
    """Check that texts are texts, that the assistant has the last word, and that calls and results pair up."""
    assert all(isinstance(message["content"], str) for message in messages)
    assert messages[-1]["role"] == "assistant"
    open_calls: list[object] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
        else:
            assert not open_calls
            calls = message.get("tool_calls", [])
            assert isinstance(calls, list)
            open_calls = [call["id"] for call in calls]
            assert all(json.loads(call["function"]["arguments"]) is not None for call in calls)
    assert not open_calls


@quiet
@given(st.data())
def test_a_file_cut_at_any_byte(tmp_path: Path, data: st.DataObject) -> None:
    """A file that begins or ends in the middle of a record is read."""
    content = data.draw(st.sampled_from(GOLDEN)).read_bytes()
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    import_all(tmp_path / "cut.jsonl", content[begin:end])


@quiet
@given(
    st.lists(
        st.sampled_from(LINES) | st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=40
    )
)
def test_lines_in_any_order_with_garbage(tmp_path: Path, lines: list[bytes]) -> None:
    """Records of many files in any order, some twice, with garbage between them, are read."""
    import_all(tmp_path / "mixed.jsonl", b"\n".join(lines))


@quiet
@given(
    st.lists(
        st.tuples(st.sampled_from(LINES), st.sampled_from(KEYS + MESSAGE_KEYS), json_values), max_size=12
    )
)
def test_fields_of_any_type(tmp_path: Path, changes: list[tuple[bytes, str, object]]) -> None:
    """A record with a field of a wrong type is read or counted."""
    lines = []
    for line, key, value in changes:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            inner = record.get("message") if key in MESSAGE_KEYS else record
            if isinstance(inner, dict):
                inner[key] = value
            lines.append(json.dumps(record).encode())
    import_all(tmp_path / "changed.jsonl", b"\n".join(lines))


def test_absurd_nesting_is_a_bad_line(tmp_path: Path) -> None:
    """A line that nests thousands of levels is counted, and its neighbors are read."""
    deep = b'{"type":"user","message":{"content":' + b"[" * 50_000 + b"]" * 50_000 + b"}}"
    good = next(line for line in LINES if b"Where is the port set?" in line)
    assert len(import_all(tmp_path / "deep.jsonl", b"\n".join([deep, good]))) == 1
