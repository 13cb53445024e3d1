"""What mining may be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from turnsmith.core.errors import UsageError
from turnsmith.sources.code.fim.formats import FORMATS, MESSAGES, TOKENS
from turnsmith.sources.code.fim.holes import CHARS, KINDS, LINES, NODES
from turnsmith.sources.code.languages import LANGUAGES
from turnsmith.sources.code.licenses import Policy

MIX: Mapping[str, float] = {NODES: 60, LINES: 25, CHARS: 15}
LANGUAGE_WEIGHTS: Mapping[str, float] = {"json": 0.25, "markdown": 0.5}
"""Data and prose teach less about code than their share of a repository."""
MIDDLE_SHARE = 0.4
"""The most that a hole may take of the budget, and of its file."""
SHORTEST_BUDGET = 200
UNITS = ("chars", "tokens")
REFUSE, ESCAPE = "refuse", "escape"
MOST_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class FimOptions:
    """Hold the settings. Raises UsageError for values out of range, with the name of the option.

    `max_len` is in `unit`: characters of prefix, middle and suffix, or tokens of the whole example. `spm` is the share
    of examples with the suffix first; None is a half where the model has that order. `language_weights` and
    `folder_weights` multiply `per_file`; `per_folder` is about how many examples one folder may give, 0 for any number.
    """

    per_file: int = 6
    max_len: int = 1600
    unit: str = "chars"
    tokenizer: str | None = None
    format: str = MESSAGES
    spm: float | None = None
    repo_context: bool = False
    special: str = REFUSE
    languages: Sequence[str] = ()
    mix: Mapping[str, float] = field(default_factory=lambda: MIX)
    language_weights: Mapping[str, float] = field(default_factory=lambda: LANGUAGE_WEIGHTS)
    folder_weights: Mapping[str, float] = field(default_factory=dict)
    per_folder: int = 600
    max_file_bytes: int = 500_000
    min_code_lines: int = 5
    licenses: Policy = field(default_factory=Policy)
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("--format", self.format, FORMATS)
        _one_of("--unit", self.unit, UNITS)
        _one_of("--special", self.special, (REFUSE, ESCAPE))
        if self.per_file < 1:
            raise UsageError(f"--per-file: {self.per_file} is less than 1")
        if self.max_len < SHORTEST_BUDGET:
            raise UsageError(f"--max-len: {self.max_len} leaves no context; give at least {SHORTEST_BUDGET}")
        if self.tokenizer is not None and self.unit != "tokens":
            raise UsageError("--tokenizer: counts tokens; say --unit tokens, too")
        for name in self.languages:
            _one_of("--languages", name, LANGUAGES)
        for name in self.language_weights:
            _one_of("--language-weight", name, LANGUAGES)
        for name in self.mix:
            _one_of("--mix", name, KINDS)
        if min(self.mix.values(), default=0) < 0 or sum(self.mix.values()) <= 0:
            raise UsageError(
                "--mix: shares can't be negative, and one must be above 0, such as nodes=60,lines=40"
            )
        for option, weights in (
            ("--language-weight", self.language_weights),
            ("--folder-weight", self.folder_weights),
        ):
            for name, weight in weights.items():
                if not 0 <= weight <= MOST_WEIGHT:
                    raise UsageError(f"{option}: {name}={weight:g} is not between 0 and {MOST_WEIGHT}")
        self._check_format()

    def _check_format(self) -> None:
        tokens = TOKENS.get(self.format)
        if self.repo_context and not (tokens and tokens.repo):
            known = " or ".join(name for name, each in TOKENS.items() if each.repo)
            raise UsageError(f"--repo-context: {self.format} has no tokens for it; use --format {known}")
        if self.spm is not None and not 0 <= self.spm <= 1:
            raise UsageError(f"--spm: {self.spm:g} is not between 0 and 1")
        if self.spm and not (tokens and tokens.suffix_first):
            known = " or ".join(name for name, each in TOKENS.items() if each.suffix_first)
            raise UsageError(f"--spm: {self.format} knows no order with the suffix first; {known} does")

    @property
    def suffix_first(self) -> float:
        """Return the share of examples with the suffix first."""
        if self.spm is not None:
            return self.spm
        tokens = TOKENS.get(self.format)
        return 0.5 if tokens and tokens.suffix_first else 0.0


def _one_of(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"{option}: {value!r} is none of {', '.join(known)}")


def shares(option: str, texts: Sequence[str]) -> dict[str, float]:
    """Return names and numbers of `name=number`, given one by one or with commas between. Raises UsageError."""
    found: dict[str, float] = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        name, equals, number = part.rpartition("=")
        try:
            if part:
                found[name.strip().rstrip("/")] = float(number)
        except ValueError:
            equals = ""
        if part and not (equals and name.strip()):
            raise UsageError(f"{option}: {part!r} is not NAME=NUMBER")
    return found
