"""What a run of the judge holds: options, memory, what it asks with, and why it asks no more."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from turnsmith.labels.judge.answer import Answer
from turnsmith.labels.judge.asking import Asker
from turnsmith.labels.judge.cache import Cache
from turnsmith.labels.judge.options import JudgeOptions
from turnsmith.labels.judge.probing import Found
from turnsmith.labels.judge.request import Request, RequestBuilder
from turnsmith.labels.judge.tally import Tally

OnDone = Callable[[int, str], None]  # bytes of a turn that is done, what was spent


@dataclass(slots=True)
class Stop:
    """Hold why a run asks no more; `interrupted` where a person wants it to end, `error` where a worker failed."""

    reason: str | None = None
    interrupted: bool = False
    error: Exception | None = None


@dataclass
class Job:
    """Hold what a run needs everywhere: options, memory, and what to ask with."""

    options: JudgeOptions
    endpoint: str
    cache: Cache
    asker: Asker
    found: Found
    builder: RequestBuilder
    labels: IO[bytes]
    on_done: OnDone
    tally: Tally = field(default_factory=Tally)
    stop: Stop = field(default_factory=Stop)
    unlabeled: list[tuple[int, bytes]] = field(default_factory=list)
    under_way: dict[bytes, asyncio.Task[Answer]] = field(default_factory=dict)

    async def answer(self, request: Request) -> Answer:
        """Return the answer to a request; the same request is asked once, however many turns wait for it."""
        task = self.under_way.get(request.key)
        if task is None:
            known = self.cache.answers([request.key])
            if known:
                return known[request.key]
            task = asyncio.ensure_future(self.asker.ask(request))
            self.under_way[request.key] = task
            task.add_done_callback(lambda _: self.under_way.pop(request.key, None))
        return await asyncio.shield(task)
