"""The names of sources and of the files that a merge writes."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from turnsmith.core.errors import UsageError
from turnsmith.core.lines import STANDARD

_SUFFIXES = re.compile(r"(?:\.(?:jsonl|ndjson|json|gz|zst))+$")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def source_names(inputs: list[str]) -> list[str]:
    """Return a name for each input: the file's without suffixes, with as many folders as tell it apart.

    Raises UsageError for an input that is named twice.
    """
    parts = [_parts(name) for name in inputs]
    depths = [1] * len(inputs)
    for _ in range(max(map(len, parts), default=0)):
        names = _joined(parts, depths)
        for index, name in enumerate(names):
            if names.count(name) > 1:
                depths[index] += 1
    names = _joined(parts, depths)
    for index, name in enumerate(names):
        if names.index(name) != index:
            raise UsageError(f"{inputs[index]}: named twice")
    return names


def _parts(name: str) -> list[str]:
    if name == STANDARD:
        return ["stdin"]
    path = Path(name).resolve()
    return [*path.parts[:-1], _SUFFIXES.sub("", path.name)]


def _joined(parts: list[list[str]], depths: list[int]) -> list[str]:
    return ["/".join(each[-depth:]) for each, depth in zip(parts, depths, strict=True)]


def weights_of(names: list[str], weights: Mapping[str, float]) -> list[float]:
    """Return the weight of each source, 1 by default; raises UsageError for a name that is none of them."""
    for name in weights:
        if name not in names:
            raise UsageError(f"--weights: {name!r} is no source; they are {', '.join(names)}")
    return [weights.get(name, 1.0) for name in names]


def output_files(folder: Path, name: str, *, force: bool, inputs: Iterable[str]) -> tuple[Path, Path, Path]:
    """Return the paths of the training file, the evaluation file and the report.

    Raises UsageError for a name that can't be part of a file name, for a file that is there already without
    `force`, and for an output that is an input too.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name: {name!r} must be of letters, digits, dots, dashes and underscores")
    paths = (
        folder / f"train.{name}.jsonl",
        folder / f"eval.{name}.jsonl",
        folder / f"{name}.report.json",
    )
    read = {Path(each).resolve() for each in inputs if each != STANDARD}
    for path in paths:
        if path.resolve() in read:
            raise UsageError(f"{path}: is an input too; choose another --name or --out")
        if path.exists() and not force:
            raise UsageError(f"{path}: is there already; --force replaces it")
    return paths
