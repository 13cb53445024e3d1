"""Load a recipe from YAML; errors name the file, the line and the key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from turnsmith.core.errors import UsageError
from turnsmith.recipes.assistant import AssistantRecipe
from turnsmith.recipes.router import RouterRecipe
from turnsmith.recipes.telemetry import TelemetryRecipe

RECIPES: dict[str, type[BaseModel]] = {
    "telemetry": TelemetryRecipe,
    "assistant": AssistantRecipe,
    "router": RouterRecipe,
}

Key = tuple[str | int, ...]
Recipe = TypeVar("Recipe", bound=BaseModel)


def kind_of(path: Path) -> str:
    """Return the kind of recipe that a file holds; raises UsageError where there is none such."""
    values, _ = _read_yaml(path)
    kind = str(values.get("recipe", "telemetry"))
    if kind not in RECIPES:
        raise UsageError(f"{path}: no recipe {kind!r}; there is {', '.join(RECIPES)}")
    return kind


def load_recipe(path: Path | None, options: Mapping[str, Any]) -> TelemetryRecipe:
    """Return the telemetry recipe of a file (None: the defaults) with `options` laid over it, None left out.

    Raises UsageError that names file, line and key.
    """
    return _load(path, options, TelemetryRecipe)


def load_assistant_recipe(path: Path) -> AssistantRecipe:
    """Return the assistant recipe of a file; raises UsageError that names file, line and key."""
    return _load(path, {}, AssistantRecipe)


def load_router_recipe(path: Path) -> RouterRecipe:
    """Return the router recipe of a file; raises UsageError that names file, line and key."""
    return _load(path, {}, RouterRecipe)


def _load(path: Path | None, options: Mapping[str, Any], model: type[Recipe]) -> Recipe:
    values, lines = _read_yaml(path) if path else ({}, {})
    given = {key: value for key, value in options.items() if value is not None}
    try:
        return model.model_validate({**values, **given})
    except ValidationError as error:
        faults = (_explain(each, path, lines, given, list(model.model_fields)) for each in error.errors())
        raise UsageError("\n".join(faults)) from error


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


def _explain(
    error: Any, path: Path | None, lines: Mapping[Key, int], options: Mapping[str, Any], keys: list[str]
) -> str:
    place: Key = tuple(error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = f"unknown key; the keys are {', '.join(keys)}" if len(place) == 1 else "unknown key"
    if not place:  # a check over several keys names its key first
        place = (message.split(":", 1)[0],)
        message = message.partition(": ")[2] or message
    key = ".".join(str(part) for part in place)
    if place and (place[0] in options or path is None):
        return f"--{str(place[0]).replace('_', '-')}: {message}"
    line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)
    return f"{path}{f':{line}' if line else ''}: {key}: {message}"
