"""Write the example in README.md anew, from what its own commands make: `python docs/make_example.py`.

The commands are those of the README's first `sh` block with `turnsmith`; what they print and write goes
between `<!-- example:name -->` and `<!-- /example -->`. A test holds the README to it.
"""

import json
import os
import re
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from turnsmith.cli import app

README = Path(__file__).parents[1] / "README.md"
WIDTH = 106
TEXT = 66
SPLITS = ("train", "val", "test")
BUCKETS = ("short", "medium", "long")
BLOCK = re.compile(r"(<!-- example:(\w+) -->\n).*?(<!-- /example -->)", re.DOTALL)


def commands(readme: str) -> list[str]:
    """Return the commands of the first `sh` block that calls turnsmith."""
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    block = next(block for block in blocks if "turnsmith " in block)
    return [line for line in block.splitlines() if line.startswith("turnsmith ")]


def run(lines: list[str], folder: Path) -> dict[str, str]:
    """Run the commands in `folder` and return the example's blocks by name."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        printed = {line.split()[1]: _call(line) for line in lines}
    finally:
        os.chdir(before)
    (dataset,) = (path.parent for path in folder.glob("*/*/metadata.json"))
    funnel = printed["export"].split("\n", 1)[1].split("Conversations written")[0]
    return {
        "files": _fenced("text", tree(dataset)),
        "record": _fenced("json", layout(shortened(_first_record(dataset)))),
        "funnel": _fenced("text", "\n".join(line.rstrip() for line in funnel.strip().splitlines())),
    }


def filled(readme: str, blocks: Mapping[str, str]) -> str:
    """Return the README with its example's blocks replaced."""
    return BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]]}{match[3]}", readme)


def _call(line: str) -> str:
    words: list[str] = []
    for word in shlex.split(line)[1:]:
        words += [str(path) for path in sorted(Path().glob(word))] if "*" in word else [word]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    if result.exit_code:
        raise SystemExit(f"{line}: exit code {result.exit_code}\n{result.output}")
    return result.stdout


def tree(dataset: Path) -> str:
    """Return the files of a data set, the time stamp in their names left open."""
    stamp = dataset.name[-15:]
    files = [path.relative_to(dataset).as_posix() for path in sorted(dataset.rglob("*.json"))]
    folders: dict[str, list[str]] = {}
    for name in files:
        folder, _, file = name.rpartition("/")
        folders.setdefault(folder, []).append(file)
    lines = [f"{dataset.parent.name}/{dataset.name}/"]
    for split in SPLITS:
        buckets = sorted(folders[split], key=lambda name: BUCKETS.index(name.split("_")[0]))
        lines.append(f"  {split}/".ljust(10) + "  ".join(buckets))
    lines.append("  metadata.json")
    lines += [f"  {name}" for split in SPLITS for name in folders[""] if f"_{split}_" in name]
    return "\n".join(lines).replace(stamp, "YYYYMMDD_HHMMSS")


def _first_record(dataset: Path) -> Any:
    return json.loads((dataset / "train" / "short_3_to_5_turns.json").read_text(encoding="utf-8"))[0]


def shortened(value: Any) -> Any:
    """Return a value with long texts cut and only the first entry of each list."""
    if isinstance(value, str):
        text = " ".join(value.split())
        return text if len(text) <= TEXT else f"{text[:TEXT].rstrip()} …"
    if isinstance(value, list) and value:
        rest = [f"… {len(value) - 1} more"] if len(value) > 1 else []
        return [shortened(value[0]), *rest]
    return {key: shortened(item) for key, item in value.items()} if isinstance(value, dict) else value


def layout(value: Any, indent: int = 0) -> str:
    """Return a value as JSON, with as many fields on a line as fit."""
    whole = json.dumps(value, ensure_ascii=False)
    if len(whole) + indent <= WIDTH or not isinstance(value, dict | list):
        return whole
    items = (
        [(f"{json.dumps(key)}: ", item) for key, item in value.items()]
        if isinstance(value, dict)
        else [("", item) for item in value]
    )
    lines: list[str] = []
    for label, item in items:
        text = label + layout(item, indent + 1)
        fits = lines and "\n" not in lines[-1] + text and len(lines[-1]) + len(text) + indent + 3 <= WIDTH
        if fits:
            lines[-1] += f", {text}"
        else:
            lines.append(text)
    left, right = "{}" if isinstance(value, dict) else "[]"
    return left + f",\n{' ' * (indent + 1)}".join(lines) + right


def _fenced(kind: str, text: str) -> str:
    return f"```{kind}\n{text}\n```\n"


def main() -> None:
    """Write README.md."""
    readme = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        blocks = run(commands(readme), Path(folder))
    README.write_text(filled(readme, blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
