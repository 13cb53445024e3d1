"""Ask until there is an answer: through the gate, within the budget, every attempt kept before it counts."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from turnsmith.core.errors import DataError
from turnsmith.labels.judge.answer import FAILED, GARBAGE, LABELED, REFUSING, Answer, parse, read_failure
from turnsmith.labels.judge.cache import Attempt, Cache
from turnsmith.labels.judge.client import NO_CONNECTION, Client, Reply
from turnsmith.labels.judge.gate import Gate
from turnsmith.labels.judge.pricing import OverBudgetError, Purse
from turnsmith.labels.judge.request import PROBE, Request

TRIES = 8
PROBE_TRIES = 3  # at the start, so that a wrong address shows soon
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
FATAL = {
    401: "the server does not accept the key (401); check OPENAI_API_KEY",
    403: "the key may not use this model or endpoint (403); check the model's name and the key's rights",
    404: "the server does not know the model or the address (404); check --model and --endpoint",
}
GARBAGE_IN_A_ROW = 25
FAILURES_IN_A_ROW = 10
LONGEST_PAUSE = 900.0

_BYTES_A_TOKEN = 3.5  # only for the gate's first guess of a request's tokens; usage corrects it


class HaltError(DataError):
    """Say why the whole run ends, and what to do; all that is finished is kept."""


@dataclass(slots=True)
class Breaker:
    """Halt a run that only gets garbage, which is paid for, or only failures."""

    garbage: int = 0
    failures: int = 0

    def heard(self, answer: Answer, why: str) -> None:
        """Count what became of a request; raises HaltError after too many of the same in a row."""
        self.garbage = self.garbage + 1 if answer.state == GARBAGE else 0
        self.failures = self.failures + 1 if answer.state == FAILED else 0
        if self.garbage >= GARBAGE_IN_A_ROW:
            raise HaltError(
                f"{GARBAGE_IN_A_ROW} answers in a row are no digit; try another --model or --prompt, or look at the "
                "replies in judge.sqlite"
            )
        if self.failures >= FAILURES_IN_A_ROW:
            raise HaltError(
                f"{FAILURES_IN_A_ROW} requests in a row failed, the last with: {why}; look whether the server runs, "
                "then run the same command again"
            )


class Ledger:
    """Keep attempts: those that arrive in the same moment share a commit."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._new: list[Attempt] = []
        self._done: asyncio.Future[None] | None = None

    async def keep(self, attempt: Attempt) -> None:
        """Return once the attempt is safe from a kill."""
        loop = asyncio.get_running_loop()
        self._new.append(attempt)
        if self._done is None:
            self._done = loop.create_future()
            loop.call_soon(self._write)
        await asyncio.shield(self._done)

    def _write(self) -> None:
        new, done = self._new, self._done
        self._new, self._done = [], None
        assert done is not None
        try:
            self._cache.add(new)
            self._cache.commit()
        except Exception as error:  # noqa: BLE001 - handed to all who wait
            done.set_exception(error)
        else:
            done.set_result(None)


