"""Prompts as files: a version, a line of dashes, the text of the system message; its hash stands in every label."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from turnsmith.core.errors import InputError, UsageError

JUDGE = "judge"
RATIONALE = "rationale"

MEANINGS = ("a reasoning model is required", "a non-reasoning model is sufficient")
_PLACES = {JUDGE: ("{first}", "{second}", "{digits}"), RATIONALE: ("{label}",)}


@dataclass(frozen=True, slots=True)
class Prompt:
    """Hold a prompt: its version, the first 16 hex digits of the SHA-256 of its file, and its text."""

    version: str
    hash: str
    text: str

    def deciding(self, flipped: bool) -> str:
        """Return the system message; where `flipped`, the digits 0 and 1 have changed their meanings."""
        first, second = reversed(MEANINGS) if flipped else MEANINGS
        return (
            self.text.replace("{first}", f"Answer 0: {first}.")
            .replace("{second}", f"Answer 1: {second}.")
            .replace("{digits}", "0 or 1")
        )

    def explaining(self, label: int) -> str:
        """Return the system message that asks for the reasons of a label."""
        return self.text.replace("{label}", f"{MEANINGS[label]}.")


@cache
def load_prompt(kind: str = JUDGE, path: Path | None = None) -> Prompt:
    """Return the prompt of a file, by default the one that ships. Raises UsageError or InputError that names it."""
    try:
        content = (path or files("turnsmith.labels") / "prompts" / f"{kind}.txt").read_bytes()
    except OSError as error:
        raise UsageError(f"--prompt {path}: can't be read: {error.strerror}") from error
    head, found, text = content.decode("utf-8", "replace").partition("\n---\n")
    if not found or not head.startswith("version: "):
        raise InputError(f"{path}: a prompt begins with `version: NAME`, then a line `---`, then its text")
    if missing := [place for place in _PLACES[kind] if place not in text]:
        raise InputError(
            f"{path}: the prompt lacks {', '.join(missing)}; see docs/judging.md for what they stand for"
        )
    return Prompt(
        head.removeprefix("version: ").strip(), hashlib.sha256(content).hexdigest()[:16], text.strip()
    )
