"""Every command in the documentation runs."""

import re
import runpy
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from turnsmith.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(
    r"^```(?P<kind>\w+)(?: title=(?P<title>\S+))?\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE
)


def steps_of(page: Path) -> list[tuple[str, str]]:
    """Return (file name, content) and ("", command) of a page's fenced blocks, in order."""
    steps: list[tuple[str, str]] = []
    for block in FENCE.finditer(page.read_text(encoding="utf-8")):
        if block["title"]:
            steps.append((block["title"], block["text"]))
        elif block["kind"] == "sh":
            lines = block["text"].replace("\\\n", " ").splitlines()
            steps += [("", line) for line in lines if line.startswith(("turnsmith ", "git "))]
    return steps


RUNNABLE = [page for page in PAGES if steps_of(page) and page.name != "README.md"]  # which has its own test


def run(line: str) -> None:
    """Run a command line with its globs and `> file` as a shell would; fail on any exit code but 0."""
    program, *words = shlex.split(line, comments=True)
    if program == "git":
        subprocess.run([program, *words], check=True, capture_output=True)
        return
    target = words[words.index(">") + 1] if ">" in words else None
    given = words[: words.index(">")] if target else words
    arguments: list[str] = []
    for word in given:
        arguments += [str(path) for path in sorted(Path().glob(word))] if "*" in word else [word]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
    if target:
        Path(target).write_text(result.stdout, encoding="utf-8")


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_commands_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `turnsmith` and `git` lines of a page's `sh` blocks run in order, in a folder that starts empty."""
    monkeypatch.chdir(tmp_path)
    for name, text in steps_of(page):
        if name:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        else:
            run(text)


def test_example_of_the_readme_is_what_its_commands_make(tmp_path: Path) -> None:
    """The README's commands run, and files, record and funnel in it are what they make."""
    script: Mapping[str, Any] = runpy.run_path(str(ROOT / "docs" / "make_example.py"))
    filled: Callable[[str, Mapping[str, str]], str] = script["filled"]
    page = ROOT / "README.md"
    lines = script["commands"](page.read_text(encoding="utf-8"))
    assert lines == [text for name, text in steps_of(page) if not name], "more than one block with commands"
    blocks = script["run"](lines, tmp_path)
    assert page.read_text(encoding="utf-8") == filled(page.read_text(encoding="utf-8"), blocks), (
        "run python docs/make_example.py"
    )


def test_only_commands_that_exist_are_mentioned() -> None:
    """Every `turnsmith word` in the documentation names a command or an option of all."""
    command: Any = typer.main.get_command(app)
    known = {"COMMAND", *command.commands, *(option for each in command.params for option in each.opts)}
    for page in PAGES:
        for word in re.findall(r"`turnsmith ([\w-]+)", page.read_text(encoding="utf-8")):
            assert word in known, f"{page.name}: turnsmith {word}"
