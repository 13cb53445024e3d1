"""Prices are decimals, and a purse never pays out more than its cap."""

import asyncio
import random
from decimal import Decimal
from pathlib import Path

import pytest

from tests.labels.judge.making import request
from turnsmith.core.errors import InputError, UsageError
from turnsmith.labels.judge.answer import Usage, parse
from turnsmith.labels.judge.pricing import OverBudgetError, Price, Purse, load_prices

PRICE = Price(input=Decimal("2.50"), cached=Decimal("1.25"), output=Decimal(10))


def usage(prompt: int, cached: int, completion: int) -> Usage:
    """Return the usage that a reply with these counts has."""
    body = (
        f'{{"choices": [{{"message": {{"content": "1"}}}}], "usage": {{"prompt_tokens": {prompt}, '
        f'"completion_tokens": {completion}, "prompt_tokens_details": {{"cached_tokens": {cached}}}}}}}'
    )
    found = parse(body.encode()).usage
    assert found is not None
    return found


def test_cost_is_exact() -> None:
    """Cached tokens cost their own price; sums have no rounding."""
    assert PRICE.of(usage(1000, 400, 3)) == Decimal("0.00203")
    assert sum([PRICE.of(usage(1, 0, 0))] * 1_000_000, Decimal(0)) == Decimal("2.5")


def test_prices_that_ship_say_their_date() -> None:
    """The table that ships is dated, and knows a model under a name with a date, too."""
    table = load_prices()
    assert table.dated.year >= 2025
    assert table.of("gpt-4o-mini-2024-07-18") == table.of("gpt-4o-mini")
    assert table.of("gpt-4o-mini") == Price(
        input=Decimal("0.15"), cached=Decimal("0.075"), output=Decimal("0.6")
    )
    assert table.of("unheard-of") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: {m: {input: 1, output: 2}}", "dated"),
        ("dated: 2026-01-01\nmodels: {m: {input: 1}}", "models.m.output"),
        ("dated: 2026-01-01\nmodels: {m: {input: 1, output: 2, ouput: 3}}", "models.m.ouput"),
        ("dated: 2026-01-01\nmodels: {m: {input: cheap, output: 2}}", "models.m.input"),
        ("{", "YAML"),
        ("[]", "the file"),
    ],
)
def test_wrong_tables_name_the_key(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong in a table is named by file and key."""
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as told:
        load_prices(path)
    assert str(path) in str(told.value)


def test_missing_table_is_named(tmp_path: Path) -> None:
    """A table that is not there is a wrong use."""
    with pytest.raises(UsageError, match="--prices"):
        load_prices(tmp_path / "none.yaml")


@pytest.mark.parametrize("seed", range(5))
def test_purse_never_passes_its_cap(seed: int) -> None:
    """Whatever order replies come in, and whatever they cost, the sum stays within the cap and uses most of it."""
    dice = random.Random(seed)
    made = request("word " * 200)
    cap = PRICE.at_most(made) * 6
    spent: list[Decimal] = []

    async def one(purse: Purse) -> None:
        reserved = await purse.reserve(made)
        await asyncio.sleep(dice.random() / 200)
        tokens = usage(dice.randint(1, made.worst_tokens), 0, 1)
        cost = purse.settle(reserved, tokens)
        assert cost is not None
        spent.append(cost)

    async def all_of_them() -> None:
        purse = Purse(PRICE, cap)
        done = await asyncio.gather(*(one(purse) for _ in range(100)), return_exceptions=True)
        assert {type(each) for each in done} == {type(None), OverBudgetError}
        assert purse.spent == sum(spent)

    asyncio.run(all_of_them())
    assert cap - PRICE.at_most(made) <= sum(spent) <= cap


def test_unknown_work_counts_at_its_worst() -> None:
    """After a timeout the budget counts what the request may have cost, in this run and in later ones."""

    async def run() -> None:
        purse = Purse(PRICE, Decimal(1))
        reserved = await purse.reserve(request())
        assert purse.settle(reserved, None, unknown=True) == purse.spent == reserved > 0

    asyncio.run(run())
