"""The queries that ship, and what the headers and declarations of any query say.

A header is the comment block at the top of a file: `Purpose:`, `Note:`, then one line `name: type - text` for
each parameter and each output column. A query of a user's own needs none of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from turnsmith.core.errors import UsageError
from turnsmith.sources.telemetry.kql.parameters import Parameter, declared_parameters

SUFFIX = ".kql"
GROUPS = ("production", "test", "exploration", "verification")
_ENTRY = re.compile(r"(\w+): (\w+) - (.*)")
_BLOCK = re.compile(
    r"^// === block: (?P<name>[\w ]+) ===\n(?P<text>.*?)^// === end of block ===\n", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Column:
    """Name an output column with its Kusto type; `text` says what it holds."""

    name: str
    type: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """Hold a query's text with what is known of it; `group` is "" for a file of a user's own.

    `columns` is empty where the header declares none.
    """

    name: str
    group: str
    text: str
    purpose: str = ""
    notes: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    columns: tuple[Column, ...] = ()

    @property
    def declares(self) -> set[str]:
        """Return the names of the declared parameters."""
        return {parameter.name for parameter in self.parameters}


@dataclass(slots=True)
class _Header:
    purpose: str = ""
    notes: list[str] = field(default_factory=list)
    entries: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)


def shipped_queries() -> list[Query]:
    """Return the queries of the pack, group by group, each sorted by name."""
    found = []
    for group in GROUPS:
        folder = files("turnsmith.sources.telemetry") / "queries" / group
        for path in sorted(folder.iterdir(), key=lambda path: path.name):
            if path.name.endswith(SUFFIX):
                text = path.read_text(encoding="utf-8")
                found.append(parse_query(path.name.removesuffix(SUFFIX), text, group))
    return found


def find_query(name: str) -> Query:
    """Return the query of the pack with this name, with or without its group.

    Raises UsageError that lists the names there are.
    """
    queries = shipped_queries()
    for query in queries:
        if name.removesuffix(SUFFIX) in (query.name, f"{query.group}/{query.name}"):
            return query
    raise UsageError(f"no query {name!r}; there is {', '.join(query.name for query in queries)}")


def load_query(name_or_file: str) -> Query:
    """Return a query of the pack or, where the text names a file, that file's.

    Raises UsageError where it is neither.
    """
    path = Path(name_or_file)
    if not path.is_file():
        if path.suffix == SUFFIX and len(path.parts) > 2:
            raise UsageError(f"{path}: no such file")
        return find_query(name_or_file)
    try:
        return parse_query(path.stem, path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}") from error


def parse_query(name: str, text: str, group: str = "") -> Query:
    """Return a query with what its header and its declaration say.

    Raises UsageError for a declaration that can't be read.
    """
    header = _header(text)
    described = {entry: words for entry, _, words in header.entries.get("Parameters", [])}
    parameters = tuple(
        Parameter(given.name, given.type, given.default, described.get(given.name, ""))
        for given in declared_parameters(text, name)
    )
    columns = tuple(Column(*entry) for entry in header.entries.get("Columns", []))
    return Query(name, group, text, header.purpose, tuple(header.notes), parameters, columns)


def blocks(text: str) -> dict[str, str]:
    """Return the marked blocks of a query by name; a block reads the same in every query that has it."""
    return {match["name"]: match["text"] for match in _BLOCK.finditer(text)}


def _header(text: str) -> _Header:
    header = _Header()
    section = ""
    for line in _joined_lines(text):
        label, _, words = line.partition(":")
        if label in ("Purpose", "Note") and not section:
            if label == "Purpose":
                header.purpose = words.strip()
            else:
                header.notes.append(words.strip())
        elif line in ("Parameters:", "Columns:"):
            section = label
        elif section and (match := _ENTRY.fullmatch(line)):
            header.entries.setdefault(section, []).append((match[1], match[2], match[3]))
    return header


def _joined_lines(text: str) -> Iterator[str]:
    """Yield the header's lines; a line that is indented deeper goes on with the one before."""
    current, depth = "", 0
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        content = line[2:]
        indent = len(content) - len(content.lstrip())
        if content.strip() and indent > depth and current and not current.endswith(":"):
            current += " " + content.strip()
            continue
        if current:
            yield current
        current, depth = content.strip(), indent
    if current:
        yield current
