"""The Typer application: errors become one message and an exit code, options may take several values."""

import copy
import os
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from turnsmith.cli.commands import COMMANDS, Command
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


class Loading(MutableMapping[str, Any]):
    """Hold commands by name; one is imported when it is first asked for."""

    def __init__(self, commands: dict[str, Any]) -> None:
        self._commands = commands

    def __getitem__(self, name: str) -> Any:
        found = self._commands[name]
        if isinstance(found, Command):
            found = self._commands[name] = found.build(name)
        return found

    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


class Program(Commands):
    """Hold all commands of the program, and list them without importing one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Loading({**COMMANDS, **self.commands})

    def list_commands(self, _ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(self.commands)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, with what the table of commands says of each."""
        listed = copy.copy(self)
        listed.commands = {name: TyperCommand(name, help=each.help) for name, each in COMMANDS.items()}
        Commands.format_help(listed, ctx, formatter)


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
    cls=Program,
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
