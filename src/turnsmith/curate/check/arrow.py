"""Types of fields over all lines: Arrow gives each field one type, or does not load the file."""

from typing import Any

from turnsmith.core.chat import Example
from turnsmith.curate.check.messages import kind_of
from turnsmith.curate.check.problems import Problem, Problems, show


class ColumnTypes:
    """Remember the type of each field at its first sight. Memory grows with the number of fields, not of lines."""

    def __init__(self) -> None:
        self._types: dict[str, str] = {}
        self._kind: str | None = None

    def check(self, example: Example) -> Problems:
        """Find fields that have another type than on earlier lines."""
        kind = kind_of(example)
        if kind is not None:
            self._kind = self._kind or kind
            if kind != self._kind:
                yield Problem("mixed-columns", f"{kind}, the first line has {self._kind}")
        conflicts: dict[str, str] = {}
        self._compare(example, "", conflicts)
        for path, detail in conflicts.items():
            yield Problem("mixed-types", f"{show(path)}: {detail}")

    def _compare(self, value: Any, path: str, conflicts: dict[str, str]) -> None:
        name = _type_of(value)
        if name is None:
            return
        before = self._types.setdefault(path, name)
        if before != name:
            conflicts[path] = f"{name}, before it was {before}"
            return
        if isinstance(value, dict):
            for key, item in value.items():
                self._compare(item, f"{path}.{key}".lstrip("."), conflicts)
        elif isinstance(value, list):
            for item in value:
                self._compare(item, f"{path}[]", conflicts)


def _type_of(value: Any) -> str | None:
    """Return the name of a JSON type, None for null, which agrees with all."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"
