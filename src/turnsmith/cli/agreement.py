"""`turnsmith agreement`: a judge's labels held against people's votes."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.app import ManyValues
from turnsmith.cli.review import warn_of_rows
from turnsmith.cli.showing import shown
from turnsmith.cli.steps import interruptible, print_json
from turnsmith.labels.agreement import AgreementReport, agreement
from turnsmith.labels.review import Votes, read_votes


class ManyVotes(ManyValues):
    """Let `--votes a b` mean `--votes a --votes b`."""

    spread = ("--votes",)


def agreement_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Labeled set, or the folder that holds it.")],
    votes: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE...",
            help="Votes, .csv or .jsonl, one file or rater after the other; by default those that the set holds.",
        ),
    ] = None,
    min_kappa: Annotated[
        float | None, typer.Option(help="Exit with 1 where Cohen's kappa is below this.", min=-1, max=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.")] = 0,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Hold a labeled set against people's votes: agreement, calibration, prevalence corrected for errors.

    Exit code 0: done. 1: no vote is about the set, or kappa is below --min-kappa. 2: wrong usage.

    Example: turnsmith agreement labels --votes review.1.csv review.2.csv
    """
    with interruptible():
        read = read_votes(votes) if votes else Votes()
        report = agreement(folder, read, seed=seed)
    console = Console()
    told = report.as_json()
    if json_output:
        print_json(console, told)
    else:
        _print(console, report, told)
        warn_of_rows(console, read.account)
    kappa = told["agreement"]["kappa"]
    if min_kappa is not None and (kappa is None or kappa < min_kappa):
        raise typer.Exit(1)


def _print(console: Console, report: AgreementReport, told: dict[str, Any]) -> None:
    turns = report.turns
    console.print(
        f"{turns['compared']:,} turns compared, of {turns['voted_on']:,} voted on and {report.labels:,} labels; "
        f"{turns['tied']:,} tied.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_figures(told))
    console.print(_confusion(told["confusion"]))
    console.print(_reliability(told["calibration"]["bins"]))
    if told["people"]["pairs"]:
        console.print(_pairs(told["people"]["pairs"]))
    if told["contested"]:
        console.print(_contested(told["contested"]))
    for warning in report.warnings:
        console.print(shown(f"Warning: {warning}", "yellow"), soft_wrap=True)


def _figures(told: dict[str, Any]) -> Table:
    table = Table(title="Judge and people", title_justify="left")
    for heading in ("", "", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "" and not table.columns else "right")
    agreed, prevalence, people = told["agreement"], told["prevalence"], told["people"]
    rows = [
        ("raw agreement", agreed["raw"], agreed["raw_interval"]),
        ("Cohen's kappa", agreed["kappa"], agreed["kappa_interval"]),
        ("Krippendorff's alpha, people", people["alpha"], None),
        ("Krippendorff's alpha, with the judge", people["alpha_with_judge"], None),
        ("reasoning, as judged, turns voted on", agreed["reasoning_share_judge"], None),
        ("reasoning, as voted", agreed["reasoning_share_people"], None),
        ("reasoning, as judged, whole set", prevalence["judged"], None),
        ("  found of people's 0 (sensitivity)", prevalence["sensitivity"], None),
        ("  found of people's 1 (specificity)", prevalence["specificity"], None),
        ("reasoning, corrected for errors", prevalence["corrected"], prevalence["corrected_interval"]),
        ("calibration error (ECE)", told["calibration"]["ece"], None),
        ("Brier score", told["calibration"]["brier"], None),
    ]
    for name, value, interval in rows:
        table.add_row(name, _shown(value), f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "")
    return table


def _shown(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _confusion(buckets: dict[str, dict[str, int]]) -> Table:
    table = Table(title="Labels by bucket", title_justify="left")
    table.add_column("bucket")
    for heading in ("both 0", "judge 0, people 1", "judge 1, people 0", "both 1"):
        table.add_column(heading, justify="right")
    for name, counts in buckets.items():
        table.add_row(shown(name), *(f"{count:,}" for count in counts.values()))
    return table


def _reliability(bins: list[dict[str, Any]]) -> Table:
    table = Table(title="Soft labels: P(1) and what people voted", title_justify="left")
    for heading in ("P(1)", "turns", "mean P(1)", "voted 1"):
        table.add_column(heading, justify="right")
    for each in bins:
        table.add_row(
            f"{each['low']:.1f} to {each['high']:.1f}",
            f"{each['count']:,}",
            _shown(each["predicted"]),
            _shown(each["true"]),
        )
    return table


def _pairs(pairs: list[dict[str, Any]]) -> Table:
    table = Table(title="People among themselves", title_justify="left")
    for heading in ("raters", "turns", "raw", "kappa"):
        table.add_column(heading, justify="left" if heading == "raters" else "right")
    for pair in pairs:
        table.add_row(
            shown(" and ".join(pair["raters"])),
            f"{pair['turns']:,}",
            _shown(pair["raw"]),
            _shown(pair["kappa"]),
        )
    return table


def _contested(turns: list[dict[str, Any]]) -> Table:
    table = Table(title="Most contested", title_justify="left")
    for heading in ("conversation", "message"):
        table.add_column(heading, overflow="fold")
    for heading in ("P(1)", "votes for 0 and 1"):
        table.add_column(heading, justify="right")
    for turn in turns:
        votes = f"{turn['votes']['0']} and {turn['votes']['1']}"
        table.add_row(
            shown(turn["conversationId"]), shown(turn["messageId"]), _shown(turn["soft_label"]), votes
        )
    return table
