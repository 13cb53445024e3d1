"""The gate: one pause for all, a number under way that grows and halves, limits kept."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from turnsmith.labels.judge.gate import FIRST_WINDOW, Gate, Ticket


def running(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in a loop."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def filled(gate: Gate, count: int) -> list[Ticket]:
    """Let in so many requests."""
    return [await gate.enter(1) for _ in range(count)]


@running
async def test_window_grows_with_success() -> None:
    """Each answer lets one more in, up to the most."""
    gate = Gate(40)
    for _ in range(60):
        gate.passed(await gate.enter(1), {})
    assert gate.window == 40
    assert gate.in_flight == 0


@running
async def test_window_halves_once_for_the_same_moment() -> None:
    """Many failures of requests sent together halve the window once; a later one halves it again."""
    gate = Gate(100)
    tickets = await filled(gate, 16)
    await asyncio.sleep(0.01)
    for ticket in tickets:
        gate.troubled(ticket, 1)
    assert gate.window == FIRST_WINDOW / 2
    await asyncio.sleep(0.01)
    gate.troubled(await gate.enter(1), 1)
    assert gate.window == FIRST_WINDOW / 4


@running
async def test_after_trouble_it_grows_slowly() -> None:
    """After a cut, a whole window of answers adds one."""
    gate = Gate(100)
    gate.troubled(await gate.enter(1), 1)
    before = gate.window
    for _ in range(int(before)):
        gate.passed(await gate.enter(1), {})
    assert before + 0.9 < gate.window < before + 1.1


@running
async def test_window_never_closes() -> None:
    """However much goes wrong, one request may be under way."""
    gate = Gate(100)
    for _ in range(20):
        gate.troubled(await gate.enter(1), 1)
        await asyncio.sleep(0.001)
    assert gate.window == 1.0
    await gate.enter(1)


@running
async def test_retry_after_holds_everyone() -> None:
    """One refusal with Retry-After keeps all from being sent, for the longest time asked."""
    told: list[float] = []
    gate = Gate(100, told.append)
    clock = asyncio.get_running_loop().time
    first, second, other = await filled(gate, 3)
    started = clock()
    gate.refused(first, {"retry-after": "0.3"})
    gate.refused(second, {"retry-after": "0.1"})
    gate.passed(other, {})
    await asyncio.gather(*(gate.enter(1) for _ in range(3)))
    assert 0.3 <= clock() - started < 3
    assert told == [0.3]


@running
async def test_server_without_a_word_gets_longer_pauses() -> None:
    """Without Retry-After the pause doubles with each refusal, until an answer comes."""
    gate = Gate(100)
    waits = []
    for _ in range(3):
        ticket = Ticket(1, asyncio.get_running_loop().time())
        gate.in_flight += 1
        waits.append(gate.refused(ticket, {}))
        await asyncio.sleep(0.001)
    for number, wait in enumerate(waits):
        assert 0.25 * 2**number <= wait <= 0.5 * 2**number


@running
async def test_limit_paces_requests() -> None:
    """With an empty bucket that refills 50 a second, ten requests take a fifth of a second."""
    gate = Gate(100)
    empty = {
        "x-ratelimit-limit-requests": "50", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s",
    }  # fmt: skip
    gate.passed(await gate.enter(1), empty)
    clock = asyncio.get_running_loop().time
    started = clock()
    for _ in range(10):
        await gate.enter(1)
    assert 0.19 <= clock() - started < 3


@running
async def test_first_come_first_served() -> None:
    """Those who wait are let in in their order."""
    gate = Gate(1)
    order: list[int] = []
    ticket = await gate.enter(1)

    async def one(number: int) -> None:
        mine = await gate.enter(1)
        order.append(number)
        gate.passed(mine, {})

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await asyncio.sleep(0)
    gate.passed(ticket, {})
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


@running
async def test_who_gives_up_waiting_leaves_no_hole() -> None:
    """A request that is cancelled while it waits, or as it is let in, takes nobody's place."""
    gate = Gate(1)
    ticket = await gate.enter(1)
    waiting = [asyncio.create_task(gate.enter(1)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gate.passed(ticket, {})
    waiting[1].cancel()  # its turn has just come
    third = await waiting[2]
    gate.passed(third, {})
    assert gate.in_flight == 0
    with pytest.raises(asyncio.CancelledError):
        await waiting[1]


@running
async def test_shut_gate_sends_all_away() -> None:
    """Once shut, who waits and who comes gets the reason; a long pause does not keep them."""
    gate = Gate(5)
    gate.refused(await gate.enter(1), {"retry-after": "600"})
    waiting = asyncio.create_task(gate.enter(1))
    await asyncio.sleep(0)
    gate.shut(RuntimeError("over"))
    for late in (waiting, gate.enter(1)):
        with pytest.raises(RuntimeError, match="over"):
            await late
    assert gate.in_flight == 0
