"""Fetch what batches answered, and keep every line of it as an attempt; a batch counts as a whole or not at all."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from turnsmith.core.files import PART_SUFFIX
from turnsmith.core.lines import read_lines
from turnsmith.curate.account import Account
from turnsmith.labels.judge.answer import FAILED, REFUSING, Answer, Usage, parse, read_failure
from turnsmith.labels.judge.batch.state import Batch, Batches
from turnsmith.labels.judge.batch.submit import explained
from turnsmith.labels.judge.cache import Attempt, Cache
from turnsmith.labels.judge.client import redacted
from turnsmith.labels.judge.request import Request

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import Batch as RemoteBatch

# A batch in one of these states changes no more; all of them may hold answers.
ENDED = ("completed", "failed", "expired", "cancelled")
_LOOKED_UP = 500
_ODD = re.compile(r"[^A-Za-z0-9_-]")

Price = Callable[[Usage | None], str | None]


class _Response(msgspec.Struct):
    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Error(msgspec.Struct):
    code: str | None = None


class _Line(msgspec.Struct):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Line).decode


@dataclass
class Collected:
    """Hold what became of the batches.

    `ended` and `open` map the server's ids to its states; `problems` are what it said of batches that it refused.
    `states` counts the answers by state; `missing` the requests that ended without a line: they, and those that
    failed, are in the next submission again. `account` counts the lines.
    """

    ended: dict[str, str] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    account: Account = field(default_factory=Account)

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        return {
            "ended": self.ended,
            "open": self.open,
            "problems": self.problems,
            "states": dict(sorted(self.states.items())),
            "missing": self.missing,
            "lines": self.account.as_json(),
        }


def collect(cache: Cache, client: "OpenAI", folder: Path, price: Price) -> Collected:
    """Keep the answers of all batches that have ended; may be called again at any time.

    Raises DataError where the server can't be asked; batches that were collected before stay so.
    """
    batches = Batches(cache)
    report = Collected()
    for batch in batches.open():
        if batch.remote is None:
            continue  # the next `submit` takes care of it
        with explained(f"asking for {batch.remote}"):
            remote = client.batches.retrieve(batch.remote)
        if remote.status not in ENDED:
            report.open[remote.id] = remote.status
            batches.note(batch, status=remote.status)
            cache.commit()
            continue
        _collect(batch, remote, batches, cache, client, folder, price, report)
    return report


def _collect(
    batch: Batch,
    remote: "RemoteBatch",
    batches: Batches,
    cache: Cache,
    client: "OpenAI",
    folder: Path,
    price: Price,
    report: Collected,
) -> None:
    files = [
        _download(client, name, folder) for name in (remote.output_file_id, remote.error_file_id) if name
    ]
    # One transaction: after a kill the batch is as if it had never been looked at.
    answered = 0
    seen: set[bytes] = set()
    for path in files:
        for attempts in _attempts(path, batch, batches, price, report, seen):
            cache.add(attempts)
            answered += len(attempts)
    cache.add([])
    batches.close(batch, remote.status)
    cache.commit()
    for path in files:
        path.unlink()
    report.ended[remote.id] = remote.status
    report.missing += batch.requests - answered
    for problem in (remote.errors.data or []) if remote.errors else []:
        place = f" in line {problem.line}" if problem.line else ""
        words = redacted(str(problem.message).encode()).decode()
        report.problems.append(f"{remote.id}{place}: {problem.code}: {words}")


def place_of(folder: Path, name: str) -> Path:
    """Return where a file of the server is kept; its name for it can't lead out of the folder."""
    return folder / f"{_ODD.sub('_', name)[:100]}.jsonl{PART_SUFFIX}"


def _download(client: "OpenAI", name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = place_of(folder, name)
    with explained(f"downloading {name}"), client.files.with_streaming_response.content(name) as response:
        response.stream_to_file(path)
    return path


def _attempts(
    path: Path, batch: Batch, batches: Batches, price: Price, report: Collected, seen: set[bytes]
) -> Iterator[list[Attempt]]:
    lines = read_lines(str(path))
    while chunk := list(islice(lines, _LOOKED_UP)):
        parsed = [(number, _read(line)) for number, line in chunk]
        requests = batches.requests(batch, [_key(line) for _, line in parsed if line])
        attempts = []
        for number, line in parsed:
            report.account.read += 1
            request = requests.get(_key(line)) if line else None
            if line is None or request is None or request.key in seen:
                reason = (
                    "not a line of a batch" if line is None else "no request of this batch, or met before"
                )
                report.account.spoil(f"{path.name.removesuffix(PART_SUFFIX)}:{number}", reason)
                continue
            seen.add(request.key)
            report.account.kept += 1
            attempts.append(_attempt(request, line, price))
            state = attempts[-1].answer.state
            report.states[state] = report.states.get(state, 0) + 1
        yield attempts


def _read(line: bytes) -> _Line | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _key(line: _Line) -> bytes:
    try:
        return bytes.fromhex(line.custom_id)
    except ValueError:
        return b""


def _attempt(request: Request, line: _Line, price: Price) -> Attempt:
    if line.response is None:
        failure = (line.error and line.error.code) or "no response"
        return Attempt(request, Answer(FAILED), None, None, failure=failure)
    status = line.response.status_code
    body = redacted(bytes(line.response.body), answer=status == 200)
    if status == 200:
        answer = parse(body, request.kind)
        return Attempt(request, answer, status, None, body, cost=price(answer.usage))
    refused = read_failure(body)
    state = refused.state if status in REFUSING else FAILED
    return Attempt(request, Answer(state), status, None, body, failure=refused.code or None)
