"""`turnsmith judge --batch submit|collect`: the same requests through OpenAI's Batch API."""

import contextlib
import signal
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import INTERRUPTED, funnel, print_json, reading_bar
from turnsmith.core.errors import UsageError
from turnsmith.curate.clean.spooling import size_of

if TYPE_CHECKING:
    from turnsmith.labels.judge.batch import Collected
    from turnsmith.labels.judge.options import JudgeOptions


class Batch(StrEnum):
    """Name the two halves of a run by batches."""

    submit = "submit"
    collect = "collect"


def run_batch(
    action: Batch, source: str, out: Path, options: "JudgeOptions", size: int, json_output: bool
) -> None:
    """Submit what has no answer, or collect what is answered, and print what came of it."""
    if options.rationales:
        raise UsageError("--rationales: are asked after the labels; leave it out with --batch")
    if action is Batch.submit:
        _submit(source, out, options, size, json_output)
    else:
        _collect(out, options, json_output)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt as stop:
        typer.echo("Stopped. What the server has is noted; run the same command again to go on.", err=True)
        raise typer.Exit(INTERRUPTED) from stop


def _submit(source: str, out: Path, options: "JudgeOptions", size: int, json_output: bool) -> None:
    from turnsmith.labels.judge.batch import Limits
    from turnsmith.labels.judge.batch.running import submit_turns

    limits = Limits(requests=size)
    with _interruptible(), reading_bar("Submitting", size_of(source)) as on_read:
        report, reader = submit_turns(source, out, options, limits=limits, on_read=on_read)
    console = Console()
    passed = report.passed
    if json_output:
        print_json(console, report.as_json() | {"turns": reader.account.as_json()})
    else:
        rows = [
            ("requests", report.requests + passed.answered + passed.under_way + passed.repeated),
            ("  answered before", passed.answered),
            ("  in a batch that is not collected", passed.under_way),
            ("  the same as another", passed.repeated),
            ("submitted", report.requests),
        ]
        console.print(funnel("Where every request went", rows))
        for reason, count in reader.account.bad.items():
            places = ", ".join(reader.account.samples[reason])
            console.print(shown(f"Warning: {count:,} lines are {reason}: {places}", "yellow"), soft_wrap=True)
        for name in report.batches:
            console.print(shown(name), soft_wrap=True)
        if report.requests:
            console.print("Collect the answers with --batch collect, as often as you like.")
    if report.over_budget:
        Console(stderr=True).print("Stopped early: the budget allows no more requests.", style="red")
        raise typer.Exit(1)


def _collect(out: Path, options: "JudgeOptions", json_output: bool) -> None:
    from turnsmith.labels.judge.batch.running import collect_answers

    with _interruptible():
        report = collect_answers(out, options)
    console = Console()
    if json_output:
        print_json(console, report.as_json())
    else:
        _print(console, report)
    if report.problems or report.account.bad:
        raise typer.Exit(1)


def _print(console: Console, report: "Collected") -> None:
    states = [(f"  {state}", count) for state, count in sorted(report.states.items())]
    bad = [(f"  {reason}", count) for reason, count in report.account.bad.items()]
    rows: list[tuple[str, int]] = [("lines read", report.account.read), *bad, *states]
    console.print(funnel("What the batches brought", [*rows, ("requests without a line", report.missing)]))
    for name, status in {**report.ended, **report.open}.items():
        console.print(shown(f"{name}: {status}"), soft_wrap=True)
    for reason in report.account.bad:
        places = ", ".join(report.account.samples[reason])
        console.print(shown(f"Warning: {reason}: {places}", "yellow"), soft_wrap=True)
    for problem in report.problems:
        console.print(shown(f"Warning: {problem}", "yellow"), soft_wrap=True)
    console.print(_next_step(report), soft_wrap=True)


def _next_step(report: "Collected") -> str:
    if report.open:
        return "Not all batches have ended; collect again later."
    return (
        "No batch is open. The same command without --batch writes the labels, and asks one by one what is left; "
        "--batch submit sends that as a batch."
    )
