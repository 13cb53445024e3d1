"""Cut a stream of requests into files that OpenAI's Batch API takes: 50,000 requests and 200 MB at most each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

from turnsmith.core.files import PART_SUFFIX, HashingWriter, sync
from turnsmith.labels.judge.batch.state import Batches
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.pricing import Price
from turnsmith.labels.judge.request import Request

ENDPOINT: Final = "/v1/chat/completions"
_LOOKED_UP = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold how large a file may be; the defaults are the Batch API's own."""

    requests: int = 50_000
    size: int = 200_000_000


@dataclass
class Allowance:
    """Hold what may still be spent, US dollars; without a price or a cap, everything may.

    `share` is what a batch costs of the usual price. A request counts with the most that it can cost.
    """

    price: Price | None = None
    share: Decimal = Decimal(1)
    left: Decimal | None = None
    exhausted: bool = False

    def worst(self, request: Request) -> Decimal:
        """Return the most that a request can cost in a batch."""
        return self.price.at_most(request) * self.share if self.price else Decimal(0)

    def allows(self, request: Request) -> bool:
        """Return whether a request can be paid for, and set aside what it needs."""
        if self.left is None:
            return True
        worst = self.worst(request)
        self.exhausted = self.exhausted or worst > self.left
        if not self.exhausted:
            self.left -= worst
        return not self.exhausted


@dataclass(frozen=True, slots=True)
class Cut:
    """Hold a file of requests: its SHA-256, the requests without their bodies, and the most that they can cost."""

    digest: str
    requests: list[Request]
    worst: Decimal


@dataclass
class Passed:
    """Count the requests that need no batch: already answered, in a batch that is not collected, or met twice."""

    answered: int = 0
    under_way: int = 0
    repeated: int = 0


def file_of(folder: Path, digest: str) -> Path:
    """Return where the requests of a batch lie until the server has them."""
    return folder / f"batch-{digest[:16]}.jsonl"


def line_of(request: Request) -> bytes:
    """Return a request as a line of a batch file; its key is the `custom_id`."""
    head = f'{{"custom_id":"{request.key.hex()}","method":"POST","url":"{ENDPOINT}","body":'
    return head.encode() + request.body + b"}\n"


def cut(requests: Iterable[Request], folder: Path, limits: Limits, allowance: Allowance) -> Iterator[Cut]:
    """Write requests to files; yield each when it is whole. Ends early where the allowance is used up."""
    folder.mkdir(parents=True, exist_ok=True)
    affordable = takewhile(allowance.allows, requests)
    following = next(affordable, None)
    while following is not None:
        part = folder / f"batch.jsonl{PART_SUFFIX}"
        chosen: list[Request] = []
        worst = Decimal(0)
        with part.open("wb") as file:
            writer = HashingWriter(file)
            while following is not None and len(chosen) < limits.requests:
                line = line_of(following)
                if chosen and writer.size + len(line) > limits.size:
                    break
                writer.write(line)
                worst += allowance.worst(following)
                chosen.append(_without_body(following))
                following = next(affordable, None)
        sync(part)
        digest = str(writer.checksum["sha256"])
        part.replace(file_of(folder, digest))
        yield Cut(digest, chosen, worst)


def waiting(requests: Iterable[Request], cache: Cache, batches: Batches, passed: Passed) -> Iterator[Request]:
    """Yield, once each, the requests that have no answer and are in no open batch; `passed` counts the others."""
    met: set[bytes] = set()
    stream = iter(requests)
    while chunk := list(islice(stream, _LOOKED_UP)):
        keys = [each.key for each in chunk]
        answered, under_way = cache.answers(keys), batches.under_way(keys)
        for each in chunk:
            if each.key in met:
                passed.repeated += 1
            elif each.key in answered:
                passed.answered += 1
            elif each.key in under_way:
                passed.under_way += 1
            else:
                met.add(each.key)
                yield each


def _without_body(request: Request) -> Request:
    return Request(
        request.key,
        b"",
        request.flipped,
        request.vote,
        request.neutralized,
        request.max_tokens,
        request.kind,
    )
