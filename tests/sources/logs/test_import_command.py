"""`turnsmith import`: files in, chat examples out."""

import json
from pathlib import Path

from typer.testing import CliRunner

from turnsmith.cli import app

REQUEST = {
    "type": "user",
    "uuid": "u1",
    "parentUuid": None,
    "sessionId": "s1",
    "message": {"content": "Why?"},
}
ANSWER = {
    "type": "assistant", "uuid": "a1", "parentUuid": "u1", "sessionId": "s1",
    "message": {"id": "m1", "content": [{"type": "text", "text": "Because."}]},
}  # fmt: skip


def write(path: Path, *records: object) -> Path:
    """Write records as JSON Lines."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_a_request_and_its_answer(tmp_path: Path) -> None:
    """The default shape is one request with its final answer, behind the default system prompt."""
    path = write(tmp_path / "s1.jsonl", REQUEST, ANSWER)
    result = CliRunner().invoke(
        app, ["import", "claude-code", str(path), "--out", str(tmp_path / "out.jsonl")]
    )
    assert result.exit_code == 0, result.output
    [line] = (tmp_path / "out.jsonl").read_text().splitlines()
    messages = json.loads(line)["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant"]
    assert [message["content"] for message in messages[1:]] == ["Why?", "Because."]
