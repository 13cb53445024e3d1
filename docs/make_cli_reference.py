"""Write docs/cli.md from the Typer application: `python docs/make_cli_reference.py`.

What a command and its options say comes from the program alone; a test holds the page to it.
"""

import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import typer
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo
from typer.utils import get_params_from_function

from turnsmith.cli import app
from turnsmith.cli.commands import COMMANDS

PAGE = Path(__file__).with_name("cli.md")
EXAMPLE = "Example: "
INTRODUCTION = """\
# Command line reference

<!-- Made by `python docs/make_cli_reference.py` from the program itself. Do not edit by hand. -->

`turnsmith COMMAND --help` prints the same. All commands keep to these habits:

- Results go to standard output, progress and messages to standard error. There are no bars and no colors
  where the output is not a terminal.
- `--json`, where there is one, prints one JSON object instead of tables.
- Exit code 0: done. 1: the data or a check failed. 2: the call or its configuration is wrong.
  130: stopped with Ctrl-C or a polite kill; the same command goes on from there.
- An error is one message: what was wrong, where, and what to do.
  `turnsmith --debug COMMAND` (or `TURNSMITH_DEBUG=1` in the environment) shows the traceback too.
"""
NAMES = {str: "TEXT", int: "N", Path: "PATH", float: "X"}

Parameter = tuple[str, ParameterInfo, Any]
"""Name of the Python parameter, what Typer knows of it, its type."""


def render() -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for name, command in COMMANDS.items():
        found = command.load()
        if isinstance(found, typer.Typer):
            parts += _commands(found, f"turnsmith {name}")
        else:
            parts.append(_command(f"turnsmith {name}", found))
    callback = app.registered_callback
    if callback is not None and callback.callback is not None:
        options = _table("option", _options(callback.callback))
        parts.insert(1, f"## turnsmith\n\n{app.info.help}\n\n{options}\n")
    return "\n".join(parts)


def _commands(group: typer.Typer, path: str) -> Iterator[str]:
    for command in group.registered_commands:
        if command.callback is not None:
            name = command.name or command.callback.__name__.replace("_", "-")
            yield _command(f"{path} {name}", command.callback)
    for each in group.registered_groups:
        if each.typer_instance is not None:
            yield from _commands(each.typer_instance, f"{path} {each.name}")


def _command(path: str, callback: Callable[..., Any]) -> str:
    paragraphs = [" ".join(part.split()) for part in (inspect.getdoc(callback) or "").split("\n\n")]
    texts = [text for text in paragraphs if not text.startswith(EXAMPLE)]
    examples = [f"$ {text.removeprefix(EXAMPLE)}" for text in paragraphs if text.startswith(EXAMPLE)]
    parameters = list(_parameters(callback))
    arguments = [each for each in parameters if isinstance(each[1], ArgumentInfo)]
    usage = " ".join([path, *(_argument(each) for each in arguments), "[OPTIONS]"])
    blocks = [f"## {path}", *texts, _fenced("text", usage)]
    if arguments:
        blocks.append(_table("argument", [(f"`{_argument(each)}`", each) for each in arguments]))
    if options := _options(callback):
        blocks.append(_table("option", options))
    if examples:
        blocks.append(_fenced("console", "\n".join(examples)))
    return "\n\n".join(blocks).rstrip() + "\n"


def _parameters(callback: Callable[..., Any]) -> Iterator[Parameter]:
    for name, parameter in get_params_from_function(callback).items():
        if isinstance(parameter.default, ParameterInfo):
            yield name, parameter.default, parameter.annotation


def _options(callback: Callable[..., Any]) -> list[tuple[str, Parameter]]:
    options = [each for each in _parameters(callback) if isinstance(each[1], OptionInfo)]
    return [(_option(each), each) for each in options]


def _option(parameter: Parameter) -> str:
    name, info, kind = parameter
    names = list(info.param_decls or [f"--{name.replace('_', '-')}"])
    return f"`{' '.join([*names, _value(info, kind)]).strip()}`"


def _argument(parameter: Parameter) -> str:
    name, info, _ = parameter
    shown = info.metavar or name.upper()
    return shown if _is_required(info) else f"[{shown}]"


def _value(info: ParameterInfo, kind: Any) -> str:
    if info.metavar:
        return info.metavar
    kinds = [each for each in get_args(kind) if each is not NoneType] or [kind]
    element = (get_args(kinds[0]) or kinds)[0] if get_origin(kinds[0]) is list else kinds[0]
    if element is bool:
        return ""
    if isinstance(element, type) and issubclass(element, Enum):
        return "|".join(str(member.value) for member in element)
    return NAMES[element]


def _table(heading: str, rows: list[tuple[str, Parameter]]) -> str:
    lines = [f"| {heading} | what it does |", "| --- | --- |"]
    for shown, (_, info, _) in rows:
        text = info.help or ""
        if _is_required(info):
            text += " Required."
        elif info.default is not None and info.default is not False:
            text += f" [{info.default}]"
        cells = (cell.replace("|", "\\|") for cell in (shown, text))  # a bar would end the cell
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _is_required(info: ParameterInfo) -> bool:
    return info.default is ... or info.default is inspect.Parameter.empty


def _fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text}\n```"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
