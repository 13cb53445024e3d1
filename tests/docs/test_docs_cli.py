"""The command line explains itself, and docs/cli.md says the same."""

import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from turnsmith.cli import app

ROOT = Path(__file__).resolve().parents[2]


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command with the words that call it, groups included."""
    command = command or typer.main.get_command(app)
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


COMMANDS = [pytest.param(path, command, id=" ".join(path) or "turnsmith") for path, command in commands()]
LEAVES = [
    pytest.param(path, command, id=" ".join(path))
    for path, command in commands()
    if not hasattr(command, "commands")
]


def examples(command: Any) -> list[str]:
    """Return the example lines in a command's help."""
    return re.findall(r"^\s*Example: (.+)$", command.help or "", re.MULTILINE)


def test_reference_is_up_to_date() -> None:
    """docs/cli.md is what docs/make_cli_reference.py makes of the program."""
    made = runpy.run_path(str(ROOT / "docs" / "make_cli_reference.py"))["render"]()
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == made, "run python docs/make_cli_reference.py"


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_commands_and_options_have_help(path: tuple[str, ...], command: Any) -> None:
    """Every command, every option and every argument says what it is for."""
    assert command.help
    for parameter in command.params:
        assert parameter.help, f"{' '.join(path)}: {parameter.opts[0]}"


@pytest.mark.parametrize(("path", "command"), LEAVES)
def test_commands_have_an_example(path: tuple[str, ...], command: Any) -> None:
    """The help of every command has a line `Example: turnsmith ...` that calls this very command."""
    assert examples(command), f"turnsmith {' '.join(path)}: no example"
    for example in examples(command):
        assert tuple(shlex.split(example)[1 : len(path) + 1]) == path


@pytest.mark.parametrize(("path", "command"), LEAVES)
def test_examples_use_options_that_exist(path: tuple[str, ...], command: Any) -> None:
    """An example's options and arguments are those of the command."""
    for example in examples(command):
        words = shlex.split(example.partition(" > ")[0])[len(path) + 1 :]
        context = command.make_context(" ".join(path), words, resilient_parsing=True)
        assert not context.args


@pytest.mark.parametrize(("path", "command"), LEAVES)
def test_reference_names_every_option(path: tuple[str, ...], command: Any) -> None:
    """Each option of a command stands in its section of docs/cli.md."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.split(f"## turnsmith {' '.join(path)}\n")[1].split("\n## ")[0]
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert f"| `{parameter.opts[0]}" in section
