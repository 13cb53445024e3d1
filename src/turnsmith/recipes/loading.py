"""Load a recipe from YAML; errors name the file, the line and the key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from turnsmith.core.errors import UsageError
from turnsmith.recipes.telemetry import TelemetryRecipe

Key = tuple[str | int, ...]


def load_recipe(path: Path | None, options: Mapping[str, Any]) -> TelemetryRecipe:
    """Return the recipe of a file (None: the defaults) with `options` that are not None laid over it.

    Raises UsageError that names file, line and key.
    """
    values, lines = _read_yaml(path) if path else ({}, {})
    given = {key: value for key, value in options.items() if value is not None}
    try:
        return TelemetryRecipe.model_validate({**values, **given})
    except ValidationError as error:
        raise UsageError("\n".join(_explain(e, path, lines, given) for e in error.errors())) from error


def _read_yaml(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid YAML: {error}") from error
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise UsageError(f"{path}: a recipe is a mapping of keys; see `turnsmith recipe show telemetry`")
    lines: dict[Key, int] = {}
    _collect_lines(node, (), lines)
    return {str(key).replace("-", "_"): value for key, value in values.items()}, lines


def _collect_lines(node: yaml.Node | None, place: Key, lines: dict[Key, int]) -> None:
    if node is None:
        return
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value.replace("-", "_") if not place else key.value
            _collect_lines(value, (*place, name), lines)
            lines[(*place, name)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _collect_lines(value, (*place, number), lines)


def _explain(error: Any, path: Path | None, lines: Mapping[Key, int], options: Mapping[str, Any]) -> str:
    place: Key = tuple(error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = ", ".join(TelemetryRecipe.model_fields)
        message = f"unknown key; the keys are {known}" if len(place) == 1 else "unknown key"
    if not place:  # a check over several keys names its key first
        place = (message.split(":", 1)[0],)
        message = message.partition(": ")[2] or message
    key = ".".join(str(part) for part in place)
    if place and place[0] in options:
        return f"--{str(place[0]).replace('_', '-')}: {message}"
    line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)
    return f"{path}{f':{line}' if line else ''}: {key}: {message}"
