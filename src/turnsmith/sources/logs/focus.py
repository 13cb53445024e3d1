"""Keep exchanges that teach, by rules that one can read.

Each rule looks at the request or at the answer, and belongs to one focus. docs/logs.md lists them.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from turnsmith.core.chat import Message
from turnsmith.core.errors import UsageError

OUT_OF_FOCUS = "out of focus"


EXPLAINING_WORDS = 50
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

Test = Callable[[str], object]


class Rule(NamedTuple):
    """Hold a rule: its focus, its name, the role whose text it looks at, and whether a text meets it."""

    focus: str
    name: str
    role: str
    test: Test


def _words(*words: str) -> Test:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE).search


def _explains_code(text: str) -> bool:
    """Say whether there is a block of code, and enough words around it."""
    prose, blocks = _FENCED.subn(" ", text)
    return blocks > 0 and len(prose.split()) >= EXPLAINING_WORDS


RULES = (
    Rule(
        "errors", "traceback", "user",
        re.compile(
            r"^Traceback \(most recent call last\)|^[ \t]+at [\w.$<>]+ ?\(.*:\d+|^[ \t]*File \".*\", line \d+"
            r"|^panic: |^goroutine \d+ |^thread '.*' panicked|^error\[E\d+\]|^\S+:\d+(?::\d+)?: (?:fatal )?error"
            r"|^(?:\w+\.)*\w+(?:Error|Exception)\b",
            re.MULTILINE,
        ).search,
    ),
    Rule(
        "errors", "error words", "user",
        _words(
            "errors?", "exceptions?", "fail(?:s|ed|ing|ures?)?", "crash(?:es|ed|ing)?", "panics?", "segfaults?",
            "tracebacks?", "stack ?traces?", "exit code", "time[sd]? ?out", "timeouts?",
        ),
    ),
    Rule(
        "debugging", "debugging words", "user",
        _words(
            "debug(?:ging)?", "bugs?", "bugfix", "diagnos\\w+", "root cause", "regressions?", "flaky", "broken",
            "fix(?:es|ed|ing)?", "(?:does|do|did)(?:n't| not) work", "not working", "stopped working",
            "wrong", "unexpected(?:ly)?", "investigate", "reproduc\\w+",
        ),
    ),
    Rule(
        "debugging", "cause in the answer", "assistant",
        _words(
            "root cause", "the (?:problem|issue|bug|culprit|cause) (?:is|was|lies)", "this (?:fails|happens) because",
        ),
    ),
    Rule(
        "explanation", "asks why or how", "user",
        _words(
            "why", "how (?:do|does|did|is|are|can|could|should|would|to|come)", "explain(?:s|ed|ing)?",
            "what(?:'s| is| are| does| do) ", "difference between", "walk me through", "help me understand",
            "(?:do(?:n't| not)) understand", "describe", "what happens",
        ),
    ),
    Rule("explanation", "code explained in the answer", "assistant", _explains_code),
)  # fmt: skip
FOCUSES = tuple(sorted({rule.focus for rule in RULES}))


def focuses_of(text: str) -> tuple[str, ...]:
    """Return the focuses in a list such as "debugging,errors". Raises UsageError for one that there is not."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in FOCUSES:
            raise UsageError(f"--focus: {name!r} is none of {', '.join(FOCUSES)}")
    return names


def rules_that_take(messages: Sequence[Message], focuses: Sequence[str]) -> list[str]:
    """Return the rules (`focus: rule`) of the focuses that match one of the messages; [] means out of focus."""
    return [
        f"{rule.focus}: {rule.name}"
        for rule in RULES
        if rule.focus in focuses
        and any(message["role"] == rule.role and rule.test(message["content"]) for message in messages)
    ]
