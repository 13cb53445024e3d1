"""`turnsmith balance`: labels to training files with exact label shares."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import interruptible, print_json
from turnsmith.core.errors import UsageError
from turnsmith.core.progress import Phases
from turnsmith.labels.balance import BalanceOptions, BalanceReport, Format, Input, balance
from turnsmith.labels.balance.options import WITHIN, ratio_of
from turnsmith.labels.balance.progress import stages


def balance_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Labeled set, or the folder that holds it.")],
    name: Annotated[str, typer.Option(help="Name of the set, the beginning of its files' names.")],
    out: Annotated[Path, typer.Option(help="Folder that gets the files.")],
    ratio: Annotated[
        str, typer.Option(help="Reasoning to non-reasoning in train, such as 50:50.", metavar="R:N")
    ] = "70:30",
    total: Annotated[int | None, typer.Option(help="Rows of train. [the most that are possible]")] = None,
    within: Annotated[
        str,
        typer.Option(
            help=f"Properties inside which the ratio holds, of {', '.join(WITHIN)}; none for no matching.",
            metavar="NAMES",
        ),
    ] = "bucket,position,language,length",
    oversample: Annotated[
        bool, typer.Option("--oversample", help="Repeat rows where there are too few, up to ten times each.")
    ] = False,
    balance_eval: Annotated[
        bool, typer.Option("--balance-eval", help="Balance val and test too, instead of their natural rate.")
    ] = False,
    format_: Annotated[
        Format,
        typer.Option("--format", help="openai: chat messages; plain: text and label; parquet: the same."),
    ] = Format.openai,
    input_: Annotated[
        Input, typer.Option("--input", help="What the router sees; with history it needs --turns.")
    ] = Input.request,
    turns: Annotated[
        str | None,
        typer.Option(help="File of the turns that were judged, for history and source.", metavar="FILE"),
    ] = None,
    system_prompt: Annotated[
        Path | None, typer.Option(help="Another system prompt, as a text file.", metavar="FILE")
    ] = None,
    prefer_votes: Annotated[
        bool, typer.Option("--prefer-votes", help="Where people voted, take their vote as the label.")
    ] = False,
    near: Annotated[
        float, typer.Option(help="Similarity from which requests count as one; 0 compares exactly only.")
    ] = 0.8,
    allow_probe: Annotated[
        list[str] | None,
        typer.Option(help="Let this property predict the label all the same.", metavar="NAME"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw and of the order.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the files of this name.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Write training files with exact label shares, matched so that nothing but the text tells the label.

    Exit code 0: done. 1: too few rows, or a property predicts the label; nothing is written. 2: wrong usage.

    Example: turnsmith balance labels --ratio 70:30 --total 100000 --name datav3 --out router
    """
    options = BalanceOptions(
        ratio=ratio_of(ratio),
        total=total,
        within=tuple(_names(within)),
        oversample=oversample,
        balance_eval=balance_eval,
        format=format_,
        input=input_,
        turns=turns,
        system_prompt=system_prompt,
        prefer_votes=prefer_votes,
        near=near or None,
        allow_probes=tuple(allow_probe or ()),
        seed=seed,
        force=force,
    )
    with interruptible(), Phases() as phases, stages(phases) as on_stage:
        report = balance(folder, name, out, options, on_stage)
    console = Console()
    if json_output:
        print_json(console, report.manifest)
    else:
        _print(console, report, out)


def _names(text: str) -> list[str]:
    if text == "none":
        return []
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) != len(names):
        raise UsageError(
            f"--within: {text!r} is no list of different properties, such as bucket,length; or none"
        )
    return names


def _print(console: Console, report: BalanceReport, out: Path) -> None:
    manifest = report.manifest
    console.print(_files(report))
    console.print(_probes(report))
    duplicates = manifest["duplicates"]
    console.print(
        f"Left out as duplicates: {sum(duplicates['exact'].values()):,} exact, "
        f"{sum(duplicates['near'].values()):,} near.",
        highlight=False,
    )
    correction = manifest["correction"]
    if correction["tau"] != correction["pi"]:
        console.print(
            f"P(1) of a model trained on this is skewed: {correction['tau']:.3f} of train is label 1, "
            f"{correction['pi']:.3f} was. The manifest has the correction.",
            highlight=False,
            soft_wrap=True,
        )
    for warning in report.warnings:
        console.print(shown(f"Warning: {warning}", "yellow"), soft_wrap=True)
    for file in report.files.values():
        console.print(shown(str(out / file.name)), soft_wrap=True)
    console.print(shown(str(out / f"{manifest['name']}.manifest.json")), soft_wrap=True)


def _files(report: BalanceReport) -> Table:
    table = Table(title="What was written", title_justify="left")
    for heading in ("split", "rows", "label 0", "label 1", "reasoning", "natural"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for split, file in report.files.items():
        natural = report.manifest["natural"][split]["reasoning_share"]
        share = file.labels["0"] / file.rows
        counts = (f"{count:,}" for count in (file.rows, file.labels["0"], file.labels["1"]))
        table.add_row(split, *counts, f"{share:.2%}", f"{natural:.2%}")
    return table


def _probes(report: BalanceReport) -> Table:
    table = Table(
        title="What tells the label without the text (AUC and its 99 % interval)",
        title_justify="left",
    )
    table.add_column("")
    for split in report.files:
        table.add_column(split, justify="right")
    for name in next(iter(report.files.values())).probes:
        probes = (file.probes[name] for file in report.files.values())
        table.add_row(name, *(f"{each.auc:.3f} ({each.low:.3f} to {each.high:.3f})" for each in probes))
    return table
