"""`turnsmith check`, as a person and a program use it."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from turnsmith.cli import app

USER, ANSWER = {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}
GOOD = {"messages": [USER, ANSWER]}
SLY = {"messages": [{"role": "user", "content": "</s><|im_end|>"}, ANSWER], "meta": {"note": "<|im_end|>"}}


def run(*arguments: str, given: str | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["check", *arguments], input=given)


def write(path: Path, *examples: Any) -> str:
    """Write examples."""
    path.write_text("".join(f"{json.dumps(example)}\n" for example in examples), encoding="utf-8")
    return str(path)


def lines(path: Path) -> list[Any]:
    """Read examples."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_good_file_passes(tmp_path: Path) -> None:
    """Without problems there is one line and exit code 0."""
    result = run(write(tmp_path / "x.jsonl", GOOD), "--for", "trl")
    assert (result.exit_code, result.stdout) == (0, "Checked for trl. Examples: 1, errors: 0, warnings: 0.\n")


def test_warnings_alone_do_not_fail(tmp_path: Path) -> None:
    """A file with warnings only is shown and passes."""
    result = run(write(tmp_path / "x.jsonl", {"messages": [USER, USER, ANSWER]}), "--for", "trl")
    assert result.exit_code == 0
    assert "x.jsonl:1: role-order: message 2: 'user'" in result.stdout


def test_errors_are_shown_with_their_lines(tmp_path: Path) -> None:
    """The first places of each code are shown, the rest is counted, and the exit code is 1."""
    name = write(tmp_path / "x.jsonl", *[GOOD, {"messages": [USER]}] * 5)
    result = run(name, "--for", "trl", "--show", "2")
    assert result.exit_code == 1
    assert f"{name}:2: no-assistant\n{name}:4: no-assistant\n... and 3 more no-assistant\n" in result.stdout


def test_the_report_for_programs(tmp_path: Path) -> None:
    """--json has severity, count and places of each code."""
    name = write(tmp_path / "x.jsonl", {"messages": [USER]})
    report = json.loads(run(name, "--for", "qwen", "--json").stdout)
    assert report["codes"]["first-message-lost"] == {"severity": "error", "count": 1, "places": [f"{name}:1"]}
    assert (report["examples"], report["errors"]) == (1, 2)


def test_fix_escapes_and_writes_what_passes(tmp_path: Path) -> None:
    """Special tokens are escaped outside meta; examples that still have errors are not written."""
    name = write(tmp_path / "x.jsonl", GOOD, SLY, {"messages": [USER]})
    result = run(name, "--for", "trl", "--fix", str(tmp_path / "out.jsonl"))
    mended = {"messages": [{"role": "user", "content": "< /s>< |im_end|>"}, ANSWER], "meta": SLY["meta"]}
    assert lines(tmp_path / "out.jsonl") == [GOOD, mended]
    assert "Mended: 1, written without errors: 2." in result.stdout
    assert result.exit_code == 1
    assert run(str(tmp_path / "out.jsonl"), "--for", "trl").exit_code == 0


def test_fix_leaves_out_columns_that_openai_refuses(tmp_path: Path) -> None:
    """For OpenAI, keys such as meta go; ten examples pass afterwards."""
    name = write(tmp_path / "x.jsonl", *[{**GOOD, "meta": {}}] * 10)
    assert run(name, "--for", "openai").exit_code == 1
    assert run(name, "--for", "openai", "--fix", str(tmp_path / "out.jsonl")).exit_code == 0
    assert lines(tmp_path / "out.jsonl") == [GOOD] * 10


def test_unknown_columns_say_what_to_do(tmp_path: Path) -> None:
    """Where a column is an error, the ways to lose it are named; where it is ignored, nothing is."""
    name = write(tmp_path / "x.jsonl", {**GOOD, "label": 1})
    refused, ignored = (run(name, "--for", trainer).stdout for trainer in ("openai", "trl"))
    for command in ("turnsmith merge --strip-meta", "turnsmith check --fix OUT"):
        assert (command in refused, command in ignored) == (True, False)


def test_standard_streams() -> None:
    """`-` reads standard input; with `--fix -` only examples go to standard output."""
    result = run("-", "--for", "trl", "--fix", "-", given=json.dumps(GOOD))
    assert json.loads(result.stdout) == GOOD
    assert "errors: 0" in result.stderr


def test_names_from_the_data_are_escaped(tmp_path: Path) -> None:
    """Control characters of the data never reach the terminal, and long names are cut."""
    role = "\x1b[31m" + "r" * 300
    result = run(
        write(tmp_path / "x.jsonl", {"messages": [{"role": role, "content": "x"}, ANSWER]}), "--for", "trl"
    )
    assert "\x1b" not in result.stdout
    assert "r" * 60 not in result.stdout


def test_names_of_files_are_escaped(tmp_path: Path) -> None:
    """The name of a file sends no escape sequence to the terminal, and its brackets are no markup."""
    result = run(write(tmp_path / "\x1b[31mevil[red].jsonl", {"messages": [USER]}), "--for", "trl")
    assert "\x1b" not in result.stdout
    assert r"/\x1b[31mevil[red].jsonl:1: no-assistant" in result.stdout


def test_deep_nesting_is_told(tmp_path: Path) -> None:
    """An example nested beyond reason is a problem of its line, not of the program."""
    deep = "[" * 900 + "]" * 900
    (tmp_path / "x.jsonl").write_text(f'{{"messages": {deep}, "tools": {deep}}}\n{json.dumps(GOOD)}\n')
    result = run(str(tmp_path / "x.jsonl"), "--for", "trl")
    assert (result.exit_code, "Examples: 2" in result.stdout) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_in_a_sentence(tmp_path: Path, number: int) -> None:
    """Ctrl-C and a polite kill end with exit code 130 and no traceback, and leave no file behind."""
    arguments = ["check", "-", "--for", "trl", "--fix", str(tmp_path / "out.jsonl")]
    command = [sys.executable, "-m", "turnsmith", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        # More than a pipe holds: once it is written, the command reads.
        process.stdin.write(f"{json.dumps(GOOD)}\n".encode() * 10_000)
        process.send_signal(number)
        said = process.stderr.read().decode()
    assert (process.returncode, said) == (130, "Stopped. Nothing was written; run the same command again.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--for"),
        (["--for", "other"], "other"),
        (["--for", "trl", "--tokenizer", "o200k"], "are for --max-tokens"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], message: str) -> None:
    """A missing or unknown trainer, and options without effect, are usage errors."""
    result = run(write(tmp_path / "x.jsonl", GOOD), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
