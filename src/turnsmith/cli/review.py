"""`turnsmith review`: draw labels for people to vote on, and write the votes into the labeled set."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json
from turnsmith.curate.account import Account
from turnsmith.labels.review import SampleOptions, apply, read_votes, sample

review_app = typer.Typer(
    help="Draw labels for people to vote on, and write their votes back.", no_args_is_help=True
)


@review_app.command("sample")
def review_sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Labeled set, or the folder that holds it.")],
    out: Annotated[
        Path,
        typer.Option(
            help="File for the rows, .csv or .jsonl; several raters get a file each: NAME.1.csv ..."
        ),
    ],
    share: Annotated[
        float, typer.Option(help="Share of each stratum that is drawn, at least one label.")
    ] = 0.05,
    most: Annotated[int | None, typer.Option(help="Lower the share so that about so many are drawn.")] = None,
    raters: Annotated[int, typer.Option(help="People who vote.")] = 1,
    overlap: Annotated[float, typer.Option(help="Share of the sample that every rater gets.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Seed of the draw and of the order.")] = 0,
    show_labels: Annotated[
        bool, typer.Option("--show-labels", help="Show the judge's label, which sways people.")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Draw labels for review, the same share of every bin of P(1), label and bucket; blind by default.

    Fill in the column vote with 0 (a reasoning model is required) or 1 (a non-reasoning model is sufficient).

    Example: turnsmith review sample labels --out review.csv --raters 2 --overlap 0.2
    """
    options = SampleOptions(share, most, raters, overlap, seed, show_labels)
    with interruptible():
        report = sample(folder, out, options)
    console = Console()
    if json_output:
        print_json(console, report.as_json())
        return
    rows = [("labels", report.labels), ("drawn", report.drawn), ("  given to every rater", report.shared)]
    console.print(funnel(f"Sample of {report.strata} strata", rows))
    for path, count in report.files.items():
        console.print(shown(f"{path}: {count:,} rows to vote on"), soft_wrap=True)


@review_app.command("apply")
def review_apply(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Labeled set, or the folder that holds it.")],
    votes: Annotated[
        list[Path], typer.Argument(metavar="VOTES...", help="Files with votes, .csv or .jsonl.")
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Write what most raters voted as `vote` into the labeled set; the judge's own label stays.

    Example: turnsmith review apply labels review.1.csv review.2.csv
    """
    with interruptible():
        read = read_votes(votes)
        report = apply(folder, read)
    console = Console()
    if json_output:
        print_json(console, report.as_json())
        return
    console.print(funnel("Where every row went", report.account.rows()))
    rows = [
        ("turns voted on", report.turns),
        ("  not in the set", report.not_in_the_set),
        ("  tied", report.tied),
        ("votes written", report.applied),
    ]
    console.print(funnel("Where every turn went", rows))
    warn_of_rows(console, report.account)


def warn_of_rows(console: Console, account: Account) -> None:
    """Show the rows that could not be used, by reason, with their places."""
    for reason in [*account.bad, *account.dropped]:
        if reason != "no vote":
            places = ", ".join(account.samples[reason])
            console.print(shown(f"Warning: {reason}: {places}", "yellow"), soft_wrap=True)
    for what, count in account.notes.items():
        console.print(shown(f"Warning: {what}: {count:,}", "yellow"))
