"""Check queries with Kusto's own parser, an npm package that runs in Node."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from turnsmith.core.errors import DataError
from turnsmith.sources.telemetry.kql.catalog import Column, Query
from turnsmith.sources.telemetry.kql.loading import COLUMN_TYPES, TABLE

PACKAGE = "@kusto/language-service-next"
VERSION = "12.4.1"
INSTALL = f"npm install {PACKAGE}@{VERSION}"
_PACKAGE_MISSING = 3
_TIMEOUT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Hold what the parser has to say about a place; lines and columns count from 1."""

    severity: str
    code: str
    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """Hold the parser's findings on a query and the columns it infers, None where there are none."""

    name: str
    diagnostics: tuple[Diagnostic, ...]
    columns: list[Column] | None

    @property
    def errors(self) -> list[Diagnostic]:
        """Return the errors among the diagnostics."""
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"]


def analyze(queries: Iterable[Query]) -> list[Analysis]:
    """Return the parser's findings on each query, against the declared table `AppEvents`.

    Raises DataError that says how to install what is missing.
    """
    node = shutil.which("node")
    if node is None:
        raise DataError(f"checking queries needs Node.js (https://nodejs.org), and then: {INSTALL}")
    request = {
        "paths": [str(Path.cwd()), str(Path(__file__).parent)],
        "tables": {TABLE: COLUMN_TYPES},
        "queries": [{"name": query.name, "text": query.text} for query in queries],
    }
    with as_file(files("turnsmith.sources.telemetry.kql") / "analyze.js") as script:
        try:
            done = subprocess.run(  # noqa: S603 - node and our own script
                [node, str(script)], input=json.dumps(request), capture_output=True, text=True, check=False,
                encoding="utf-8", timeout=_TIMEOUT_SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DataError(f"Kusto's parser did not answer: {error}") from error
    if done.returncode == _PACKAGE_MISSING:
        raise DataError(f"checking queries needs the npm package {PACKAGE}; in this folder: {INSTALL}")
    if done.returncode != 0:
        raise DataError(f"Kusto's parser failed:\n{done.stderr.strip()[-2000:]}")
    return [
        Analysis(
            found["name"],
            tuple(Diagnostic(**diagnostic) for diagnostic in found["diagnostics"]),
            None if found["columns"] is None else [Column(c["name"], c["type"]) for c in found["columns"]],
        )
        for found in json.loads(done.stdout)["queries"]
    ]
