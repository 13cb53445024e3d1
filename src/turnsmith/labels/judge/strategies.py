"""What the judge sees of a turn: the request alone, or with it observed behavior, earlier turns, or all of it.

Labels and what stands for them (`isLikelyReasoning`, `complexityBucket`, votes) are never part of it.
"""

from collections.abc import Callable

from turnsmith.labels.judge.fencing import shorten
from turnsmith.labels.records import Exchange, Signals, Turn

REQUEST_CHARS = 24_000
EARLIER_REQUEST_CHARS = 2_000
ANSWER_CHARS = 1_500

Section = tuple[str, str]  # what it is, its text


def chosen_history(history: list[Exchange], last: int) -> list[tuple[int, Exchange]]:
    """Return (turn index from 1, exchange) of the earlier turns that are shown.

    All of them up to 3; the last `last` of 4 to 10; beyond that the first one, too, which often states the task.
    """
    numbered = list(enumerate(history, start=1))
    if len(numbered) <= 3:
        return numbered
    recent = numbered[-last:]
    return recent if len(numbered) <= 10 or len(recent) == len(numbered) else [numbered[0], *recent]


def _request(turn: Turn, chars: int) -> Section:
    return "request", shorten(turn.request, chars)


def _signals(signals: Signals) -> Section:
    tools = ", ".join(f"{name} {count}" for name, count in sorted(signals.tool_counts.items())) or "none"
    rows = [
        ("calls of the language model", signals.llm_call_count),
        ("calls of tools", f"{signals.tool_call_count} ({tools})"),
        ("tools offered", signals.available_tool_count),
        ("tokens written", signals.completion_tokens),
        ("tokens of context at the start", signals.prompt_tokens),
        ("growth of the context in tokens", signals.prompt_growth),
        ("milliseconds", None if signals.duration_ms is None else round(signals.duration_ms)),
        ("model", signals.model),
        ("how the turn ended", signals.turn_end_reason),
    ]
    return "observed behavior", "\n".join(f"{name}: {value}" for name, value in rows if value is not None)


def _history(turn: Turn, last: int) -> list[Section]:
    sections: list[Section] = []
    for index, exchange in chosen_history(turn.history, last):
        sections.append((f"earlier request {index}", shorten(exchange.request, EARLIER_REQUEST_CHARS)))
        sections.append((f"earlier answer {index}", shorten(exchange.response, ANSWER_CHARS)))
    return sections


def _see_request(turn: Turn, _last: int, chars: int) -> list[Section]:
    return [_request(turn, chars)]


def _see_signals(turn: Turn, _last: int, chars: int) -> list[Section]:
    return [_request(turn, chars), _signals(turn.signals)]


def _see_history(turn: Turn, last: int, chars: int) -> list[Section]:
    return [*_history(turn, last), _request(turn, chars)]


def _see_all(turn: Turn, last: int, chars: int) -> list[Section]:
    answer = ("answer", shorten(turn.response, ANSWER_CHARS))
    return [*_history(turn, last), _request(turn, chars), answer, _signals(turn.signals)]


STRATEGIES: dict[str, Callable[[Turn, int, int], list[Section]]] = {
    "request": _see_request,
    "signals": _see_signals,
    "history": _see_history,
    "full": _see_all,
}


def sections(turn: Turn, strategy: str, last: int, request_chars: int = REQUEST_CHARS) -> list[Section]:
    """Return what the judge sees of a turn, as (kind, text), with `last` earlier turns at most beside the first."""
    return STRATEGIES[strategy](turn, last, request_chars)
