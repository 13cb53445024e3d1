"""Check a file for a trainer, and write what passes if asked to."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from turnsmith.core.chat import Example, OnLine, encode, read_examples
from turnsmith.core.errors import InputError
from turnsmith.core.lines import writing_lines
from turnsmith.curate.check.arrow import ColumnTypes
from turnsmith.curate.check.axolotl import AXOLOTL
from turnsmith.curate.check.messages import check_example
from turnsmith.curate.check.openai import OPENAI
from turnsmith.curate.check.problems import CODES, Problem, Problems, Trainer
from turnsmith.curate.check.qwen import QWEN
from turnsmith.curate.check.tokens import escape_tokens
from turnsmith.curate.check.trl import TRL

TRAINERS = {each.name: each for each in (OPENAI, TRL, QWEN, AXOLOTL)}
SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Budget:
    """Limit the tokens of an example, counted by a function."""

    limit: int
    count: Callable[[Example], int]


@dataclass(slots=True)
class Checked:
    """Hold what a check found: problems by code, with the first places of each."""

    trainer: Trainer
    examples: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    fixed: int = 0
    written: int = 0
    samples_kept: int = SAMPLES

    def add(self, place: str, problem: Problem) -> None:
        """Count a problem; its place and detail are kept if it is among the first of its code."""
        self.counts[problem.code] += 1
        samples = self.samples.setdefault(problem.code, [])
        if len(samples) < self.samples_kept:
            samples.append((place, problem.detail))

    def is_error(self, code: str) -> bool:
        """Tell errors from warnings."""
        return code not in self.trainer.warns

    @property
    def errors(self) -> int:
        """Return the number of errors."""
        return sum(count for code, count in self.counts.items() if self.is_error(code))

    @property
    def warnings(self) -> int:
        """Return the number of warnings."""
        return self.counts.total() - self.errors

    def rows(self) -> list[tuple[str, bool, int]]:
        """Return (code, is an error, count) of what was found, in the order of the codes."""
        return [(code, self.is_error(code), self.counts[code]) for code in CODES if self.counts[code]]

    def _places(self, code: str) -> list[str]:
        return [f"{place}: {detail}" if detail else place for place, detail in self.samples[code]]

    def as_json(self) -> dict[str, Any]:
        """Return the outcome for a report."""
        codes = {
            code: {
                "severity": "error" if is_error else "warning",
                "count": count,
                "places": self._places(code),
            }
            for code, is_error, count in self.rows()
        }
        return {
            "for": self.trainer.name,
            "examples": self.examples,
            "errors": self.errors,
            "warnings": self.warnings,
            "codes": codes,
        }


def check_file(
    name: str,
    trainer: Trainer,
    budget: Budget | None = None,
    fix: str | None = None,
    on_line: OnLine | None = None,
    samples: int = SAMPLES,
) -> Checked:
    """Check each example of a file.

    With `fix`, special tokens are escaped and unknown columns left out first, and the examples without errors are
    written there. Raises InputError for a file that can't be read.
    """
    checked = Checked(trainer, samples_kept=samples)
    types = ColumnTypes()

    def on_bad(place: str, reason: str) -> None:
        checked.add(place, Problem("not-json", reason))

    with contextlib.ExitStack() as stack:
        write = stack.enter_context(writing_lines(fix)) if fix else None
        for number, original in read_examples(name, on_bad, on_line):
            checked.examples += 1
            try:
                example = fixed(original, trainer) if write else original
                problems = list(_problems(example, trainer, types, budget))
            except RecursionError:
                checked.add(f"{name}:{number}", Problem("not-json", "nested too deeply"))
                continue
            checked.fixed += example is not original
            for problem in problems:
                checked.add(f"{name}:{number}", problem)
            if write and not any(checked.is_error(problem.code) for problem in problems):
                write(encode(example))
                checked.written += 1
    for problem in _of_the_file(checked.written if fix else checked.examples, trainer):
        checked.add(name, problem)
    return checked


def fixed(example: Example, trainer: Trainer) -> Example:
    """Return an example without what can be mended; the very same where there is nothing to mend."""
    mended = escape_tokens(example, trainer)
    if "unknown-column" not in trainer.warns:
        mended = {key: value for key, value in mended.items() if key in trainer.columns}
    return example if mended == example else mended


def _problems(
    example: Example, trainer: Trainer, types: ColumnTypes, budget: Budget | None
) -> Iterable[Problem]:
    yield from check_example(example, trainer)
    if trainer.arrow:
        yield from types.check(example)
    if budget is not None:
        yield from _check_length(example, budget)


def _check_length(example: Example, budget: Budget) -> Problems:
    try:
        tokens = budget.count(example)
    except InputError as error:
        yield Problem("uncountable", str(error))
        return
    if tokens > budget.limit:
        yield Problem("too-long", f"{tokens:,} tokens")


def _of_the_file(examples: int, trainer: Trainer) -> Problems:
    if examples == 0:
        yield Problem("no-examples")
    elif examples < trainer.examples:
        yield Problem("too-few-examples", f"{examples}, it takes {trainer.examples} or more")
