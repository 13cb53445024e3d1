"""How a labeled set is balanced."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from turnsmith.core.errors import UsageError
from turnsmith.labels.checks import PROPERTIES

SOURCE = "source"
WITHIN = (*PROPERTIES, SOURCE)
MOST_COPIES = 10
PROMPT = "router-1"
_NAME = re.compile(r"[\w-][\w.-]{0,100}")
_RATIO = re.compile(r"(\d{1,6}):(\d{1,6})")


class Format(StrEnum):
    """Name the shapes of the files."""

    openai = "openai"
    plain = "plain"
    parquet = "parquet"


class Input(StrEnum):
    """Name what a router sees."""

    request = "request"
    request_history = "request+history"


@dataclass(frozen=True, slots=True)
class BalanceOptions:
    """Hold how a labeled set is balanced; raises UsageError for what does not fit together.

    `ratio` is (reasoning, non-reasoning) in lowest terms or not; `total` the rows of the training file, None for
    the most that are possible; `within` the properties inside whose values the ratio holds; `near` the Jaccard
    similarity from which requests count as one, None to compare exactly only; `allow_probes` the probes that may
    predict the label all the same.
    """

    ratio: tuple[int, int] = (70, 30)
    total: int | None = None
    within: tuple[str, ...] = PROPERTIES
    oversample: bool = False
    balance_eval: bool = False
    format: Format = Format.openai
    input: Input = Input.request
    turns: str | None = None
    system_prompt: Path | None = None
    prefer_votes: bool = False
    near: float | None = 0.8
    allow_probes: tuple[str, ...] = ()
    seed: int = 0
    force: bool = False

    def __post_init__(self) -> None:
        if min(self.ratio) < 1:
            raise UsageError(f"--ratio: {self.ratio_text} leaves one label out; both sides must be above 0")
        if self.total is not None and self.total < 1:
            raise UsageError(f"--total: {self.total} is less than 1")
        for option, names in (("--within", self.within), ("--allow-probe", self.allow_probes)):
            for name in names:
                if name not in WITHIN:
                    raise UsageError(f"{option}: {name!r} is none of {', '.join(WITHIN)}")
        if SOURCE in self.within and self.turns is None:
            raise UsageError("--within source: needs --turns FILE, which has each turn's data set")
        if self.input == Input.request_history and self.turns is None:
            raise UsageError("--input request+history: needs --turns FILE, which has the history")
        if self.near is not None and not 0 < self.near <= 1:
            raise UsageError(f"--near: {self.near} is not above 0 and up to 1")

    @property
    def reasoning(self) -> float:
        """Return the wanted share of label 0."""
        return self.ratio[0] / sum(self.ratio)

    @property
    def ratio_text(self) -> str:
        """Return the ratio as it is given."""
        return f"{self.ratio[0]}:{self.ratio[1]}"


def ratio_of(text: str) -> tuple[int, int]:
    """Return the two sides of `70:30`; raises UsageError for another form."""
    found = _RATIO.fullmatch(text)
    if not found:
        raise UsageError(f"--ratio: {text!r} is not of the form 70:30 (reasoning, non-reasoning)")
    return int(found[1]), int(found[2])


def name_of(text: str) -> str:
    """Return the name of a set; raises UsageError for one that can't begin a file's name."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"--name: {text!r} can't begin a file's name; letters, digits, - _ . only, no . in front"
        )
    return text
