"""Run `turnsmith import` on small files."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from turnsmith.cli import app

Record = dict[str, Any]


def user(name: str, text: object, parent: str | None = None, session: str = "s1", **more: object) -> Record:
    """Make a record of what a person typed, or of blocks."""
    head = {"type": "user", "uuid": name, "parentUuid": parent, "sessionId": session}
    return head | {"message": {"role": "user", "content": text}} | more


def assistant(name: str, *blocks: Record | str, parent: str | None = None, session: str = "s1") -> Record:
    """Make a record of a message; a string is a block of text."""
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    head = {"type": "assistant", "uuid": name, "parentUuid": parent, "sessionId": session}
    return head | {"message": {"id": f"msg-{name}", "model": "claude", "content": content}}


def call(name: str, tool: str = "Bash", **arguments: object) -> Record:
    """Make a block that calls a tool."""
    return {"type": "tool_use", "id": name, "name": tool, "input": arguments}


def result(name: str, text: str) -> list[Record]:
    """Make the blocks of a tool's result."""
    return [{"type": "tool_result", "tool_use_id": name, "content": text}]


def write(path: Path, records: Iterable[Record]) -> Path:
    """Write records as JSON Lines, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def run(*arguments: object, status: int = 0, given: bytes | None = None) -> str:
    """Run the command; return what it printed, errors included."""
    result = CliRunner().invoke(app, ["import", *map(str, arguments)], input=given)
    assert result.exit_code == status, result.output
    return result.output


def imported(out: Path, *arguments: object) -> list[Any]:
    """Import into a file and return its examples."""
    run(*arguments, "--out", out)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def dialog(example: Any) -> list[tuple[str, str]]:
    """Return (role, content) of an example's messages."""
    return [(message["role"], message["content"]) for message in example["messages"]]
