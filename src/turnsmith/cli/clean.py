"""`turnsmith clean`: scrub examples, drop poor ones by named rules, keep each once."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from turnsmith.cli.app import ManyValues
from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, printer, reading_bar
from turnsmith.core.errors import EmptyResultError
from turnsmith.curate.clean import CleanOptions, CleanReport, clean
from turnsmith.curate.clean.rules import MALFORMED
from turnsmith.curate.clean.spooling import size_of


class ManyRules(ManyValues):
    """Let `--rule a b` mean `--rule a --rule b`."""

    spread = ("--rule", "--skip-rule")


def clean_command(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="Examples as JSON Lines (.gz, .zst); - is standard input.")
    ],
    out: Annotated[str, typer.Option(help="File for what is kept; - is standard output.", metavar="FILE")],
    report: Annotated[
        str | None, typer.Option(help="File for the report, as JSON.", metavar="R.json")
    ] = None,
    rejected: Annotated[
        str | None, typer.Option(help="File for what is dropped, each with its rule.", metavar="FILE")
    ] = None,
    scrub: Annotated[
        bool, typer.Option("--scrub/--no-scrub", help="Replace secrets and personal data.")
    ] = True,
    pseudonymize: Annotated[
        Path | None,
        typer.Option(help="Key for placeholders that stay the same across files.", metavar="KEYFILE"),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Drop examples of more tokens.")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Vocabulary that counts the tokens; an embedded one by default.")
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(help="Drop conversations in which the user surely writes another.", metavar="en,de"),
    ] = None,
    min_user_chars: Annotated[int, typer.Option(min=0, help="Drop conversations with less user text.")] = 80,
    rule: Annotated[list[str] | None, typer.Option(help="Apply these rules only.", metavar="NAME...")] = None,
    skip_rule: Annotated[
        list[str] | None, typer.Option(help="Leave these rules out.", metavar="NAME...")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Scrub examples, drop poor ones by named rules, and keep exact duplicates once.

    The rules in their order: no_assistant, no_user, no_trainable_token, broken_arguments, non_text, short_user,
    noise, refusal, truncated, unbalanced_fences, language, over_tokens, exact_duplicate.

    Exit code 1: nothing was left.

    Example: turnsmith clean raw.jsonl --out good.jsonl --rejected rejected.jsonl --report report.json
    """
    options = CleanOptions(
        scrub=scrub,
        key_file=pseudonymize,
        max_tokens=max_tokens,
        tokenizer=tokenizer,
        languages=_listed(languages),
        min_user_chars=min_user_chars,
        only=tuple(rule or ()),
        skip=tuple(skip_rule or ()),
    )
    passes = 2 if scrub else 1
    with interruptible(), reading_bar("Cleaning", size_of(source) * passes) as on_progress:
        result = clean(source, out, options, report=report, rejected=rejected, on_progress=on_progress)
    console = printer(out, rejected, report)
    if json_output:
        print_json(console, result.as_json())
    else:
        _print(console, result)
    if not result.account.kept:
        raise EmptyResultError(f"{out}: no example was left; the funnel says which rule took them")


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(name for name in (part.strip().lower() for part in (text or "").split(",")) if name)


def _print(console: Console, result: CleanReport) -> None:
    console.print(funnel("Where every line went", result.rows()))
    if result.scrubbed:
        console.print(funnel("Replaced in what was kept", sorted(result.scrubbed.items())))
    for reason in (*result.account.bad, MALFORMED):
        if places := result.account.samples.get(reason):
            console.print(shown(f"Warning: {reason}: {', '.join(places)}", "yellow"), soft_wrap=True)
    console.print(shown(result.out), soft_wrap=True)
