"""`turnsmith mine fim`: fill-in-the-middle examples of source code."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from turnsmith.cli.app import ManyValues
from turnsmith.cli.mine import Allow, Out, Report, Tokens, Unknown, mine_app
from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, printer
from turnsmith.core.progress import Advance, Phases

if TYPE_CHECKING:
    from turnsmith.sources.code.fim.mining import OnPlace
    from turnsmith.sources.code.fim.report import FimReport


class ManyWeights(ManyValues):
    """Let `--folder-weight a=1 b=2` mean `--folder-weight a=1 --folder-weight b=2`."""

    spread = ("--language-weight", "--folder-weight")


@mine_app.command("fim", cls=ManyWeights)
def fim_command(
    repositories: Annotated[
        list[str],
        typer.Argument(help="Working trees, bare repositories, bundles, or folders.", metavar="REPO..."),
    ],
    out: Out,
    per_file: Annotated[int, typer.Option(help="Most examples of one file.")] = 6,
    max_len: Annotated[int, typer.Option(help="Most that an example may have, in --unit.")] = 1600,
    unit: Annotated[
        str,
        typer.Option(help="chars of prefix, middle and suffix, or tokens of all.", metavar="chars|tokens"),
    ] = "chars",
    tokenizer: Tokens = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="A chat, or one text with a model's tokens.",
            metavar="messages|qwen|starcoder|codellama|deepseek",
        ),
    ] = "messages",
    spm: Annotated[
        float | None,
        typer.Option(
            help="Share of examples with the suffix first; 0.5 where the model has it.", metavar="SHARE"
        ),
    ] = None,
    repo_context: Annotated[
        bool, typer.Option("--repo-context", help="Put other files of the folder in front (qwen, starcoder).")
    ] = False,
    special: Annotated[
        str,
        typer.Option(help="What to do with special tokens in the code.", metavar="refuse|escape"),
    ] = "refuse",
    languages: Annotated[str | None, typer.Option(help="Use only these.", metavar="python,go,...")] = None,
    mix: Annotated[
        str, typer.Option(help="Shares of syntax nodes, lines and any characters.", metavar="KIND=N,...")
    ] = "nodes=60,lines=25,chars=15",
    language_weight: Annotated[
        list[str] | None,
        typer.Option(
            help="Factor on --per-file; by default json=0.25, markdown=0.5.", metavar="LANGUAGE=W..."
        ),
    ] = None,
    folder_weight: Annotated[
        list[str] | None,
        typer.Option(help="Factor on --per-file of a folder and what is below.", metavar="FOLDER=W..."),
    ] = None,
    per_folder: Annotated[
        int, typer.Option(min=0, help="About the most examples of one folder; 0 for any number.")
    ] = 600,
    max_file_bytes: Annotated[int, typer.Option(min=1, help="Leave out larger files.")] = 500_000,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit to read.", metavar="REV")] = "HEAD",
    allow: Allow = "permissive",
    unknown: Unknown = "deny",
    report: Report = None,
    seed: Annotated[int, typer.Option(help="Another seed, other holes.")] = 0,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Make fill-in-the-middle examples of the source code in repositories and folders.

    Exit code 1: nothing was left.

    Example: turnsmith mine fim cobra.bundle --out train.fim.jsonl --per-file 6 --max-len 1600 --report report.json
    """
    from turnsmith.sources.code.fim.mining import mine_fim
    from turnsmith.sources.code.fim.options import LANGUAGE_WEIGHTS, FimOptions, shares
    from turnsmith.sources.code.licenses import policy

    options = FimOptions(
        per_file=per_file,
        max_len=max_len,
        unit=unit,
        tokenizer=tokenizer,
        format=format_,
        spm=spm,
        repo_context=repo_context,
        special=special,
        languages=_listed(languages),
        mix=shares("--mix", [mix]),
        language_weights={**LANGUAGE_WEIGHTS, **shares("--language-weight", language_weight or [])},
        folder_weights=shares("--folder-weight", folder_weight or []),
        per_folder=per_folder,
        max_file_bytes=max_file_bytes,
        licenses=policy(_listed(allow), unknown),
        seed=seed,
    )
    with interruptible(), Phases() as phases, _bars(phases) as on_place:
        result = mine_fim(repositories, out, options, report=report, revision=revision, on_place=on_place)
    console = printer(out, report)
    if json_output:
        print_json(console, result.as_json())
    else:
        _print(console, result)


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in (text or "").split(",")) if name)


@contextlib.contextmanager
def _bars(phases: Phases) -> "Iterator[OnPlace]":
    """Give what shows a bar for one repository after the other."""
    with contextlib.ExitStack() as current:

        def on_place(name: str, size: int) -> Advance:
            current.close()
            return current.enter_context(phases.phase(name, size, "files"))

        yield on_place


def _print(console: Console, result: "FimReport") -> None:
    console.print(funnel("Where every file went", result.rows()))
    table = Table(title="Files and examples by language", title_justify="left")
    table.add_column("")
    for heading in ("files", "do not parse", "used", "MB", "examples"):
        table.add_column(heading, justify="right")
    for name, each in sorted(result.languages.items()):
        counts = (each.read, each.unparsed, each.used)
        table.add_row(
            name, *(f"{count:,}" for count in counts), f"{each.bytes / 1e6:.1f}", f"{each.examples:,}"
        )
    console.print(table)
    for warning in result.warnings():
        console.print(shown(f"Warning: {warning}", "yellow"), soft_wrap=True)
    console.print(shown(result.out), soft_wrap=True)