@dataclass(slots=True)
class Traffic:
    """Count what was sent in this run: HTTP attempts, and tries after the first by their reason."""

    attempts: int = 0
    retries: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Asker:
    """Ask requests of one endpoint; see `ask`."""

    client: Client
    gate: Gate
    ledger: Ledger
    purse: Purse
    breaker: Breaker = field(default_factory=Breaker)
    traffic: Traffic = field(default_factory=Traffic)
    bytes_a_token: float = _BYTES_A_TOKEN

    async def ask(self, request: Request, *, guarded: bool = True) -> Answer:
        """Return the answer to a request: a final one, or FAILED where all tries went wrong.

        Raises HaltError where the whole run must end, OverBudgetError where the budget does not allow the request.
        Without `guarded` neither garbage nor failures halt the run.
        """
        try:
            return await self._ask(request, guarded)
        except HaltError as halt:
            self.gate.shut(halt)  # all others who wait end, too
            raise

    async def _ask(self, request: Request, guarded: bool) -> Answer:
        failures = 0
        while True:
            answer, wait, why = await self._attempt(request, failures + 1)
            if wait is None:
                break
            failures += 1
            if failures == (PROBE_TRIES if request.kind == PROBE else TRIES):
                break
            self.traffic.retries[why] += 1
            if wait:
                await asyncio.sleep(wait)
        if guarded:
            self.breaker.heard(answer, why)
        return answer

    async def _attempt(self, request: Request, attempt: int) -> tuple[Answer, float | None, str]:
        """Return what an attempt brought, the seconds until the next one (None: there is none), and its outcome."""
        reserved = await self.purse.reserve(request)
        tokens = len(request.body) / self.bytes_a_token + request.max_tokens
        try:
            ticket = await self.gate.enter(tokens)
        except BaseException:
            self.purse.settle(reserved, None)
            raise
        started = time.time()
        self.traffic.attempts += 1
        try:
            reply = await self.client.send(request.body)
        except BaseException:
            self.gate.abandoned(ticket)
            self.purse.settle(reserved, None, unknown=True)
            raise
        answer, why = _read(reply, request)
        unknown = reply.failure not in (None, NO_CONNECTION)
        cost = self.purse.settle(reserved, answer.usage, unknown=unknown)
        wait: float | None = None
        asked = 0.0
        kept = self.ledger.keep(_kept(request, answer, reply, why, cost, started))
        if reply.status in (429, 503):
            asked = self.gate.refused(ticket, reply.headers)
            wait = 0.0  # the gate is shut that long
            await kept
        elif reply.failure or reply.status in PASSING:
            wait = self.gate.troubled(ticket, attempt)
            await kept
        else:
            # Kept before another may pass: a kill costs no more answers than requests were under way.
            await kept
            self.gate.passed(ticket, reply.headers)
        self._learn(request, answer)
        _halt_if_fatal(reply, asked, request)
        return answer, wait, why

    def _learn(self, request: Request, answer: Answer) -> None:
        prompt = answer.usage.prompt_tokens if answer.usage else None
        if prompt:
            self.bytes_a_token += 0.05 * (len(request.body) / prompt - self.bytes_a_token)


def _read(reply: Reply, request: Request) -> tuple[Answer, str]:
    """Return the answer in a reply, and its outcome in a word or two."""
    if reply.status == 200:
        return parse(reply.body, request.kind), "200"
    if reply.status is None:
        return Answer(FAILED), reply.failure or "no response"
    if reply.status in REFUSING:
        failure = read_failure(reply.body)
        return Answer(failure.state), f"{reply.status} {failure.code}".strip()
    return Answer(FAILED), str(reply.status)


def _kept(
    request: Request, answer: Answer, reply: Reply, why: str, cost: Decimal | None, started: float
) -> Attempt:
    return Attempt(
        request=request,
        answer=answer,
        status=reply.status,
        latency_ms=reply.latency_ms,
        body=reply.body,
        failure=None if answer.state == LABELED or reply.status == 200 else why,
        cost=None if cost is None else f"{cost.normalize():f}",
        started=started,
    )


def _halt_if_fatal(reply: Reply, asked: float, request: Request) -> None:
    # Some models refuse logprobs with 403; the probe then does without.
    refuses_logprobs = request.kind == PROBE and reply.status == 403 and b"logprobs" in reply.body
    if reply.status in FATAL and not refuses_logprobs:
        raise HaltError(FATAL[reply.status])
    if reply.status == 429 and read_failure(reply.body).out_of_money:
        raise HaltError(
            "the account has no quota left (insufficient_quota); add credit, then run the same command again"
        )
    if asked > LONGEST_PAUSE:
        raise HaltError(
            f"the server asks to wait {asked:,.0f} seconds; run the same command again after that"
        )


__all__ = ["Asker", "Breaker", "HaltError", "Ledger", "OverBudgetError", "Traffic"]
