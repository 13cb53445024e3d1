"""Cut a stream of requests into files that OpenAI's Batch API takes: 50,000 requests and 200 MB at most each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from turnsmith.core.files import PART_SUFFIX, HashingWriter, sync
from turnsmith.labels.judge.batch.state import Batches
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.request import Request

ENDPOINT: Final = "/v1/chat/completions"
_LOOKED_UP = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold how large a file may be; the defaults are the Batch API's own."""

    requests: int = 50_000
    size: int = 200_000_000


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


def cut(
    requests: Iterable[Request],
    cache: Cache,
    batches: Batches,
    folder: Path,
    limits: Limits,
    passed: Passed,
) -> Iterator[tuple[str, list[Request]]]:
    """Write the requests that wait for an answer to files; yield each file's SHA-256 and its requests.

    The requests come without their bodies: 50,000 of those would be too much to keep. `passed` counts the others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting = _waiting(requests, cache, batches, passed)
    following = next(waiting, None)
    while following is not None:
        part = folder / f"batch.jsonl{PART_SUFFIX}"
        chosen: list[Request] = []
        with part.open("wb") as file:
            writer = HashingWriter(file)
            while following is not None and len(chosen) < limits.requests:
                line = line_of(following)
                if chosen and writer.size + len(line) > limits.size:
                    break
                writer.write(line)
                chosen.append(_without_body(following))
                following = next(waiting, None)
        sync(part)
        digest = str(writer.checksum["sha256"])
        part.replace(file_of(folder, digest))
        yield digest, chosen


def _waiting(
    requests: Iterable[Request], cache: Cache, batches: Batches, passed: Passed
) -> Iterator[Request]:
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
