"""The one door that all requests go through: it keeps to the server's limits, and finds how much it bears.

Buckets follow the server's `x-ratelimit-*` headers. A `Retry-After` pauses all requests, not only the one that met it.
The number under way grows while all goes well and halves at trouble (additive increase, multiplicative decrease, as
TCP does), at most once for the requests of the same moment.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from turnsmith.labels.judge.limits import Bucket, asked_wait

FIRST_WINDOW = 16.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0


@dataclass(slots=True)
class Ticket:
    """Hold a request's leave to be sent: its tokens, and when it was let in (seconds of the loop's clock)."""

    tokens: float
    since: float


class Gate:
    """Let requests in, `most` at a time at the utmost; `on_pause` is told the seconds of each shared pause."""

    def __init__(self, most: int, on_pause: Callable[[float], None] = lambda _seconds: None) -> None:
        self.most = most
        self.window = min(FIRST_WINDOW, float(most))
        self.in_flight = 0
        self.pauses = 0
        self.requests, self.tokens = Bucket(), Bucket()
        self._loop = asyncio.get_running_loop()
        self._on_pause = on_pause
        self._tokens_in_flight = 0.0
        self._growing_fast = True
        self._paused_until = self._last_cut = 0.0
        self._refusals = 0  # since the last success
        self._waiting: deque[tuple[asyncio.Future[None], float]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._shut: Exception | None = None

    async def enter(self, tokens: float) -> Ticket:
        """Wait until a request of about so many tokens may be sent; raises what the gate was shut with."""
        if self._shut is not None:
            raise self._shut
        if self._waiting or self._wait(tokens) is not None:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append((turn, tokens))
            self._let_in()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # let in, but the caller is gone
                    self._give_back(tokens)
                    self._let_in()
                raise
        else:
            self._admit(tokens)
        return Ticket(tokens, self._loop.time())

    def shut(self, error: Exception) -> None:
        """Let no more requests in; those who wait get the error."""
        self._shut = self._shut or error
        while self._waiting:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(self._shut)

    def passed(self, ticket: Ticket, headers: Mapping[str, str]) -> None:
        """Count a request that the server answered."""
        self._give_back(ticket.tokens)
        self._refusals = 0
        self.window = min(self.most, self.window + (1.0 if self._growing_fast else 1.0 / self.window))
        self._learn(headers)
        self._let_in()

    def refused(self, ticket: Ticket, headers: Mapping[str, str]) -> float:
        """Pause everything for as long as the server asks (429, 503); return those seconds.

        A server that says nothing gets half a second, twice as long each time.
        """
        self._give_back(ticket.tokens)
        self._learn(headers)
        asked = asked_wait(headers)
        if self._cut(ticket):
            self._refusals += 1
        if asked is None:
            asked = _jittered(_FIRST_PAUSE * 2.0 ** (max(self._refusals, 1) - 1))
        until = self._loop.time() + asked
        if until > self._paused_until:
            self._paused_until = until
            self.pauses += 1
            self._on_pause(asked)
        self._let_in()
        return asked

    def troubled(self, ticket: Ticket, failures: int) -> float:
        """Count a request that failed (timeout, connection, 5xx); return the seconds before its next try."""
        self._give_back(ticket.tokens)
        self._cut(ticket)
        self._let_in()
        return _jittered(_FIRST_PAUSE * 2.0 ** (failures - 1))

    def abandoned(self, ticket: Ticket) -> None:
        """Count a request that was given up by this side."""
        self._give_back(ticket.tokens)
        self._let_in()

    def _give_back(self, tokens: float) -> None:
        self.in_flight -= 1
        self._tokens_in_flight -= tokens

    def _cut(self, ticket: Ticket) -> bool:
        if ticket.since < self._last_cut:
            return False  # sent before the last cut, which answers for it
        self._last_cut = self._loop.time()
        self.window = max(1.0, self.window / 2)
        self._growing_fast = False
        return True

    def _learn(self, headers: Mapping[str, str]) -> None:
        now = self._loop.time()
        self.requests.learn(headers, "requests", self.in_flight, now)
        self.tokens.learn(headers, "tokens", self._tokens_in_flight, now)

    def _admit(self, tokens: float) -> None:
        now = self._loop.time()
        self.in_flight += 1
        self._tokens_in_flight += tokens
        self.requests.take(1.0, now)
        self.tokens.take(tokens, now)

    def _wait(self, tokens: float) -> float | None:
        """Return the seconds until a request may pass: None for now, infinity for when another one has ended."""
        if self.in_flight >= int(self.window):
            return float("inf")
        now = self._loop.time()
        wait = max(self._paused_until - now, self.requests.wait(1.0, now), self.tokens.wait(tokens, now))
        return wait if wait > 0 else None

    def _let_in(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._waiting:
            turn, tokens = self._waiting[0]
            if turn.done():  # cancelled
                self._waiting.popleft()
                continue
            wait = self._wait(tokens)
            if wait is not None:
                if wait != float("inf"):
                    self._alarm = self._loop.call_later(wait + 0.001, self._let_in)
                return
            self._waiting.popleft()
            self._admit(tokens)
            turn.set_result(None)


def _jittered(seconds: float) -> float:
    return min(_LONGEST_PAUSE, seconds) * random.uniform(0.5, 1)  # noqa: S311
