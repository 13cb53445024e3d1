"""`turnsmith query`: the KQL pack, and queries of one's own, on files or on a cluster."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnsmith.cli.app import ManyValues
from turnsmith.core.errors import UsageError
from turnsmith.core.files import writing
from turnsmith.sources.telemetry.kql import output
from turnsmith.sources.telemetry.kql.catalog import Query, load_query, shipped_queries
from turnsmith.sources.telemetry.kql.lint import analyze
from turnsmith.sources.telemetry.kql.local import LocalEvents
from turnsmith.sources.telemetry.kql.parameters import Value, given_values
from turnsmith.sources.telemetry.kql.remote import run_on_cluster
from turnsmith.sources.telemetry.kql.result import Result, check_result, schema_differences

query_app = typer.Typer(help="List, show, check and run KQL queries.", no_args_is_help=True)
TABLE_ROWS = 50
CELL_WIDTH = 60


class Format(StrEnum):
    """Name the formats of a result."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@query_app.command("list")
def list_command() -> None:
    """List the queries that ship.

    Example: turnsmith query list
    """
    table = Table(box=None, pad_edge=False)
    for heading in ("group", "query", "purpose"):
        table.add_column(heading, no_wrap=heading != "purpose")
    for query in shipped_queries():
        table.add_row(query.group, query.name, re.split(r"[.:;](?: |$)", query.purpose)[0] + ".")
    Console().print(table)


@query_app.command("show")
def show_command(name: Annotated[str, typer.Argument(help="The query's name, or a .kql file.")]) -> None:
    """Print a query, to paste it elsewhere or to start your own from.

    Example: turnsmith query show sft_test_100 > mine.kql
    """
    typer.echo(load_query(name).text, nl=False)


@query_app.command("check")
def check_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Files or names; the whole pack by default.", metavar="[FILE]..."),
    ] = None,
) -> None:
    """Check queries with Kusto's own parser against the schema of AppEvents; needs Node.js.

    Example: turnsmith query check mine.kql
    """
    queries = [load_query(name) for name in names] if names else shipped_queries()
    failed = 0
    for query, named, analysis in zip(queries, names or [""] * len(queries), analyze(queries), strict=True):
        where = named or f"{query.group}/{query.name}.kql"
        lines = [
            f"{where}:{d.line}:{d.column}: {d.severity} {d.code}: {d.message}" for d in analysis.diagnostics
        ]
        if not analysis.errors:
            lines += [f"{where}: error: {text}" for text in schema_differences(query, analysis.columns or [])]
        for line in lines:
            typer.echo(line, err=True)
        failed += any(": error" in line for line in lines)
    typer.echo(f"{len(queries)} checked, {failed} with errors")
    if failed:
        raise typer.Exit(1)


@query_app.command("run", cls=ManyValues)
def run_command(
    name: Annotated[str, typer.Argument(help="The query's name, or a .kql file.")],
    param: Annotated[
        list[str] | None, typer.Option(help="Value of a parameter; may be repeated.", metavar="NAME=VALUE")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(help="Run on these files, folders or globs of events.", metavar="PATH..."),
    ] = None,
    kusto: Annotated[str | None, typer.Option(help="Run on this cluster.", metavar="URI")] = None,
    database: Annotated[str | None, typer.Option(help="Database of the cluster.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="Format of the result.")] = Format.table,
    out: Annotated[Path | None, typer.Option(help="File to write instead of the terminal.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="What now() means, and the parameter as_of.", metavar="ISO")
    ] = None,
) -> None:
    """Run a query that ships, or your own, on event files or on a cluster.

    Example: turnsmith query run discover_events --events events/ --as-of 2026-01-16T00:00:00Z
    """
    if bool(events) == bool(kusto):
        raise UsageError("give either --events PATH... or --kusto URI --database DB")
    if bool(kusto) != bool(database):
        raise UsageError("--kusto and --database go together")
    if format_ is Format.parquet and out is None:
        raise UsageError("--format parquet needs --out FILE")
    query = load_query(name)
    moment = _moment(as_of)
    values = given_values(query.parameters, _texts(query, param or [], as_of), query.name)
    if kusto and database:
        result = run_on_cluster(kusto, database, query.text, values, moment, query.name)
    else:
        result = _run_on_files(query, events or [], values, moment)
    check_result(query, result)
    _write(result, format_, out)


def _run_on_files(query: Query, events: list[str], values: dict[str, Value], now: datetime | None) -> Result:
    with LocalEvents(events) as local:
        if local.loaded.malformed:
            typer.echo(f"Warning: {local.loaded.malformed:,} malformed rows left out", err=True)
        return local.run(query.text, values, now, query.name)


def _moment(as_of: str | None) -> datetime | None:
    if as_of is None:
        return None
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError as error:
        raise UsageError(f"--as-of: {as_of!r} is no ISO 8601 time such as 2026-01-16T00:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _texts(query: Query, params: list[str], as_of: str | None) -> dict[str, str]:
    texts = {}
    for param in params:
        name, equals, value = param.partition("=")
        if not equals or not name:
            raise UsageError(f"--param: {param!r} is not of the form NAME=VALUE")
        texts[name] = value
    if as_of is not None and "as_of" in query.declares:
        texts.setdefault("as_of", as_of)
    return texts


def _write(result: Result, format_: Format, out: Path | None) -> None:
    if out is None:
        if format_ is Format.table:
            _print_table(result, Console())
        else:
            typer.echo(
                output.csv_text(result) if format_ is Format.csv else output.json_text(result), nl=False
            )
        return
    if format_ is Format.parquet:
        output.write_parquet(result, out)
    else:
        with writing(out) as part, part.open("w", encoding="utf-8", newline="") as file:
            if format_ is Format.table:
                _print_table(result, Console(file=file, width=200))
            else:
                file.write(output.csv_text(result) if format_ is Format.csv else output.json_text(result))
    typer.echo(f"{len(result.rows):,} rows")
    typer.echo(out)


def _print_table(result: Result, console: Console) -> None:
    table = Table()
    for column in result.columns:
        numeric = column.type in ("int", "long", "real")
        table.add_column(column.name, justify="right" if numeric else "left", overflow="fold")
    for row in result.rows[:TABLE_ROWS]:
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)
    if len(result.rows) > TABLE_ROWS:
        console.print(f"... and {len(result.rows) - TABLE_ROWS:,} more rows: --format csv or json shows all")


def _cell(value: object) -> str:
    text = output.cell_text(value)
    return text if len(text) <= CELL_WIDTH else f"{text[: CELL_WIDTH - 3]}..."
