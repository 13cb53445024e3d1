"""Repositories and folders for tests of fill-in-the-middle mining."""

import itertools
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from identify.vendor.licenses import LICENSES

from turnsmith.sources.code.fim.holes import Hole

MIT = dict(LICENSES)["MIT"]


def folder(path: Path, files: Mapping[str, str | bytes], license_text: str = MIT) -> Path:
    """Write files below a folder, with a license at its root unless that is empty, and return it."""
    for name, content in {**({"LICENSE": license_text} if license_text else {}), **files}.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def git(path: Path, *arguments: str) -> str:
    """Run git in a folder, with a fixed author and time, and return what it prints."""
    settings = ["-c", "user.name=Kim", "-c", "user.email=kim@example.org", "-c", "init.defaultBranch=main"]
    dates = {"GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z"}
    command = ["git", *settings, "-C", str(path), *arguments]
    return subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", **dates},
    ).stdout.strip()


def repository(path: Path, files: Mapping[str, str | bytes], license_text: str = MIT) -> Path:
    """Make a working tree with one commit of some files, and return it."""
    folder(path, files, license_text)
    git(path, "init", "--quiet")
    git(path, "add", "--all", "--force")
    git(path, "commit", "--quiet", "--message", "Begin")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """Return the examples of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def middle_of(example: dict[str, Any], text: bytes) -> bytes:
    """Return the hole of an example, cut out of its file."""
    return text[example["meta"]["start"] : example["meta"]["end"]]


def overlapping(holes: list[Hole]) -> bool:
    """Say whether two neighbors in a list of holes share a character."""
    return any(first.end > second.start for first, second in itertools.pairwise(holes))
