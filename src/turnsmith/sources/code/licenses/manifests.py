"""Package manifests: the license that their fields declare."""

import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

from turnsmith.sources.code.licenses.expressions import normalized
from turnsmith.sources.code.licenses.verdict import Verdict


def _package_json(text: str) -> str | None:
    fields = json.loads(text)
    declared = fields.get("license")
    if isinstance(declared, dict):
        declared = declared.get("type")
    if declared is None and isinstance(fields.get("licenses"), list):  # a choice, by npm's old custom
        types = [each.get("type") if isinstance(each, dict) else each for each in fields["licenses"]]
        declared = " OR ".join(each for each in types if isinstance(each, str))
    return declared if isinstance(declared, str) else None


def _pyproject(text: str) -> str | None:
    fields = tomllib.loads(text)
    project: Any = fields.get("project") or fields.get("tool", {}).get("poetry") or {}
    declared = project.get("license")
    if isinstance(declared, dict):
        declared = declared.get("text")
    return declared if isinstance(declared, str) else None


def _cargo(text: str) -> str | None:
    package: Any = tomllib.loads(text).get("package") or {}
    declared = package.get("license")
    return declared if isinstance(declared, str) else None


READERS: dict[str, Callable[[str], str | None]] = {
    "package.json": _package_json,
    "pyproject.toml": _pyproject,
    "Cargo.toml": _cargo,
}
_HEADER = re.compile(r"SPDX-License-Identifier:[ \t]*([^\r\n]+)")
_COMMENT_END = re.compile(r"\s*(?:\*/|-->|\*\)|#\}|%>)\s*$")
HEADER_BYTES = 4096
HEADER_LINES = 30


def declared_license(data: bytes, file: str) -> Verdict:
    """Return what a manifest's field declares, `file` being its path; unknown where it is no SPDX expression."""
    try:
        declared = READERS[file.rpartition("/")[2]](data.decode("utf-8"))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return Verdict()
    expression = normalized(declared) if declared else None
    return Verdict(expression, file, 1.0, "declared") if expression else Verdict()


def header_license(head: bytes, file: str) -> Verdict | None:
    """Return what a file's own SPDX header says, or None without one; unknown where that is no SPDX expression."""
    lines = head[:HEADER_BYTES].decode("utf-8", "replace").split("\n")[:HEADER_LINES]
    match = _HEADER.search("\n".join(lines))
    if match is None:
        return None
    expression = normalized(_COMMENT_END.sub("", match[1]))
    return Verdict(expression, file, 1.0, "header") if expression else Verdict()
