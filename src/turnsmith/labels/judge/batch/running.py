"""A judge's run in two calls: submit what has no answer as batches, collect what they answered."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from turnsmith.core import runs
from turnsmith.core.errors import DataError
from turnsmith.curate.clean.spooling import replayable
from turnsmith.labels.judge.answer import Usage
from turnsmith.labels.judge.asking import Asker, HaltError, Ledger
from turnsmith.labels.judge.batch.collect import Collected, collect
from turnsmith.labels.judge.batch.cutting import Allowance, Limits
from turnsmith.labels.judge.batch.state import Batches
from turnsmith.labels.judge.batch.submit import Submitted, submit
from turnsmith.labels.judge.cache import FILE, Cache
from turnsmith.labels.judge.client import Client, endpoint_of, key_for
from turnsmith.labels.judge.gate import Gate
from turnsmith.labels.judge.options import JudgeOptions
from turnsmith.labels.judge.planning import TurnReader, all_requests
from turnsmith.labels.judge.pricing import OverBudgetError, Purse, load_prices
from turnsmith.labels.judge.probing import Found, find_out
from turnsmith.labels.judge.report import spent_before
from turnsmith.labels.judge.running import builder_of, over_budget, price_of
from turnsmith.labels.records import Turn

if TYPE_CHECKING:
    from openai import OpenAI

_RETRIES = 4
_SECONDS = 600.0  # for the upload of a file

OnRead = Callable[[int, int], object]  # bytes, turns


def submit_turns(
    source: str,
    out: Path,
    options: JudgeOptions,
    *,
    limits: Limits | None = None,
    on_read: OnRead = lambda _size, _turns: None,
) -> tuple[Submitted, TurnReader]:
    """Submit all requests of the turns in a file that have no answer in `out`/judge.sqlite.

    What the server does is found out first, with a few requests outside of any batch. Returns the report and what was
    read. Raises DataError where the server refuses, UsageError where an option does not fit.
    """
    endpoint = endpoint_of(options.endpoint)
    with (
        runs.hold(out, "judge"),
        contextlib.closing(Cache(out / FILE)) as cache,
        replayable(source, out) as lines,
        _client(endpoint) as client,
    ):
        found = asyncio.run(_probe(options, cache, endpoint))
        reader = TurnReader(source)
        turns = _counted(reader.read(lines()), on_read)
        requests = all_requests(builder_of(options, found, cache.secret), options.votes, turns)
        return submit(requests, cache, client, out, limits, _allowance(options, cache)), reader


def collect_answers(out: Path, options: JudgeOptions) -> Collected:
    """Keep the answers of all batches that have ended in `out`/judge.sqlite; may be called at any time.

    Raises DataError where there was no submission, or where the server can't be asked.
    """
    if not (out / FILE).exists():
        raise DataError(f"{out}: holds no {FILE}; give the --out of `turnsmith judge --batch submit`")
    endpoint = endpoint_of(options.endpoint)
    price, share = price_of(options), load_prices(options.prices).batch

    def cost(usage: Usage | None) -> str | None:
        return f"{(price.of(usage) * share).normalize():f}" if price and usage else None

    with (
        runs.hold(out, "judge"),
        contextlib.closing(Cache(out / FILE)) as cache,
        _client(endpoint) as client,
    ):
        return collect(cache, client, out, cost)


def _client(endpoint: str) -> "OpenAI":
    from openai import OpenAI

    return OpenAI(base_url=endpoint, api_key=key_for(endpoint), max_retries=_RETRIES, timeout=_SECONDS)


async def _probe(options: JudgeOptions, cache: Cache, endpoint: str) -> Found:
    client = Client(endpoint, timeout=options.timeout, most=1)
    try:
        cap = None if options.budget is None else options.budget - Batches(cache).reserved()
        purse = Purse(price_of(options), cap, spent_before(cache))
        asker = Asker(client, Gate(1, lambda _: None), Ledger(cache), purse)
        return await find_out(asker, cache, endpoint, options.model)
    except OverBudgetError:
        raise DataError(over_budget(options)) from None
    except HaltError as halt:
        raise DataError(str(halt)) from halt
    finally:
        await client.close()


def _allowance(options: JudgeOptions, cache: Cache) -> Allowance:
    share = load_prices(options.prices).batch
    left: Decimal | None = None
    if options.budget is not None:
        left = options.budget - spent_before(cache) - Batches(cache).reserved()
    return Allowance(price_of(options), share, left)


def _counted(turns: Iterable[tuple[int, int, Turn]], on_read: OnRead) -> Iterator[tuple[int, int, Turn]]:
    for each in turns:
        yield each
        on_read(each[1], 1)
