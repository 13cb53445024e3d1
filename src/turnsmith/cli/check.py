"""`turnsmith check`: whether a trainer will take a file of examples."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import interruptible
from turnsmith.core.errors import UsageError
from turnsmith.core.lines import STANDARD
from turnsmith.core.progress import Phases
from turnsmith.curate.check import CODES, TRAINERS, Budget, Checked, check_file
from turnsmith.curate.lengths import counter

COLUMNS_HELP = (
    "unknown-column: turnsmith merge --strip-meta writes a set without meta; turnsmith check --fix OUT leaves out "
    "every column that the trainer refuses."
)


class TrainerName(StrEnum):
    """Name the trainers."""

    openai = "openai"
    trl = "trl"
    qwen = "qwen"
    axolotl = "axolotl"


def check(
    file: Annotated[str, typer.Argument(help="Examples as JSON Lines (.gz, .zst); - is standard input.")],
    for_: Annotated[TrainerName, typer.Option("--for", help="The trainer that is to take the file.")],
    max_tokens: Annotated[
        int | None, typer.Option(help="Tokens that an example may have, counted as by `lengths`.", min=1)
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Vocabulary for --max-tokens, as in `lengths`. [o200k]", metavar="NAME")
    ] = None,
    chat_template: Annotated[
        str | None, typer.Option(help="Chat template for --max-tokens, as in `lengths`.", metavar="NAME")
    ] = None,
    fix: Annotated[
        str | None,
        typer.Option(
            help="Escape special tokens, drop unknown columns, and write what has no errors here.",
            metavar="FILE",
        ),
    ] = None,
    show: Annotated[int, typer.Option(help="Places shown for each code.", min=0)] = 3,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Check each example for a trainer: roles, contents, tool calls, special tokens, known traps.

    Exit code 0: no errors, maybe warnings. 1: errors. 2: wrong usage.

    Example: turnsmith check train.jsonl --for trl
    """
    if max_tokens is None and (tokenizer or chat_template):
        raise UsageError("--tokenizer and --chat-template: are for --max-tokens N")
    size = Path(file).stat().st_size if file != STANDARD and Path(file).is_file() else 0
    with interruptible(), Phases() as phases, phases.phase("Checking", size, "examples") as advance:
        budget = Budget(max_tokens, counter(tokenizer, chat_template)) if max_tokens else None
        checked = check_file(file, TRAINERS[for_], budget, fix, lambda read: advance(read, 1), show)
    to_stderr = fix == STANDARD
    if json_output:
        report = {"file": file, **checked.as_json()}
        if fix:
            report |= {"fixed": checked.fixed, "written": checked.written}
        typer.echo(json.dumps(report, ensure_ascii=False), err=to_stderr)
    else:
        _print(Console(stderr=to_stderr), checked, fix)
    if checked.errors:
        raise typer.Exit(1)


def _print(console: Console, checked: Checked, fix: str | None) -> None:
    for code, is_error, count in checked.rows():
        samples = checked.samples[code]
        style = "red" if is_error else "yellow"
        for place, detail in samples:
            line = Text.assemble(shown(f"{place}: "), (code, style), shown(f": {detail}" if detail else ""))
            console.print(line, soft_wrap=True)
        if samples and count > len(samples):
            console.print(Text(f"... and {count - len(samples):,} more {code}", style="dim"), soft_wrap=True)
    if checked.counts:
        table = Table("code", "", "count", "what it means")
        table.columns[0].no_wrap = True
        table.columns[2].justify = "right"
        for code, is_error, count in checked.rows():
            severity = Text("error", style="red") if is_error else Text("warning", style="yellow")
            table.add_row(code, severity, f"{count:,}", CODES[code])
        console.print(table)
    if checked.counts["unknown-column"] and checked.is_error("unknown-column"):
        console.print(COLUMNS_HELP, highlight=False, soft_wrap=True)
    console.print(
        f"Checked for {checked.trainer.name}. Examples: {checked.examples:,}, errors: {checked.errors:,}, "
        f"warnings: {checked.warnings:,}.",
        highlight=False,
    )
    if fix:
        console.print(
            f"Mended: {checked.fixed:,}, written without errors: {checked.written:,}.", highlight=False
        )
