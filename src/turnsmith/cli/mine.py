"""`turnsmith mine`: examples out of repositories."""

from pathlib import Path
from typing import Annotated

import typer

from turnsmith.cli.showing import shown
from turnsmith.cli.steps import funnel, interruptible, print_json, printer
from turnsmith.core.errors import EmptyResultError, UsageError
from turnsmith.core.progress import Phases

# Options of both miners.
Out = Annotated[
    str, typer.Option(help="File for the examples (.gz, .zst); - is standard output.", metavar="FILE")
]
Tokens = Annotated[
    str | None, typer.Option(help="Vocabulary that counts the tokens; an embedded one by default.")
]
Allow = Annotated[str, typer.Option(help="Licenses to use, as SPDX ids.", metavar="permissive,ID,...")]
Unknown = Annotated[str, typer.Option(help="What to do where the license is unknown.", metavar="deny|warn")]
Report = Annotated[str | None, typer.Option(help="File for the report, as JSON.", metavar="R.json")]

mine_app = typer.Typer(help="Make examples of git history and of source code.", no_args_is_help=True)


@mine_app.command("git")
def git_command(
    repositories: Annotated[
        list[str],
        typer.Argument(help="Working trees, bare or mirror repositories, bundles.", metavar="REPO..."),
    ],
    out: Out,
    kinds: Annotated[
        str, typer.Option(help="What to make of a commit; there is review, too.")
    ] = "patch,edit,message",
    since: Annotated[
        str | None, typer.Option(help="Only commits of this time or later, in UTC.", metavar="DATE")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only commits before this time, in UTC.", metavar="DATE")
    ] = None,
    branch: Annotated[str, typer.Option(help="Branch, tag or commit to walk from.")] = "HEAD",
    all_branches: Annotated[
        bool, typer.Option("--all-branches", help="Walk from every branch, too.")
    ] = False,
    max_per_author: Annotated[
        int | None, typer.Option(min=1, help="Use at most so many commits of one author.")
    ] = None,
    max_files: Annotated[int, typer.Option(min=1, help="Drop commits that change more files.")] = 20,
    max_lines: Annotated[int, typer.Option(min=1, help="Drop commits that change more lines.")] = 1200,
    max_chars: Annotated[int, typer.Option(min=100, help="Most characters of an example.")] = 24_000,
    max_tokens: Annotated[int | None, typer.Option(min=20, help="Most tokens of an example.")] = None,
    tokenizer: Tokens = None,
    pseudonymize: Annotated[
        Path | None, typer.Option(help="Key for the hashes of authors.", metavar="KEYFILE")
    ] = None,
    allow: Allow = "permissive",
    unknown: Unknown = "deny",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most processes; by default one per core, up to 8, for 500 commits or more."
        ),
    ] = None,
    report: Report = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Make examples of the bug fixes and features in git history: patches, edits and commit messages.

    Exit code 1: nothing was left.

    Example: turnsmith mine git cobra --out git_sft.jsonl --report report.json
    """
    from turnsmith.sources.code.git.mining import mine
    from turnsmith.sources.code.git.options import MineOptions, kinds_of, window_of
    from turnsmith.sources.code.licenses import policy

    if report is not None and Path(out).resolve() == Path(report).resolve():
        raise UsageError(f"{out}: named twice; --out and --report need a file each")
    options = MineOptions(
        window=window_of(since, until),
        branch=branch,
        all_branches=all_branches,
        kinds=kinds_of(kinds),
        max_per_author=max_per_author,
        max_files=max_files,
        max_lines=max_lines,
        max_chars=max_chars,
        max_tokens=max_tokens,
        tokenizer=tokenizer,
        key_file=pseudonymize,
        policy=policy([name for name in (each.strip() for each in allow.split(",")) if name], unknown),
        workers=workers,
    )
    with interruptible(), Phases() as phases:
        result = mine(repositories, out, options, phases, report)
    console = printer(out, report)
    if json_output:
        print_json(console, result.as_json())
    else:
        console.print(funnel("Where every commit went", result.rows()))
        for warning in result.warnings():
            console.print(shown(f"Warning: {warning}", "yellow"), soft_wrap=True)
        if result.written:
            console.print(shown(out), soft_wrap=True)
    if not result.written:
        raise EmptyResultError(f"no example came out; left out were: {result.why_nothing()}")
