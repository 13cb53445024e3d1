"""Small real repositories, made commit by commit, and runs of `turnsmith mine git` on them."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from turnsmith.cli import app

Example = dict[str, Any]

MIT = """MIT License

Copyright (c) 2024 The authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
CODE = """def first(rows):
    return rows[0]


def total(rows):
    result = 0
    for row in rows:
        result += row
    return result
"""
FIXED = CODE.replace("return rows[0]", "return rows[0] if rows else None")
FIX_SUBJECT = "Fix crash of first on an empty list"
START = 1_700_000_000


class Maker:
    """Make a repository; every commit is a minute after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._minute = 0
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, author: str = "Ada Example <ada@example.org>") -> bytes:
        """Run git in the repository at the next minute; return what it prints."""
        self._minute += 1
        name, _, address = author.partition(" <")
        date = f"{START + 60 * self._minute} +0000"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        made = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": address.rstrip(">"), "GIT_AUTHOR_DATE": date}
        made |= {
            "GIT_COMMITTER_NAME": "C",
            "GIT_COMMITTER_EMAIL": "c@example.org",
            "GIT_COMMITTER_DATE": date,
        }
        made |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=kept | made, capture_output=True, check=True
        ).stdout

    def commit(
        self,
        message: str | bytes,
        files: Mapping[str, str | bytes | None],
        author: str = "Ada Example <ada@example.org>",
        *options: str,
    ) -> str:
        """Write files (None deletes one) and commit them; return the id."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "-A")
        said = self.folder / ".git" / "SAID"
        said.write_bytes(message if isinstance(message, bytes) else message.encode())
        self.git(
            *options, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", str(said), author=author
        )
        return self.git("rev-parse", "HEAD").decode().strip()


def started(folder: Path, **more: str) -> Maker:
    """Make a repository with a license, a module, and the files in `more` (`_` for a dot in names)."""
    maker = Maker(folder)
    extra = {name.replace("_", "."): content for name, content in more.items()}
    maker.commit("Initial commit", {"LICENSE": MIT, "rows.py": CODE, **extra})
    return maker


def git_clone(bundle: Path, folder: Path) -> Path:
    """Clone a bundle into a bare repository; return it."""
    subprocess.run(["git", "clone", "-q", "--bare", str(bundle), str(folder)], check=True)
    return folder


def run(*arguments: str | Path) -> Result:
    """Run `turnsmith mine git`."""
    return CliRunner().invoke(app, ["mine", "git", *map(str, arguments)])


def mined(repository: Path, *arguments: str | Path) -> tuple[list[Example], dict[str, Any]]:
    """Return the examples of a repository, none where no file was written, and the report."""
    out, report = repository.parent / "out.jsonl", repository.parent / "report.json"
    result = run(repository, "--out", out, "--report", report, *arguments)
    assert result.exit_code in (0, 1), f"{result.output}\n{result.exception!r}"
    return read(out) if out.exists() else [], json.loads(report.read_text(encoding="utf-8"))


def read(path: Path) -> list[Example]:
    """Return the examples in a file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def dropped(report: dict[str, Any]) -> dict[str, int]:
    """Return the reasons of the only repository in a report, the bad ones, too."""
    commits = report["repositories"][0]["commits"]
    return dict(commits["dropped"]) | dict(commits["bad"])


def by_kind(examples: list[Example], kind: str) -> list[Example]:
    """Return the examples of a kind."""
    return [example for example in examples if example["meta"]["kind"] == kind]
