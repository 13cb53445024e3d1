"""The house of CONTRIBUTING.md: a module imports only from its own floor and from those below."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "turnsmith"
FLOORS = ["core", "engines", "curate", "sources", "labels", "verify", "publish", "recipes", "cli"]
VERIFY_MAY_IMPORT = "turnsmith.core.errors"
MODULES = sorted(PACKAGE.rglob("*.py"))


def folder_of(path: Path) -> str:
    """Return the folder of a module below the package, "" at its top."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of the package's modules and names that a module imports, lazily ones too."""
    here = ["turnsmith", *path.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: -node.level], node.module or ""] if node.level else [node.module or ""]
            names = [".".join([*filter(None, base), alias.name]) for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "turnsmith")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_down(path: Path) -> None:
    """No module imports from a floor above its own; verify imports nothing of the export."""
    folder = folder_of(path)
    for name in imported(path):
        target = name.split(".")[1]
        if folder == "" or not (PACKAGE / target).is_dir() or target == folder:
            continue
        if folder == "verify":
            assert name.startswith(f"{VERIFY_MAY_IMPORT}."), f"verify must not import {name}"
        else:
            assert FLOORS.index(target) < FLOORS.index(folder), f"{folder} must not import {name}"


def test_every_folder_has_a_floor() -> None:
    """Each folder of the package stands in CONTRIBUTING.md's table, which has the floors in order."""
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders == set(FLOORS)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| \w+ \| `(\w+)` \|", text, re.MULTILINE)
    assert table == FLOORS[::-1]
