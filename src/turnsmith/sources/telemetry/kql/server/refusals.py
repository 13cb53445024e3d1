"""From errors of duckdb-kql and DuckDB to the refusals that Kusto would answer with; SQL never shows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from turnsmith.sources.telemetry.kql.server.faults import (
    RefusalError,
    bad_request,
    place_of,
    semantic_error,
    syntax_error,
)

_TABLE = re.compile(r"Table with name (.+?) does not exist")
_COLUMN = re.compile(r'Referenced column "(.+?)" not found|does not have a column named "(.+?)"')
_IN_COMPILATION = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)


@contextmanager
def of(text: str) -> Iterator[None]:
    """Turn the errors of a query into refusals that name its place."""
    import duckdb_kql

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb_kql.KqlSyntaxError as error:
        raise _syntax(error) from error
    except duckdb_kql.KqlUnsupportedError as error:
        raise _unsupported(error, text) from error
    except duckdb_kql.KqlError as error:
        name = getattr(error, "name", "")
        raise semantic_error(str(error), place_of(name, text) if name else None) from error
    except _IN_COMPILATION as error:
        raise _unresolved(str(error), text) from error
    except duckdb.Error as error:
        raise bad_request(f"the query failed: {str(error).splitlines()[0]}") from error


def missing(names: tuple[str, ...]) -> RefusalError:
    """Return the refusal of a request that leaves out parameters without a default."""
    return semantic_error(f"no value is given for the query parameter {', '.join(map(repr, names))}")


def _syntax(error: Any) -> RefusalError:
    if not error.diagnostics:
        return syntax_error(str(error), 1, 0)
    first = error.diagnostics[0]
    return syntax_error(first.message, first.span.line, first.span.column)


def _unsupported(error: Any, text: str) -> RefusalError:
    name = str(error.construct).rpartition(":")[2]
    place = (error.span.line, error.span.column) if error.span else place_of(name, text)
    return semantic_error(f"{str(error.construct)!r} is beyond what this server runs (duckdb-kql)", place)


def _unresolved(message: str, text: str) -> RefusalError:
    if found := _TABLE.search(message):
        name = found[1]
        return semantic_error(
            f"Failed to resolve table or column expression named '{name}'", place_of(name, text)
        )
    if found := _COLUMN.search(message):
        name = found[1] or found[2]
        return semantic_error(
            f"Failed to resolve column or scalar expression named '{name}'", place_of(name, text)
        )
    return semantic_error(message.splitlines()[0].partition(": ")[2] or message.splitlines()[0])
