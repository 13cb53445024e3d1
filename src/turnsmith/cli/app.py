"""The Typer application: errors become one message and an exit code, options may take several values."""

import os
import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from turnsmith.cli.showing import shown
from turnsmith.core.errors import TurnsmithError

DEBUG_VARIABLE = "TURNSMITH_DEBUG"


class Commands(TyperGroup):
    """Run a command; print a TurnsmithError in a sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except TurnsmithError as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            for line in f"Error: {error}".splitlines():
                Console(stderr=True).print(shown(line, "red"), soft_wrap=True)
            raise typer.Exit(error.exit_code) from error


class ManyValues(TyperCommand):
    """Let `--events a b c` mean `--events a --events b --events c`, as a shell expands globs."""

    spread: tuple[str, ...] = ("--events",)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each further value."""
        spread_args: list[str] = []
        current: str | None = None
        for arg in args:
            if arg.startswith("-"):
                current = arg if arg in self.spread else None
                if current is None:
                    spread_args.append(arg)
            elif current is not None:
                spread_args += [current, arg]
            else:
                spread_args.append(arg)
        if args and args[-1] in self.spread:
            spread_args.append(args[-1])
        return super().parse_args(ctx, spread_args)


app = typer.Typer(
    name="turnsmith",
    help="Turn what coding assistants leave behind into training sets one can trust.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from turnsmith import __version__

        typer.echo(f"turnsmith {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Show the version."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


def main() -> None:
    """Run the command line."""
    app(prog_name="turnsmith" if sys.argv[0].endswith("__main__.py") else None)
