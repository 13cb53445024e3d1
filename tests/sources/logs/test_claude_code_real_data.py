"""Claude Code's transcripts that lie beside the project, against counts made here in another way."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from turnsmith.core.errors import EmptyResultError
from turnsmith.curate.account import Account
from turnsmith.sources.logs import claude_code
from turnsmith.sources.logs.importing import ImportOptions, import_logs
from turnsmith.sources.logs.shapes import Shape, Shaping

from .test_claude_code_damage import check

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "claude_code"
FILES = sorted(DATA.rglob("*.jsonl"))
WRAPPERS = (
    "<command-", "<local-command", "<bash-", "<system-reminder", "<task-notification", "<ide_",
    "[Request interrupted", "Caveat: The messages",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    not FILES, reason="the shared Claude Code transcripts are not beside this checkout"
)


def records_of(path: Path) -> list[Any]:
    """Return the records of a file that can be read."""
    records = []
    for line in path.read_bytes().splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return [record for record in records if isinstance(record, dict)]


def blocks_of(record: Any) -> list[Any]:
    """Return the blocks of a user record; a text is one."""
    message = record.get("message")
    content = message.get("content") if record.get("type") == "user" and isinstance(message, dict) else None
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    return [block for block in blocks if isinstance(block, dict)]


def typed(record: Any) -> bool:
    """Say whether a person typed a record, by the first characters of its texts."""
    if record.get("isMeta") or record.get("isCompactSummary"):
        return False
    texts = [str(block.get("text")) for block in blocks_of(record) if block["type"] == "text"]
    rest = [text.rpartition("</system-reminder>")[2].strip() for text in texts]
    return any(
        text and not text.startswith(("<", "[", "Caveat:", "Implement the following plan", "None"))
        for text in rest
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_lost_or_taken_for_a_person(path: Path) -> None:
    """Of each file every record is counted, every tool result is kept, and what a person typed is what remains."""
    account = Account()
    messages = [message for each in claude_code.read(str(path), account) for message in each.messages]
    assert account.read == account.kept + account.dropped.total()
    first: dict[str, Any] = {}
    for number, record in enumerate(records_of(path)):
        first.setdefault(record.get("uuid") or str(number), record)
    records = list(first.values())
    results = [
        block["tool_use_id"]
        for each in records
        for block in blocks_of(each)
        if block["type"] == "tool_result"
    ]
    assert sorted(message.id or "" for message in messages if message.role == "tool") == sorted(results)
    people = [message.text for message in messages if message.role == "user" and not message.generated]
    assert len(people) == sum(map(typed, records))
    assert not [text for text in people for wrapper in WRAPPERS if wrapper in text]


def imported(out: Path, shape: Shape, sources: list[Path]) -> tuple[list[Any], Any]:
    """Return the examples of some files in a shape, and the accounts."""
    accounts = import_logs(
        "claude-code", [str(path) for path in sources], str(out), ImportOptions(Shaping(shape))
    )
    return [json.loads(line) for line in out.read_bytes().splitlines()], accounts


@pytest.mark.parametrize("shape", Shape)
def test_all_together(tmp_path: Path, shape: Shape) -> None:
    """Examples are sound, their ids differ, and the same files give the same bytes."""
    examples, accounts = imported(tmp_path / "a", shape, [DATA])
    imported(tmp_path / "b", shape, [DATA])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len({example["meta"]["id"] for example in examples}) == len(examples)
    for account in (accounts.conversations, accounts.examples, accounts.records["claude-code"]):
        assert account.read == account.kept + account.dropped.total()
    for example in examples:
        check(example["messages"])


def test_files_alone_and_together_agree(tmp_path: Path) -> None:
    """All files at once give what each gives alone, but for sessions that are there twice."""
    together, _ = imported(tmp_path / "all", Shape.trajectory, FILES)
    alone: Counter[str] = Counter()
    for number, path in enumerate(FILES):
        if any(record.get("type") == "user" for record in records_of(path)):
            try:
                examples, _ = imported(tmp_path / str(number), Shape.trajectory, [path])
            except EmptyResultError:
                continue
            alone.update(json.dumps(example["messages"]) for example in examples)
    assert {json.dumps(example["messages"]) for example in together} <= set(alone)
    assert len(set(alone)) - len(together) <= 3


def test_results_of_trajectories(tmp_path: Path) -> None:
    """Trajectories hold every tool result but those the account names."""
    sessions = [path for path in FILES if path.parent.name == "sessions"]
    examples, accounts = imported(tmp_path / "out", Shape.trajectory, sessions)
    found = sum(message["role"] == "tool" for example in examples for message in example["messages"])
    blocks = [block for path in sessions for record in records_of(path) for block in blocks_of(record)]
    expected = sum(block["type"] == "tool_result" for block in blocks)
    left_out = sum(count for what, count in accounts.examples.notes.items() if "results" in what)
    assert found + left_out == expected == 763
    assert left_out == 26  # the work at hand when a session was compacted, or cut
