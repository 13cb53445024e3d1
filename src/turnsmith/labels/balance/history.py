"""What a router sees that looks back: earlier turns, shortened, then the request."""

from turnsmith.labels.judge.fencing import shorten
from turnsmith.labels.judge.strategies import ANSWER_CHARS, EARLIER_REQUEST_CHARS, chosen_history
from turnsmith.labels.records import Turn

LAST = 5


def compared(turn: Turn) -> str:
    """Return what tells one turn from another: the request, after the answer that it follows.

    Earlier turns are left out, because all turns of a conversation share them.
    """
    if not turn.history:
        return turn.request
    return f"{shorten(turn.history[-1].response, ANSWER_CHARS)}\n\n{turn.request}"


def text_of(turn: Turn) -> str:
    """Return the request after the earlier turns that the judge would see too; alone where there are none."""
    if not turn.history:
        return turn.request
    parts = []
    for index, exchange in chosen_history(turn.history, LAST):
        parts.append(f"Earlier request {index}:\n{shorten(exchange.request, EARLIER_REQUEST_CHARS)}")
        parts.append(f"Earlier answer {index}:\n{shorten(exchange.response, ANSWER_CHARS)}")
    return "\n\n".join([*parts, f"Request:\n{turn.request}"])
