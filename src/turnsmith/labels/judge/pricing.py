"""What requests cost, in decimals, and a purse that never pays out more than it holds."""

import asyncio
import datetime
import re
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from turnsmith.core.errors import InputError, UsageError
from turnsmith.labels.judge.answer import Usage
from turnsmith.labels.judge.request import Request

MILLION = Decimal(1_000_000)
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|latest)$")


def _exact(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


# YAML reads 0.15 as a float; its shortest text is the price that was written.
_Dollars = Annotated[Decimal, BeforeValidator(_exact)]


class Price(BaseModel):
    """Hold a model's price: US dollars for a million tokens of input, of cached input (None: as input), of output."""

    model_config = ConfigDict(extra="forbid")

    input: _Dollars
    output: _Dollars
    cached: _Dollars | None = None

    @cached_property
    def _each(self) -> tuple[Decimal, Decimal, Decimal]:
        cached = self.input if self.cached is None else self.cached
        return self.input / MILLION, cached / MILLION, self.output / MILLION

    def of(self, usage: Usage) -> Decimal:
        """Return the cost of a reply."""
        prompt, cached, completion = self._each
        at_hand = min(usage.cached, usage.prompt_tokens or 0)
        return (
            ((usage.prompt_tokens or 0) - at_hand) * prompt
            + at_hand * cached
            + (usage.completion_tokens or 0) * completion
        )

    def at_most(self, request: Request) -> Decimal:
        """Return more than a request can cost."""
        prompt, _, completion = self._each
        return request.worst_tokens * prompt + request.max_tokens * completion


class PriceTable(BaseModel):
    """Hold prices by model, the day when they were looked up, and the share that a batch costs."""

    model_config = ConfigDict(extra="forbid")

    dated: datetime.date
    batch: _Dollars = Decimal(1)
    models: dict[str, Price]

    def of(self, model: str) -> Price | None:
        """Return the price of a model, also under a name with a date at its end; None where the table has none."""
        return self.models.get(model) or self.models.get(_DATED.sub("", model))


def load_prices(path: Path | None = None) -> PriceTable:
    """Return the prices of a YAML file, by default those that ship. Raises UsageError or InputError that names it."""
    place = path or files("turnsmith.labels.judge") / "prices.yaml"
    try:
        return PriceTable.model_validate(yaml.safe_load(place.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--prices {path}: can't be read: {getattr(error, 'strerror', error)}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is no YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {key}: {first['msg']}; docs/judging.md shows the format") from error


class OverBudgetError(Exception):
    """Say that a request may cost more than is left."""


class Purse:
    """Hold what was spent, what the requests under way may cost at most, and the cap on both together."""

    def __init__(self, price: Price | None, cap: Decimal | None, spent: Decimal = Decimal(0)) -> None:
        self.price = price
        self.cap = cap
        self.spent = spent
        self._reserved = Decimal(0)
        self._changed = asyncio.Event()

    async def reserve(self, request: Request) -> Decimal:
        """Set aside what a request may cost at most; wait for others to end where too little is left.

        Raises OverBudgetError where it is too little even when none is under way.
        """
        if self.price is None or self.cap is None:
            return Decimal(0)
        worst = self.price.at_most(request)
        while self.spent + self._reserved + worst > self.cap:
            if not self._reserved:
                raise OverBudgetError
            self._changed.clear()
            await self._changed.wait()
        self._reserved += worst
        return worst

    def settle(self, reserved: Decimal, usage: Usage | None, *, unknown: bool = False) -> Decimal | None:
        """Book what a request cost and return it, None without a price.

        With `unknown` (no reply came, yet the server may have done the work) a budget counts the worst case, and
        that is what is returned, so that the next run counts it, too; without a budget it is None.
        """
        self._reserved -= reserved
        self._changed.set()
        if self.price is None:
            return None
        cost = self.price.of(usage) if usage else Decimal(0)
        self.spent += reserved if unknown else cost
        return (reserved or None) if unknown else cost
