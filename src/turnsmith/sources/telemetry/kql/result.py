"""What a query returned, whoever ran it, and whether that is what its header declares.

Values are Python's: datetime with UTC, timedelta, and parsed JSON for dynamic.
"""

from dataclasses import dataclass
from typing import Any

from turnsmith.core.errors import DataError
from turnsmith.sources.telemetry.kql.catalog import Column, Query


@dataclass(slots=True)
class Result:
    """Hold a result's columns and its rows, each row's values in the columns' order."""

    columns: list[Column]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dicts by column name."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def schema_differences(query: Query, columns: list[Column]) -> list[str]:
    """Say how `columns` differ from what the query's header declares; empty without a declaration."""
    if not query.columns:
        return []
    declared = {column.name: column.type for column in query.columns}
    found = {column.name: column.type for column in columns}
    messages = [f"column {name} is missing" for name in declared if name not in found]
    messages += [f"column {name} is not declared" for name in found if name not in declared]
    messages += [
        f"column {name} is {found[name]}, declared {kind}"
        for name, kind in declared.items()
        if name in found and found[name] != kind
    ]
    if not messages and list(declared) != list(found):
        messages.append(f"columns come as {', '.join(found)}, declared {', '.join(declared)}")
    return messages


def check_result(query: Query, result: Result) -> None:
    """Raise DataError where a result is not what the query's header declares."""
    differences = schema_differences(query, result.columns)
    if differences:
        raise DataError(f"{query.name} returned another result than declared: {'; '.join(differences)}")
