"""The program starts fast: it knows all commands, and imports one only when it is called."""

import inspect
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from turnsmith.cli import app
from turnsmith.cli.commands import COMMANDS

HEAVY = {
    "duckdb",
    "httpx",
    "ibis",
    "msgspec",
    "numpy",
    "openai",
    "pyarrow",
    "pydantic",
    "tree_sitter",
    "yaml",
}


def imported_by(*arguments: str) -> set[str]:
    """Return the modules that are there after a run of the program in a process of its own."""
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    code += "from turnsmith.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_imports_no_command(option: str) -> None:
    """`--help` and `--version` import neither a command nor a heavy package."""
    modules = imported_by(option)
    assert not modules & HEAVY
    assert not modules & {f"turnsmith.cli.{command.module}" for command in COMMANDS.values()}


def test_a_command_imports_no_other() -> None:
    """The help of one command imports its own module alone."""
    modules = imported_by("lengths", "--help")
    assert "turnsmith.cli.lengths" in modules
    assert not modules & {"turnsmith.cli.export", "turnsmith.cli.query", "duckdb", "ibis", "openai"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    """What `turnsmith --help` says of a command is the first paragraph of the command's own help."""
    found: Any = COMMANDS[name].load()
    text: Any = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert COMMANDS[name].help == " ".join(text.split("\n\n")[0].split())


def test_help_lists_every_command() -> None:
    """All commands stand in the help, in the order of the table."""
    lines = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output.splitlines()
    listed = [line.split()[1] for line in lines if any(each.help in line for each in COMMANDS.values())]
    assert listed == list(COMMANDS)


def test_a_wrong_command_is_told_from_a_near_one() -> None:
    """An unknown command ends with exit code 2 and the name of the nearest."""
    result = CliRunner().invoke(app, ["lenghts"])
    assert result.exit_code == 2
    assert "Did you mean 'lengths'?" in result.output
