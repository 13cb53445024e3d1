"""`turnsmith judge`: label turns with a language model, or with the built-in rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from turnsmith.cli.judge_batch import Batch, run_batch
from turnsmith.cli.showing import shown
from turnsmith.cli.steps import INTERRUPTED, funnel, print_json
from turnsmith.core.errors import UsageError
from turnsmith.core.progress import Phases, seldom
from turnsmith.curate.clean.spooling import size_of

if TYPE_CHECKING:
    from turnsmith.labels.judge.options import JudgeOptions
    from turnsmith.labels.judge.report import JudgeReport


class Judge(StrEnum):
    """Name who judges."""

    weak = "weak"
    llm = "llm"


class Strategy(StrEnum):
    """Name what the judge sees."""

    request = "request"
    signals = "signals"
    history = "history"
    full = "full"


def judge_command(
    source: Annotated[
        str, typer.Argument(metavar="TURNS", help="Turns as JSON Lines (.gz, .zst); - is standard input.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the labeled set, the report and the answers.", metavar="DIR")
    ],
    judge: Annotated[
        Judge | None,
        typer.Option(
            help="weak: built-in rules, no key; llm: a model. By default llm with --model, else weak."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model that judges.", metavar="NAME")] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            help="Address of an OpenAI-compatible server. [OPENAI_BASE_URL, else OpenAI]", metavar="URL"
        ),
    ] = None,
    strategy: Annotated[
        Strategy,
        typer.Option(
            help="What the judge sees: the request; + observed signals; + earlier turns; everything."
        ),
    ] = Strategy.request,
    history: Annotated[
        int, typer.Option(min=1, max=50, help="Latest earlier turns shown, with history or full.")
    ] = 5,
    votes: Annotated[int, typer.Option(min=1, max=31, help="Votes for each turn, each a request.")] = 1,
    rationales: Annotated[
        bool, typer.Option("--rationales", help="Ask for reasons, in a request of its own after each label.")
    ] = False,
    prompt: Annotated[
        Path | None, typer.Option(help="File with a prompt of your own.", metavar="FILE")
    ] = None,
    budget_usd: Annotated[
        str | None, typer.Option(help="US dollars that this folder may cost in all.", metavar="X")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="Price table as YAML; one ships.", metavar="FILE")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=2000, help="Most requests under way.")] = 200,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")] = 60.0,
    max_request_chars: Annotated[
        int, typer.Option(min=200, help="Characters of a request before its middle is left out.")
    ] = 24_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count requests, tokens and cost; ask nothing.")
    ] = False,
    batch: Annotated[
        Batch | None,
        typer.Option(help="submit: what has no answer as batches of OpenAI's; collect: what they answered."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=50_000, help="Requests in a batch.")] = 50_000,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Label turns: 0 where a reasoning model is required, 1 where a non-reasoning model is sufficient.

    The key is read from OPENAI_API_KEY. A run that was stopped goes on where it was; no answer is paid for twice.

    Exit code 0: done. 1: stopped before the end (budget, quota, server), or no label. 2: wrong usage.

    Example: turnsmith judge turns.jsonl --out judged --judge weak
    """
    chosen = judge or (Judge.llm if model else Judge.weak)
    if chosen is Judge.weak:
        _refuse_with_weak(
            batch=batch, model=model, endpoint=endpoint, budget_usd=budget_usd, prompt=prompt, prices=prices,
            dry_run=dry_run or None, rationales=rationales or None, votes=None if votes == 1 else votes,
        )  # fmt: skip
        _run_weak(source, out, strategy, json_output)
        return
    if model is None:
        raise UsageError("--model: name the model that judges, such as gpt-4o-mini, or use --judge weak")
    from turnsmith.labels.judge.options import JudgeOptions

    options = JudgeOptions(
        model=model,
        endpoint=endpoint,
        strategy=strategy.value,
        history=history,
        request_chars=max_request_chars,
        votes=votes,
        rationales=rationales,
        prompt=prompt,
        prices=prices,
        budget=_dollars(budget_usd),
        concurrency=concurrency,
        timeout=timeout,
    )
    if dry_run:
        _run_dry(source, out, options, json_output)
    elif batch:
        run_batch(batch, source, out, options, batch_size, json_output)
    else:
        _run_llm(source, out, options, json_output)


def _refuse_with_weak(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise UsageError(
                f"--{name.replace('_', '-')}: is for a model; name one with --model, or leave it out for --judge weak"
            )


def _dollars(text: str | None) -> Decimal | None:
    try:
        value = None if text is None else Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if value is not None and not value.is_finite():
        raise UsageError(f"--budget-usd {text}: is no amount; write it as 12.50")
    return value


@contextmanager
def _bar(source: str, name: str) -> Iterator[tuple[Phases, Any]]:
    """Show progress by the bytes of turns that are done, drawn a few times a second at most."""
    with Phases() as phases, phases.phase(name, size_of(source), "turns") as advance:
        gather = seldom(advance)

        def done(size: int, spent: str) -> None:
            gather(size, 1, f", ${spent}" if spent else "")

        yield phases, done


def _run_llm(source: str, out: Path, options: "JudgeOptions", json_output: bool) -> None:
    from turnsmith.labels.judge.running import judge

    try:
        with _bar(source, "Judging") as (phases, done):
            report = judge(source, out, options, on_done=done, on_note=phases.note)
    except KeyboardInterrupt as stop:
        typer.echo("Stopped. All finished answers are kept; run the same command again to go on.", err=True)
        raise typer.Exit(INTERRUPTED) from stop
    _show(report, json_output)


def _show(report: "JudgeReport", json_output: bool) -> None:
    console = Console()
    if json_output:
        print_json(console, {**report.as_json(), "folder": str(report.folder)})
    else:
        _print(console, report)
    if report.stopped:
        Console(stderr=True).print(shown(f"Stopped early: {report.stopped}.", "red"), soft_wrap=True)
        raise typer.Exit(1)


def _print(console: Console, report: "JudgeReport") -> None:
    console.print(funnel("Where every turn went", report.rows()))
    for line in report.sentences():
        console.print(shown(line), soft_wrap=True, highlight=False)
    for warning in report.warnings:
        console.print(shown(f"Warning: {warning}.", "yellow"), soft_wrap=True)
    console.print(shown(str(report.folder)), soft_wrap=True)


def _run_weak(source: str, out: Path, strategy: Strategy, json_output: bool) -> None:
    from turnsmith.labels.judge.weakly import judge_weakly

    try:
        with _bar(source, "Judging by rules") as (_, done):
            report = judge_weakly(source, out, strategy.value, on_done=done)
    except KeyboardInterrupt as stop:
        typer.echo("Stopped. Nothing was written; run the same command again.", err=True)
        raise typer.Exit(INTERRUPTED) from stop
    _show(report, json_output)


def _run_dry(source: str, out: Path, options: "JudgeOptions", json_output: bool) -> None:
    from turnsmith.labels.judge.estimating import estimate

    with _bar(source, "Counting") as (_, done):
        found = estimate(source, out, options, on_done=done)
    console = Console()
    if json_output:
        print_json(console, found.as_json())
        return
    for line in found.sentences():
        console.print(shown(line), soft_wrap=True, highlight=False)
