"""What can go wrong with one question to a cluster, sorted by what helps: ask again, ask for less, or give up."""

from __future__ import annotations

import re
from typing import Any

from turnsmith.core.errors import DataError, UsageError
from turnsmith.core.retrying import PASSING

RIGHTS = (
    "It needs the role Database Viewer (Azure Data Explorer) or Log Analytics Reader (Azure Monitor); "
    "`az login` signs in, `az account show` tells who you are"
)
_LONGEST = 300
_TOO_LARGE = re.compile(r"LimitsExceeded|RESULT_SET_TOO_LARGE|80DA0003", re.IGNORECASE)
_TOO_HUNGRY = re.compile(r"LowMemory|LOW_MEMORY|RunawayQuery|RUNAWAY_QUERY|80DA000[17]", re.IGNORECASE)
_TOO_SLOW = re.compile(r"Timeout|timed out", re.IGNORECASE)
_OUR_QUERY = re.compile(r"Semantic error|Syntax error|SemanticException|SyntaxException", re.IGNORECASE)


class TryAgainError(Exception):
    """Report a failure that may pass; `asked` is how many seconds the server wants to be left alone."""

    def __init__(self, reason: str, asked: float | None = None) -> None:
        super().__init__(reason)
        self.asked = asked


class NoConnectionError(TryAgainError):
    """Report that no answer began: the network, or the address, is wrong."""


class TooMuchError(Exception):
    """Report that the question was too large or too slow: half of it may do."""


def of_failure(texts: list[str]) -> Exception:
    """Return the error for a failure amid a result, told by its codes, types and messages."""
    whole = " ".join(texts)
    if _TOO_LARGE.search(whole):
        return TooMuchError("the result is larger than the cluster hands out")
    if _TOO_HUNGRY.search(whole):
        return TooMuchError("the query needs more memory than the cluster gives it")
    if _TOO_SLOW.search(whole):
        return TooMuchError("the query takes too long")
    said = shown(next((text for text in reversed(texts) if text), ""))
    return TryAgainError(f"the answer is partial ({said})")


def of_status(status: int, body: Any, asked: float | None, host: str, name: str) -> Exception:
    """Return the error for an answer with an HTTP status of a failure; `body` is its JSON, if it has any."""
    texts = texts_of(body)
    whole, said = " ".join(texts), shown(texts[-1] if texts else "")
    answer = f"{status} {said}".strip()
    if status != 429 and (_TOO_LARGE.search(whole) or _TOO_HUNGRY.search(whole)):
        return of_failure(texts)
    if status == 504 or (status >= 500 and _TOO_SLOW.search(whole)):
        return TooMuchError("the query takes too long")
    if status in PASSING or status >= 500:
        return TryAgainError(f"{host} answered {answer}", asked)
    if _OUR_QUERY.search(whole):
        return UsageError(
            f"{name}: {host} does not understand the query: {said}. "
            f"`turnsmith query show {name}` prints it; does the database have the table AppEvents?"
        )
    if status in (401, 403):
        return DataError(f"{host} refused the credentials ({answer}). {RIGHTS}")
    return DataError(f"{name}: {host} refused the request ({answer}). Are cluster and database right?")


def texts_of(error: Any) -> list[str]:
    """Return code, type and message, the message last, of an error of Kusto's; empty for anything else."""
    inner = error.get("error") if isinstance(error, dict) else None
    if not isinstance(inner, dict):
        return []
    found = [inner.get(key) for key in ("code", "@type", "message", "@message")]
    return [text for text in found if isinstance(text, str) and text]


def shown(text: str) -> str:
    """Return a server's words as one short printable line."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
