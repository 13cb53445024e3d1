"""Measure a file of examples, and clip it on the way if asked to."""

import contextlib
from dataclasses import dataclass, field

from turnsmith.core.chat import Example, OnLine, encode, read_examples
from turnsmith.core.errors import InputError
from turnsmith.core.lines import Write, writing_lines
from turnsmith.curate.account import Account
from turnsmith.curate.lengths.clipping import How, clip
from turnsmith.curate.lengths.counting import ExampleCounter
from turnsmith.curate.lengths.summary import Summary

UNTRAINED = "no token of the assistant"
UNKNOWN = "trained tokens that the template does not tell"
CLIPPED = "clipped"
TOOLS = "tools that chatml leaves out"


@dataclass(frozen=True, slots=True)
class Clip:
    """Say how to clip and where the result goes."""

    how: How
    limit: int
    out: str


@dataclass(slots=True)
class Measured:
    """Hold the lengths of a file: of whole examples, of their trained tokens, and of what is left after clipping.

    `cut_messages` and `cut_tokens` went from the examples that were shortened.
    """

    account: Account = field(default_factory=Account)
    all: Summary = field(default_factory=Summary)
    trained: Summary = field(default_factory=Summary)
    after: Summary = field(default_factory=Summary)
    cut_messages: int = 0
    cut_tokens: int = 0

    @property
    def dropped_tokens(self) -> int:
        """Return the tokens of the examples that clipping left out."""
        return self.all.total - self.after.total - self.cut_tokens


def measure(
    name: str, counter: ExampleCounter, clipping: Clip | None = None, on_line: OnLine | None = None
) -> Measured:
    """Count the tokens of each example of a file, and write the clipped examples.

    What is no example, or refused by the template, is counted as bad and not written. Raises InputError for a file
    that can't be read.
    """
    measured = Measured()
    account = measured.account

    def on_bad(place: str, reason: str) -> None:
        account.read += 1
        account.spoil(place, reason)

    with contextlib.ExitStack() as stack:
        write = stack.enter_context(writing_lines(clipping.out)) if clipping else None
        for number, example in read_examples(name, on_bad, on_line):
            account.read += 1
            place = f"{name}:{number}"
            try:
                tokens = counter.tokens(example)
            except InputError as error:
                account.spoil(place, str(error))
                continue
            except RecursionError:
                account.spoil(place, "nested too deeply")
                continue
            _add(measured, example, tokens.total, tokens.trained, counter)
            if clipping and write:
                _clip(measured, example, tokens.total, place, clipping, counter, write)
            else:
                account.kept += 1
    return measured


def _add(
    measured: Measured, example: Example, total: int, trained: int | None, counter: ExampleCounter
) -> None:
    measured.all.add(total)
    if trained is None:
        measured.account.note(UNKNOWN)
    else:
        measured.trained.add(trained)
        if trained == 0:
            measured.account.note(UNTRAINED)
    if example.get("tools") and counter.template.name == "chatml":
        measured.account.note(TOOLS)


def _clip(
    measured: Measured,
    example: Example,
    tokens: int,
    place: str,
    clipping: Clip,
    counter: ExampleCounter,
    write: Write,
) -> None:
    clipped = clip(example, clipping.how, clipping.limit, tokens, counter)
    if clipped.example is None:
        measured.account.drop(clipped.reason, place)
        return
    measured.account.kept += 1
    if clipped.example is example:
        measured.after.add(tokens)
    else:
        measured.account.note(CLIPPED)
        measured.after.add(tokens - clipped.tokens)
        measured.cut_messages += clipped.messages
        measured.cut_tokens += clipped.tokens
    write(encode(clipped.example))
