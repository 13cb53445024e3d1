"""`<out>/.candidates/<dataset id>/`: all candidates of a finished set, for `turnsmith forget` to refill from.

It holds what the run's folder held, packed, and `invalid.jsonl` with conversation id and user name of what
validation refused, so that those can be forgotten by user, too. `near_duplicates.jsonl` has the same of near
duplicates that were dropped, where there are any.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.files import sync, writing
from turnsmith.core.progress import Phases
from turnsmith.core.runs import Run
from turnsmith.curate.candidates import read_candidates, write_in_order

HOME = ".candidates"
INVALID = "invalid.jsonl"
NEAR = "near_duplicates.jsonl"


def kept_folder(dataset: Path) -> Path:
    """Return the folder of a data set's kept candidates, whether it is there or not."""
    return dataset.parent / HOME / dataset.name


@dataclass(frozen=True, slots=True)
class Keeping:
    """Keep the candidates of a run, those of `splits`; what a filter took is not among them."""

    run: Run
    phases: Phases
    variant: str
    splits: Sequence[str]

    def keep(
        self, files: Sequence[Path], invalid: Iterable[Mapping[str, Any]], near: Sequence[Mapping[str, Any]],
        target: Path,
    ) -> None:  # fmt: skip
        """Copy candidates to `target`, with the users of the others; it appears whole or not at all."""
        phase = f"kept{self.variant}"
        by_name = {path.stem: path for path in files}
        folder = self.run.path / phase
        folder.mkdir(exist_ok=True)

        def copy(name: str) -> dict[str, Any]:
            kept = (each for each in read_candidates(by_name[name]) if each.split in self.splits)
            write_in_order(folder / f"{name}.parquet", kept)
            return {}

        with self.phases.phase("Keeping candidates", len(by_name), "files") as advance:
            self.run.each(phase, list(by_name), copy, 1, lambda *_: advance(1, 1), lambda: None)
        write_invalid_users(folder / INVALID, invalid)
        if near:
            write_invalid_users(folder / NEAR, near)
        place_candidates(folder, target)


def write_invalid_users(path: Path, invalid: Iterable[Mapping[str, Any]]) -> None:
    """Write conversation id and user name of invalid conversations, or of near duplicates."""
    with writing(path) as part, part.open("wb") as file:
        for entry in invalid:
            line = {"conversationId": entry["conversationId"], "userName": entry["userName"]}
            file.write(msgspec.json.encode(line) + b"\n")


def place_candidates(folder: Path, target: Path) -> None:
    """Move finished candidates to where they stay, in the place of what a killed run put there."""
    for path in folder.iterdir():
        sync(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
    sync(target.parent)
