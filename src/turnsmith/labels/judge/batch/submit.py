"""Hand requests to OpenAI's Batch API, so that a kill at any moment creates no batch twice."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turnsmith.core.errors import DataError
from turnsmith.labels.judge.batch.cutting import (
    ENDPOINT,
    Allowance,
    Limits,
    Passed,
    cut,
    file_of,
    waiting,
)
from turnsmith.labels.judge.batch.state import Batch, Batches
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.client import redacted
from turnsmith.labels.judge.request import Request

if TYPE_CHECKING:
    from openai import OpenAI

# Under this key the batch's metadata hold our name for it.
NAME_KEY = "turnsmith"
_SEARCHED = 1_000

OnSubmitted = Callable[[int], object]


@dataclass
class Submitted:
    """Hold the server's ids of the batches that were created, their requests, and what needed none.

    `over_budget` says that requests are left that the budget does not allow.
    """

    batches: list[str] = field(default_factory=list)
    requests: int = 0
    passed: Passed = field(default_factory=Passed)
    over_budget: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the report for machines."""
        passed = self.passed
        return {
            "batches": self.batches,
            "submitted": self.requests,
            "answered": passed.answered,
            "under_way": passed.under_way,
            "repeated": passed.repeated,
            "over_budget": self.over_budget,
        }


def submit(
    requests: Iterable[Request],
    cache: Cache,
    client: "OpenAI",
    folder: Path,
    limits: Limits | None = None,
    allowance: Allowance | None = None,
    on_submitted: OnSubmitted = lambda _: None,
) -> Submitted:
    """Create batches for all requests that have no answer and are in no other batch, as far as the allowance goes.

    What an earlier call left half done goes first. `folder` holds a file only until the server has it. Raises
    DataError that names the step where the server refuses; what was created before stays, and the next call goes on.
    """
    batches = Batches(cache)
    report = Submitted()
    for batch in batches.open():
        if batch.remote is None:
            _resume(batch, batches, cache, client, folder, report)
            on_submitted(batch.requests)
    new = waiting(requests, cache, batches, report.passed)
    allowance = allowance or Allowance()
    for each in cut(new, folder, limits or Limits(), allowance):
        batch = batches.prepare(each.digest, each.requests, each.worst)
        _send(batch, batches, cache, client, folder, report)
        on_submitted(batch.requests)
    report.over_budget = allowance.exhausted
    return report


def _resume(
    batch: Batch, batches: Batches, cache: Cache, client: "OpenAI", folder: Path, report: Submitted
) -> None:
    """Bring a batch to the server that was stopped on its way, or find it there."""
    if batch.file is not None and (found := _at_server(client, batch.name)):
        batches.note(batch, status="found", remote=found)
        cache.commit()
        file_of(folder, batch.digest).unlink(missing_ok=True)
    elif batch.file is None and not file_of(folder, batch.digest).exists():
        batches.forget(batch)
        cache.commit()
    else:
        _send(batch, batches, cache, client, folder, report)


def _at_server(client: "OpenAI", name: str) -> str | None:
    with explained("looking for a batch that may be there"):
        for each in islice(client.batches.list(limit=100), _SEARCHED):
            if (each.metadata or {}).get(NAME_KEY) == name:
                return each.id
    return None


def _send(
    batch: Batch, batches: Batches, cache: Cache, client: "OpenAI", folder: Path, report: Submitted
) -> None:
    path = file_of(folder, batch.digest)
    uploaded = batch.file
    if uploaded is None:
        with explained(f"uploading {path.name}"):
            uploaded = client.files.create(file=path, purpose="batch").id
        batches.note(batch, status="uploaded", file=uploaded)
        cache.commit()
    with explained("creating a batch"):
        # Never retried: a request that only seemed to fail would be paid for twice.
        created = client.with_options(max_retries=0).batches.create(
            input_file_id=uploaded,
            endpoint=ENDPOINT,
            completion_window="24h",
            metadata={NAME_KEY: batch.name},
        )
    batches.note(batch, status=created.status, remote=created.id)
    cache.commit()
    path.unlink(missing_ok=True)
    report.batches.append(created.id)
    report.requests += batch.requests


@contextlib.contextmanager
def explained(step: str) -> Iterator[None]:
    """Turn an error of the server or of the connection into a sentence that names the step."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        said = error.body.get("message") if isinstance(error.body, dict) else None
        words = f": {redacted(str(said).encode()).decode()}" if said else ""
        # Without its cause, whose text has the server's words as they came.
        raise DataError(
            f"{step}: the server answered {error.status_code}{words}; "
            "what is done is kept, run the same command again to go on"
        ) from None
    except openai.APIConnectionError as error:
        raise DataError(
            f"{step}: no connection to {error.request.url.host}; run the same command again to go on"
        ) from error
