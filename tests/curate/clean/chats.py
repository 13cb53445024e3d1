"""Examples to clean, and how tests call the command."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from turnsmith.cli import app

QUESTION = "Why does looking up a user id in this dictionary raise a KeyError, and how do I handle the absence of it?"
ANSWER = "The key is absent. Use `users.get(user_id)` and decide what an unknown user means."
Example = dict[str, Any]


def chat(user: Any = QUESTION, assistant: Any = ANSWER, **meta: Any) -> Example:
    """Return a conversation of one question and one answer."""
    messages = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return {"messages": messages, **({"meta": meta} if meta else {})}


def called(arguments: Any, answer: str = "Done.") -> Example:
    """Return a conversation in which the assistant calls a tool with these arguments."""
    call = {"id": "c1", "type": "function", "function": {"name": "read_file", "arguments": arguments}}
    return {
        "messages": [
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "users = {}", "tool_call_id": "c1"},
            {"role": "assistant", "content": answer},
        ]
    }


def write(path: Path, examples: list[Any]) -> str:
    """Write examples as JSON Lines, texts as they are; return the path."""
    lines = (each if isinstance(each, str) else json.dumps(each) for each in examples)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return str(path)


def read(path: Path | str) -> list[Example]:
    """Return the examples of a JSON Lines file."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def run(*arguments: object, stdin: str | None = None) -> Any:
    """Run a command in this process; return its result."""
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)
