"""Say before a run what it will ask, and what that costs; nothing is sent."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from turnsmith.core.errors import UsageError
from turnsmith.core.lines import read_lines
from turnsmith.curate.lengths.tokenizers import Tokenizer, load_tokenizer
from turnsmith.labels.judge.answer import Usage
from turnsmith.labels.judge.cache import FILE, Cache
from turnsmith.labels.judge.client import endpoint_of
from turnsmith.labels.judge.options import REASON_TOKENS, JudgeOptions
from turnsmith.labels.judge.planning import TurnReader, plan, planned_canaries, with_answers
from turnsmith.labels.judge.pricing import PriceTable, load_prices
from turnsmith.labels.judge.probing import Found, kept_probe
from turnsmith.labels.judge.request import Request
from turnsmith.labels.judge.running import builder_of

EXACT = 2_000  # requests that are counted one by one; of the rest, every fiftieth
_EVERY = 50
_MESSAGE_TOKENS = 7  # what a chat template adds to two messages, about


@dataclass
class Estimate:
    """Hold what a run would send: requests, tokens (None without a tokenizer) and US dollars (None without a price)."""

    turns: int = 0
    cached: int = 0
    requests: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int = 0
    cost: Decimal | None = None
    batch_cost: Decimal | None = None
    prices_dated: str = ""
    model: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the estimate for machines."""
        return {
            "turns": self.turns,
            "answers_at_hand": self.cached,
            "requests": self.requests,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost_usd": None if self.cost is None else f"{self.cost:.4f}",
            "batch_cost_usd": None if self.batch_cost is None else f"{self.batch_cost:.4f}",
            "prices_dated": self.prices_dated,
            "model": self.model,
        }

    def sentences(self) -> list[str]:
        """Return the estimate for a person."""
        said = [
            f"{self.turns:,} turns need {self.requests:,} requests; {self.cached:,} answers are there already."
        ]
        if self.prompt_tokens is None:
            said.append("Tokens: not counted, for want of a tokenizer: pip install 'turnsmith[tokens]'")
            return said
        said.append(
            f"About {self.prompt_tokens:,} tokens to read and at most {self.completion_tokens:,} to write."
        )
        if self.cost is None:
            said.append(f"Cost: the price table does not have {self.model}; give one with --prices.")
        else:
            said.append(
                f"About {self.cost:.2f} US dollars, {self.batch_cost:.2f} as a batch "
                f"(prices of {self.prices_dated}; nothing counted as cached)."
            )
        return said


class _Counter:
    """Count tokens of requests: the first ones exactly, then by the share of bytes that a sample shows."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._seen = self._tokens = self._bytes = self._rest = 0

    def add(self, request: Request) -> None:
        """Count a request."""
        self._seen += 1
        if self._seen <= EXACT or self._seen % _EVERY == 0:
            messages = msgspec.json.decode(request.body)["messages"]
            texts = [message["content"] for message in messages]
            self._tokens += sum(map(self._tokenizer.count_content, texts)) + _MESSAGE_TOKENS
            self._bytes += len(request.body)
        else:
            self._rest += len(request.body)

    @property
    def total(self) -> int:
        """Return the tokens of all requests."""
        return self._tokens + (round(self._rest * self._tokens / self._bytes) if self._bytes else 0)


def estimate(
    source: str,
    out: Path,
    options: JudgeOptions,
    *,
    on_done: Callable[[int, str], None] = lambda _size, _spent: None,
) -> Estimate:
    """Return what judging a file would send and cost, less what `out` has already. Writes nothing."""
    table = load_prices(options.prices)
    found = Estimate(prices_dated=str(table.dated), model=options.model)
    try:
        counter = _Counter(load_tokenizer())
    except UsageError:
        counter = None
    with contextlib.ExitStack() as stack:
        cache = stack.enter_context(contextlib.closing(Cache(out / FILE))) if (out / FILE).is_file() else None
        probe = kept_probe(cache, endpoint_of(options.endpoint), options.model) if cache else None
        builder = builder_of(options, probe or Found.hoped(), cache.secret if cache else b"dry run")
        new: set[bytes] = set()

        def count(request: Request) -> None:
            if request.key in new:
                return
            new.add(request.key)
            found.requests += 1
            found.completion_tokens += request.max_tokens
            if counter:
                counter.add(request)

        known = cache.answers if cache else lambda _keys: {}
        canaries = [request for _, requests in planned_canaries(builder) for request in requests]
        at_hand = known([request.key for request in canaries])
        for request in canaries:
            if request.key not in at_hand:
                count(request)
        reader = TurnReader(source)
        items = (plan(builder, options.votes, *row) for row in reader.read(read_lines(source)))
        for batch in with_answers(items, known):
            for item in batch:
                found.turns += 1
                found.cached += len(item.answers)
                for request in item.missing:
                    count(request)
                on_done(item.size, "")
    if options.rationales:
        found.requests += found.turns
        found.completion_tokens += found.turns * REASON_TOKENS
    _price(found, counter, options, table)
    return found


def _price(found: Estimate, counter: _Counter | None, options: JudgeOptions, table: PriceTable) -> None:
    if counter is None:
        return
    found.prompt_tokens = counter.total * (2 if options.rationales else 1)
    price = table.of(options.model)
    if price is not None:
        found.cost = price.of(Usage(found.prompt_tokens, found.completion_tokens))
        found.batch_cost = found.cost * table.batch
