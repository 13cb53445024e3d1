"""The rules of the weak judge, in three tables: what the text says, what was observed, what came before.

A rule measures one thing from 0 (absent) to 1 (clear). Its weight is added to the log-odds that a reasoning model
is required, so a negative one speaks for a non-reasoning model. The words are English; of other languages only
length, structure, code and the observations count. Weights were set by hand, by reading requests to coding agents.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from turnsmith.labels.records import Signals, Turn

BIAS = 0.0  # without any sign it is undecided
LONGEST_LOOK = 20_000
GO_AHEAD_WORDS = 8


@dataclass(frozen=True, slots=True)
class Rule:
    """Hold a rule: its name, its weight in log-odds, and its measure, a number from 0 to 1."""

    name: str
    weight: float
    measure: Callable[[Turn], float]


def _says(pattern: str) -> Callable[[Turn], float]:
    """Measure whether the request has a pattern; one hit is as good as many."""
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda turn: float(compiled.search(_text(turn)) is not None)


def _starts(pattern: str, *, most_words: int) -> Callable[[Turn], float]:
    """Measure whether a request of so many words at most starts with a pattern, polite words passed over."""
    polite = r"(?:please|pls|now|so|then|also|and|just|hey|ok(?:ay)?|can you|could you|let'?s|[,.!]|\s)*"
    compiled = re.compile(rf"{polite}(?:{pattern})\b", re.IGNORECASE)

    def measure(turn: Turn) -> float:
        text = _text(turn)
        return float(len(text.split(None, most_words)) <= most_words and compiled.match(text) is not None)

    return measure


def _text(turn: Turn) -> str:
    return turn.request[:LONGEST_LOOK]


def _much(number: float | None, little: float, much: float) -> float:
    """Return 0 for `little` and less, 1 for `much` and more, by the logarithm between; 0 for an unknown number."""
    if number is None or number <= little:
        return 0.0
    return min(1.0, math.log(number / little) / math.log(much / little))


def _words(turn: Turn) -> int:
    return len(_text(turn).split())


def _seen(measure: Callable[[Signals], float]) -> Callable[[Turn], float]:
    return lambda turn: measure(turn.signals)


def _steps(turn: Turn) -> float:
    found = re.findall(r"^[ \t]*(?:[-*+]|\d{1,2}[.)]|#{1,6})[ \t]+\S", _text(turn), re.MULTILINE)
    return _much(len(found), 1, 6)


def _things_named(turn: Turn) -> float:
    """Count files, paths and identifiers that the request names."""
    names = re.findall(r"\b\w+\.[a-z]{1,5}\b|\b\w+/\w+|\b\w+_\w+\b|\b[a-z]+[A-Z]\w+|`[^`\n]+`", _text(turn))
    return _much(len(set(names)), 1, 8)


def _go_ahead(turn: Turn) -> bool:
    text = _text(turn).strip()
    return len(text.split()) <= GO_AHEAD_WORDS and _AGREES.match(text) is not None


_AGREES = re.compile(
    r"(?:yes|yep|yeah|yup|sure|ok(?:ay)?|go ahead|do it|do that|let'?s do|let'?s implement|sounds good|proceed|"
    r"continue|\d[\d, and]*$|option \w|do (?:option )?\d)",
    re.IGNORECASE,
)


def _agrees_to_much(turn: Turn) -> float:
    if not turn.history or not _go_ahead(turn):
        return 0.0
    return _much(len(turn.history[-1].response), 200, 1500)


def _agrees_to_little(turn: Turn) -> float:
    return float(bool(turn.history) and _go_ahead(turn) and len(turn.history[-1].response) <= 200)


def _failed_before(turn: Turn) -> float:
    """Tell whether the user says that what was done before does not work."""
    return float(bool(turn.history) and _STILL_WRONG.search(_text(turn)) is not None)


_STILL_WRONG = re.compile(
    r"\b(?:still|again|not working|doesn'?t work|didn'?t work|that'?s wrong|is wrong|not what i|"
    r"same (?:error|issue))\b",
    re.IGNORECASE,
)

TEXT = (
    Rule("asks to build or rework", 1.5, _says(
        r"\b(?:implement|refactor|redesign|rewrite|migrat\w+|integrat\w+|build (?:a|an|the)|"
        r"(?:add|create|write|make) (?:a|an|the|some|more)? ?\w* ?(?:feature|option|command|tests?|support|script|"
        r"endpoint|service|parser|class|module|page|component|handler|flow|integration|api))\b")),
    Rule("asks to find a cause", 1.5, _says(
        r"\b(?:debug|investigat\w+|diagnos\w+|root cause|figure out|why|"
        r"how (?:is|was) (?:it|that|this) possible|what(?:'s| is) (?:wrong|going on|causing))\b")),
    Rule("asks to fix", 0.9, _says(r"\b(?:fix|resolve|solve|address|repair|handle)\b")),
    Rule("asks to weigh or to plan", 1.1, _says(
        r"\b(?:design|architect\w*|trade-?offs?|approach(?:es)?|strategy|compare|pros and cons|should (?:we|i)|"
        r"what do you think|would it be|could we|couldn'?t we|better way|plan|propose|suggest\w*|review|feedback)\b")),
    Rule("a hard subject", 1.0, _says(
        r"\b(?:race condition|deadlock|concurren\w+|thread[- ]?safe\w*|memory leak|performance|optimi[sz]\w+|"
        r"algorithm|complexity|security|vulnerab\w+|edge cases?|distributed|transaction\w*|backward\w* compat\w*|"
        r"state machine|attribution|invariant|cache invalidation)\b")),
    Rule("reports wrong behavior", 1.0, _says(
        r"\b(?:expected|unexpected\w*|supposed to|instead of|doesn'?t (?:work|happen|show)|not working|broken|bug|"
        r"regression|flaky|crash\w*|hangs?|wrong|never (?:called|captured|used|updated))\b")),
    Rule("shows an error", 1.2, _says(
        r"Traceback \(most recent|--- FAIL|\bFAILED?\b|\bpanic:|\b\w*(?:Error|Exception)\b:?|"
        r"exit (?:code|status) [1-9]|(?m:^[ \t]+at \S+\()|\berror(?:\[\w+\])?:")),
    Rule("has code in it", 0.4, _says(r"```|(?m:^[ \t]*(?:def|class|func|function|import|const|public|SELECT) )")),
    Rule("has many steps", 0.9, _steps),
    Rule("names files or identifiers", 0.5, _things_named),
    Rule("touches many places", 0.8, _says(
        r"\b(?:all (?:the )?(?:files|places|tests|callers|usages|of)|every (?:test|file|place|call)|everywhere|"
        r"across|throughout|both|whole|entire codebase|code ?base)\b")),
    Rule("is long", 0.8, lambda turn: _much(_words(turn), 15, 300)),
    Rule("is very short", -0.6, lambda turn: 1.0 - _much(_words(turn), 2, 10)),
    Rule("a chore", -2.2, _starts(
        r"commit|push|pull|merge|rebase|stage|stash|tag|rename|move|delete|remove|format|lint|bump|revert|undo|"
        r"run|re-?run|retry|start|stop|restart|install|open|close|link|copy|fetch|checkout|switch", most_words=20)),
    Rule("a look-up", -1.3, _starts(
        r"what(?:'s| is| are| was)|where(?:'s| is| are| else)|which|who|when|is|are|do we|does|did|show|list|print|"
        r"tell|give|find|check if|how (?:many|much|do i|to)|explain|summari[sz]e|describe|remind|translate",
        most_words=25)),
    Rule("a small edit", -1.3, _says(
        r"\b(?:typos?|wording|spelling|whitespace|indent\w*|gitignore|read ?me|comment(?:s|ed)? out|one[- ]liner?|"
        r"capitali[sz]\w*|spacing|prefix|label|colou?r|hidden|alias)\b")),
    Rule("thanks or agrees", -1.2, _says(
        r"^\s*(?:thanks?|thank you|thx|great|perfect|nice|cool|ok(?:ay)?|yes|yep|yeah|no|sure|good|done|works|hi|hello)"
        r"\b.{0,40}$")),
)  # fmt: skip

OBSERVED = (
    Rule(
        "many requests to the model", 1.8, _seen(lambda s: _much(s.num_requests or s.llm_call_count, 3, 25))
    ),
    Rule("one request to the model", -1.0, _seen(lambda s: float((s.num_requests or s.llm_call_count) <= 1))),
    Rule("many completion tokens", 1.4, _seen(lambda s: _much(s.completion_tokens, 800, 8_000))),
    Rule("few completion tokens", -0.8, _seen(lambda s: 1.0 - _much(s.completion_tokens, 100, 600))),
    Rule("many kinds of tools", 0.7, _seen(lambda s: _much(s.tool_variety, 2, 8))),
    Rule("took long", 0.5, _seen(lambda s: _much(s.duration_ms, 30_000, 600_000))),
    Rule("the prompt grew much", 0.5, _seen(lambda s: _much(s.prompt_growth, 5_000, 80_000))),
)

BEFORE = (
    Rule("agrees to a long proposal", 2.0, _agrees_to_much),
    Rule("agrees to a short proposal", 0.4, _agrees_to_little),
    Rule("what was done before did not work", 1.0, _failed_before),
    Rule("far into the conversation", 0.3, lambda turn: _much(len(turn.history), 2, 15)),
)
