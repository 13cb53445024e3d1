"""`turnsmith lengths`, as a person and a program use it."""

import gzip
import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.main import get_command
from typer.testing import CliRunner, Result

from turnsmith.cli import app
from turnsmith.curate.lengths.summary import Summary

SHORT = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
LONG = {"messages": [*SHORT["messages"], *SHORT["messages"]], "meta": {"id": "long"}}
FIM = {"text": "hello world"}


def run(*arguments: str, given: bytes | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["lengths", *arguments], input=given)


def write(path: Path, *examples: Any) -> str:
    """Write examples, or lines as they are."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in examples]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def report(*arguments: str) -> dict[str, Any]:
    """Return what --json prints."""
    printed: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return printed


def test_the_report_has_all_figures(tmp_path: Path) -> None:
    """Figures of all and of trained tokens, histogram, vocabulary and template are in the report."""
    made = report(write(tmp_path / "x.jsonl", SHORT, LONG, FIM), "--max", "12")
    assert made["tokenizer"].startswith("o200k_base")
    assert made["chat_template"] == "chatml"
    tokens = {key: made["tokens"][key] for key in ("examples", "min", "p50", "p99", "max", "mean", "total")}
    assert tokens == {"examples": 3, "min": 2, "p50": 12, "p99": 24, "max": 24, "mean": 12.7, "total": 38}
    assert made["trained"]["total"] == 2 + 4 + 2
    assert made["over_max"] == 1
    assert made["tokens"]["histogram"][0] == {"from": 2, "to": 2, "examples": 1}
    assert sum(each["examples"] for each in made["tokens"]["histogram"]) == 3


def test_the_table_names_the_vocabulary(tmp_path: Path) -> None:
    """A person reads with what was counted, the share over the limit and what is not trained at all."""
    silent = {"messages": SHORT["messages"][:1]}
    shown = run(write(tmp_path / "x.jsonl", SHORT, silent), "--max", "8").stdout
    assert "Counted with o200k_base, embedded (199,998 ranks), template chatml." in shown
    assert "Over 8 tokens: 1 of 2 examples, 50.0 %." in shown
    assert "no token of the assistant" in shown


def test_clipping_writes_and_accounts(tmp_path: Path) -> None:
    """Every example is kept or dropped under a reason; clipped ones say what went."""
    name = write(tmp_path / "x.jsonl", SHORT, LONG, {"text": "hello world " * 9})
    made = report(name, "--max", "12", "--clip", "head", "--out", str(tmp_path / "out.jsonl"))
    kept = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    clipped = {"how": "head", "messages": 2, "tokens": 12}
    assert kept == [SHORT, {**SHORT, "meta": {"id": "long", "clipped": clipped}}]
    assert made["account"]["read"] == made["account"]["kept"] + sum(made["account"]["dropped"].values()) == 3
    assert made["account"]["notes"]["clipped"] == 1
    assert made["clipped"]["max"] == 12


def test_what_clipping_cut_is_summed(tmp_path: Path) -> None:
    """One line behind the funnel, and the report, say what went from shortened and with dropped examples."""
    text = {"text": "hello world " * 9}
    options = ["--max", "12", "--clip", "head", "--out", str(tmp_path / "out.jsonl")]
    name = write(tmp_path / "x.jsonl", SHORT, LONG, LONG, text, "no json")
    made = report(name, *options)
    assert made["cut"] == {"messages": 4, "tokens": 24}
    assert made["tokens"]["total"] == made["clipped"]["total"] + 24 + made["dropped_tokens"]
    line = f"Cut in all: 4 messages, 24 tokens, from 2 examples. Left out: 1 examples with {made['dropped_tokens']}"
    shown = run(name, *options).stdout
    assert shown.index("Where every line went") < shown.index(line)
    assert "Cut in all" not in run(name).stdout


def test_the_help_says_what_clipping_removes() -> None:
    """--help tells head and middle apart."""
    command: Any = get_command(app)
    told = next(each.help for each in command.commands["lengths"].params if each.name == "clip")
    assert "head removes the oldest turns" in told
    assert "middle the turns between the first and the newest" in told


def test_the_documentation_shows_what_clipping_notes(tmp_path: Path) -> None:
    """The note in docs/lengths.md is the one that its own example gets."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "lengths.md").read_text(encoding="utf-8")
    (tmp_path / "small.jsonl").write_text(page.split("```jsonl title=small.jsonl\n")[1].split("```")[0])
    options = ["--max", "30", "--clip", "head", "--out", str(tmp_path / "out.jsonl")]
    assert run(str(tmp_path / "small.jsonl"), *options).exit_code == 0
    notes = [json.loads(line).get("meta") for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert json.loads(page.split("```json\n")[1].split("```")[0]) in notes


def test_what_a_template_leaves_open_is_noted(tmp_path: Path) -> None:
    """Tools that ChatML has no place for, and trained tokens that a template does not tell, are counted."""
    (tmp_path / "x.jinja").write_text(
        "{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}"
    )
    name = write(tmp_path / "x.jsonl", {**SHORT, "tools": [{}]}, SHORT)
    assert report(name)["account"]["notes"] == {"tools that chatml leaves out": 1}
    noted = report(name, "--chat-template", str(tmp_path / "x.jinja"))["account"]["notes"]
    assert noted == {"trained tokens that the template does not tell": 2}


def test_standard_streams(tmp_path: Path) -> None:
    """`-` reads standard input; with `--out -` only examples go to standard output."""
    lines = gzip.decompress(gzip.compress(json.dumps(SHORT).encode())) + b"\n"
    result = run("-", "--max", "99", "--clip", "drop", "--out", "-", given=lines)
    assert json.loads(result.stdout) == SHORT
    assert "Counted with" in result.stderr


def test_bad_lines_are_counted_with_their_place(tmp_path: Path) -> None:
    """A line that can't be counted is told with file and line, costs exit code 1, and takes no neighbor along."""
    name = write(tmp_path / "x.jsonl", SHORT, "no json", {"other": 1}, SHORT)
    result = run(name)
    assert result.exit_code == 1
    assert f"no valid JSON: {name}:2" in result.stdout.replace("\n", "")
    assert report(name)["tokens"]["examples"] == 2


def test_names_of_files_are_escaped(tmp_path: Path) -> None:
    """Names of files and what a template says send no escape sequence, and their brackets are no markup."""
    template = tmp_path / "\x1b[32msly[red].jinja"
    template.write_text("{{ raise_exception('\x1b[33mno[red]') if messages | length > 2 else messages }}")
    name = write(tmp_path / "\x1b[31mevil[red].jsonl", SHORT, LONG)
    result = run(name, "--chat-template", str(template))
    assert "\x1b" not in result.stdout
    for text in (r"\x1b[31mevil[red].jsonl:2", r"\x1b[32msly[red].jinja", r"\x1b[33mno[red]"):
        assert text in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_in_a_sentence(tmp_path: Path, number: int) -> None:
    """Ctrl-C and a polite kill end with exit code 130 and no traceback, and leave no file behind."""
    arguments = ["lengths", "-", "--max", "9", "--clip", "drop", "--out", str(tmp_path / "out.jsonl")]
    command = [sys.executable, "-m", "turnsmith", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        # More than a pipe holds: once it is written, the command reads.
        process.stdin.write(f"{json.dumps(SHORT)}\n".encode() * 10_000)
        process.send_signal(number)
        said = process.stderr.read().decode()
    assert (process.returncode, said) == (130, "Stopped. Nothing was written; run the same command again.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clip", "head"], "needs --max N"),
        (["--out", "y.jsonl"], "say how with --clip"),
        (["--tokenizer", "nowhere"], "name a file of ranks"),
        (["--pattern", "qwen"], "is for a file of ranks"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], message: str) -> None:
    """Options that do not go together are usage errors that say what is missing."""
    result = run(write(tmp_path / "x.jsonl", SHORT), *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """A file that is not there is named."""
    result = run(str(tmp_path / "nowhere.jsonl"))
    assert (result.exit_code, "nowhere.jsonl: can't be read" in result.stderr) == (1, True)


def test_an_empty_file_has_no_figures(tmp_path: Path) -> None:
    """Nothing in, nothing out, and no failure."""
    assert report(write(tmp_path / "x.jsonl"))["tokens"] == {"examples": 0, "histogram": []}
    assert run(str(tmp_path / "x.jsonl")).exit_code == 0


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.integers(0, 5_000), min_size=1))
def test_percentiles_are_nearest_ranks(lengths: list[int]) -> None:
    """A percentile is the value at its rank of the sorted list; the histogram holds each length once."""
    summary = Summary()
    for tokens in lengths:
        summary.add(tokens)
    ordered = sorted(lengths)
    for percent, tokens in summary.percentiles().items():
        assert tokens == ordered[math.ceil(percent * len(ordered) / 100) - 1]
    for low, high, count in summary.histogram():
        assert count == sum(low <= tokens <= high for tokens in lengths)
