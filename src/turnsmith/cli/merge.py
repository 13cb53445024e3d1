"""`turnsmith merge`: several files of examples into one training and one evaluation file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.app import ManyValues
from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, reading_bar
from turnsmith.core.errors import UsageError
from turnsmith.curate.clean.spooling import size_of
from turnsmith.curate.merge import MergeOptions, MergeReport, merge


class ManyWeights(ManyValues):
    """Let `--weights a=1 b=2` mean `--weights a=1 --weights b=2`."""

    spread = ("--weights",)


def merge_command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN...", help="Files of examples, JSON Lines (.gz, .zst); - is standard input."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the set: train.NAME.jsonl and eval.NAME.jsonl.")],
    out: Annotated[str, typer.Option(help="Folder that gets the files.", metavar="DIR")],
    eval_frac: Annotated[float, typer.Option(help="Share of the groups for evaluation, 0 to 0.5.")] = 0.15,
    eval_size: Annotated[
        int | None, typer.Option(help="About so many examples for evaluation, instead of a share.")
    ] = None,
    min_eval: Annotated[int, typer.Option(help="Raise the share until evaluation has so many.")] = 100,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="How often a source comes in training, by its file's name.", metavar="NAME=W..."),
    ] = None,
    by_repository: Annotated[
        bool,
        typer.Option("--by-repository/--no-by-repository", help="Keep each repository of code on one side."),
    ] = True,
    tokenizer: Annotated[
        str | None, typer.Option(help="Vocabulary that counts the tokens; an embedded one by default.")
    ] = None,
    strip_meta: Annotated[bool, typer.Option("--strip-meta", help="Leave out meta.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the order; the split does not depend on it.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Merge files of examples, each example once, into training and evaluation without a shared group.

    A group is a conversation or a repository of code; if there is only one repository, a file of it.
    Also writes NAME.report.json.

    Example: turnsmith merge logs.jsonl git.jsonl fim.jsonl --name full --out staging --eval-frac 0.15
    """
    options = MergeOptions(
        eval_frac=eval_frac,
        eval_size=eval_size,
        min_eval=min_eval,
        weights=_weights(weights or []),
        by_repository=by_repository,
        strip_meta=strip_meta,
        seed=seed,
        tokenizer=tokenizer,
        force=force,
    )
    size = 2 * sum(size_of(each) for each in inputs)
    with interruptible(), reading_bar("Merging", size) as on_progress:
        report = merge(inputs, name, out, options, on_progress=on_progress)
    console = Console()
    if json_output:
        print_json(console, report.as_json())
    else:
        _print(console, report, Path(out))


def _weights(texts: list[str]) -> dict[str, float]:
    weights = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            weights[name] = float(number)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise UsageError(
                f"--weights: {text!r} is not of the form NAME=W; inputs stand before the options"
            )
    return weights


def _print(console: Console, report: MergeReport, out: Path) -> None:
    console.print(funnel("Where every line went", report.rows()))
    table = Table(title="What was written", title_justify="left")
    for heading in ("dataset", "examples", "train", "eval", "avg length", "longest", "source"):
        table.add_column(heading, justify="left" if heading in ("dataset", "source") else "right")
    total = report.total
    for source in [*report.sources, total]:
        table.add_row(
            shown(source.name),
            *(f"{count:,}" for count in (source.lines, source.train, source.eval)),
            f"{source.mean_tokens:,.0f} tokens",
            f"{source.longest:,}",
            shown(", ".join(sorted(source.kinds))),
            style="bold" if source is total else None,
        )
    console.print(table)
    for source in report.sources:
        for reason in source.account.bad:
            places = ", ".join(source.account.samples[reason])
            console.print(shown(f"Warning: {reason}: {places}", "yellow"), soft_wrap=True)
    for path, kinds in report.texts.items():
        console.print(
            shown(f"Warning: {path} holds {' and '.join(kinds)}; written as text", "yellow"), soft_wrap=True
        )
    for warning in report.warnings:
        console.print(shown(f"Warning: {warning}", "yellow"), soft_wrap=True)
    for file in (report.train_file, report.eval_file):
        console.print(shown(str(out / file)), soft_wrap=True)
