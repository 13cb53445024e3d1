"""The router recipe: a curated data set to balanced training files of a router, every step's settings."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from turnsmith.core.errors import TurnsmithError
from turnsmith.labels.balance.options import BalanceOptions, Format, Input, name_of, ratio_of
from turnsmith.labels.judge.client import endpoint_of
from turnsmith.labels.judge.options import JudgeOptions
from turnsmith.labels.judge.pricing import load_prices
from turnsmith.labels.judge.prompts import JUDGE, load_prompt
from turnsmith.labels.judge.running import price_of
from turnsmith.labels.judge.strategies import REQUEST_CHARS
from turnsmith.labels.records import LLM, WEAK
from turnsmith.labels.turns import Unit

Strategy = Literal["request", "signals", "history", "full"]
Property = Literal["bucket", "position", "language", "length", "source"]
WITH_HISTORY = ("history", "full")
FOR_A_MODEL = ("model", "endpoint", "budget_usd", "prompt", "prices")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


def as_keys(error: TurnsmithError) -> str:
    """Return what an error says, with keys of a recipe for options: `allow_probe` for `--allow-probe`."""
    text = str(error).replace("--judge ", "kind: ")
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda option: option[1].replace("-", "_"), text)


def _checked(check: Callable[[Any], object]) -> AfterValidator:
    """Return a validator that lets a step of the program itself check a value."""

    def validate(value: Any) -> Any:
        try:
            check(value)
        except TurnsmithError as error:
            raise ValueError(as_keys(error)) from None
        return value

    return AfterValidator(validate)


def _readable(path: Path) -> None:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{path} can't be read as text") from None


def _not_a_number(value: object) -> object:
    if isinstance(value, int):
        told = ":".join(map(str, divmod(value, 60)))
        raise ValueError(f'write it in quotes, such as "{told}"; YAML takes digits with a colon for a number')
    return value


class Judging(_Settings):
    """Say who judges, and what that may cost; see `turnsmith judge`."""

    kind: Literal["weak", "llm"] = Field("weak", description="The built-in rules, or a model.")
    model: str | None = Field(None, min_length=1, description="Model that judges.")
    endpoint: Annotated[str, _checked(endpoint_of)] | None = Field(
        None, description="Address of an OpenAI-compatible server; OPENAI_BASE_URL or OpenAI by default."
    )
    budget_usd: Decimal | None = Field(
        None, gt=0, allow_inf_nan=False, description="US dollars that all labels in `out` may cost."
    )
    votes: int = Field(1, ge=1, le=31, description="Votes for each turn, each a request.")
    rationales: bool = Field(False, description="Ask for reasons, too, each in a request of its own.")
    prompt: Annotated[Path, _checked(lambda path: load_prompt(JUDGE, path))] | None = Field(
        None, description="File with a prompt of your own."
    )
    prices: Annotated[Path, _checked(load_prices)] | None = Field(
        None, description="Price table as YAML; one ships."
    )
    concurrency: int = Field(200, ge=1, le=2000, description="Most requests under way.")
    timeout: float = Field(60.0, ge=0.1, description="Seconds for one request.")
    max_request_chars: int = Field(
        REQUEST_CHARS, ge=200, description="Characters of a request before its middle is left out."
    )

    @field_validator(*FOR_A_MODEL)
    @classmethod
    def _is_for_a_model(cls, value: object, told: ValidationInfo) -> object:
        if value is not None and told.data.get("kind") == WEAK:
            raise ValueError("is for a model; set kind: llm, or leave it out for kind: weak")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == LLM and self.model is None:
            raise ValueError("kind: llm needs a model, such as gpt-4o-mini")
        if self.kind == LLM:
            try:
                price_of(self.options("request", 1, self.budget_usd))
            except TurnsmithError as error:
                raise ValueError(as_keys(error)) from None
        return self

    def options(self, strategy: str, history: int, budget: Decimal | None) -> JudgeOptions:
        """Return the options of one run of the judge."""
        return JudgeOptions(
            model=self.model or "",
            endpoint=self.endpoint,
            strategy=strategy,
            history=history,
            request_chars=self.max_request_chars,
            votes=self.votes,
            rationales=self.rationales,
            prompt=self.prompt,
            prices=self.prices,
            budget=budget,
            concurrency=self.concurrency,
            timeout=self.timeout,
        )


class Router(_Settings):
    """Say what one router is trained on: what is judged, what the judge sees, and how labels are balanced."""

    name: Annotated[str, _checked(name_of)] = Field(description="How the names of its files begin.")
    unit: Unit = Field(Unit.first, description="first turns of sessions, or every turn with its history.")
    strategy: Strategy = Field("request", description="What the judge sees.")
    history: int = Field(5, ge=1, le=50, description="Latest earlier turns shown, with history or full.")
    ratio: Annotated[str, BeforeValidator(_not_a_number), _checked(ratio_of)] = Field(
        "70:30", description="Reasoning to non-reasoning in train."
    )
    total: int | None = Field(None, ge=1, description="Rows of train; the most that are possible by default.")
    within: list[Property] = Field(
        ["bucket", "position", "language", "length"],
        description="Properties inside which the ratio holds; [] for no matching.",
    )
    oversample: bool = Field(False, description="Repeat rows where there are too few.")
    balance_eval: bool = Field(False, description="Balance val and test, too.")
    format: Format = Field(Format.openai, description="Chat messages, or text and label.")
    input: Input = Field(Input.request, description="What the router sees.")
    system_prompt: Annotated[Path, AfterValidator(_readable)] | None = Field(
        None, description="Another system prompt, as a text file."
    )
    near: float = Field(0.8, ge=0, le=1, description="Similarity from which requests count as one; 0: exact.")
    allow_probe: list[Property] = Field(
        default_factory=list, description="Properties that may predict the label all the same."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self.options("-", 0)
        except TurnsmithError as error:
            raise ValueError(as_keys(error)) from None
        return self

    @property
    def labels(self) -> str:
        """Return the name of the labels that it is made of; routers may share them."""
        shown = f"-{self.history}" if self.strategy in WITH_HISTORY else ""
        return f"{self.unit.value}-{self.strategy}{shown}"

    def options(self, turns: str, seed: int) -> BalanceOptions:
        """Return the options of its balance; `turns` is the file of the turns that were judged."""
        return BalanceOptions(
            ratio=ratio_of(self.ratio),
            total=self.total,
            within=tuple(self.within),
            oversample=self.oversample,
            balance_eval=self.balance_eval,
            format=self.format,
            input=self.input,
            turns=turns,
            system_prompt=self.system_prompt,
            near=self.near or None,
            allow_probes=tuple(self.allow_probe),
            seed=seed,
            force=True,
        )


class RouterRecipe(_Settings):
    """Describe one job from a curated data set to `<name>_<split>_<R>r_<N>n_sft.jsonl` for each router."""

    recipe: Literal["router"] = Field("router", description="What kind of recipe this is.")
    dataset: str | None = Field(None, description="The curated data set: its folder, as an export made it.")
    out: str | None = Field(None, description="The folder that gets the files.")
    judge: Judging = Field(default_factory=lambda: Judging.model_validate({}), description="Who judges.")
    routers: list[Router] = Field(default_factory=list, description="The routers that get training files.")
    keep_tools_only: bool = Field(
        False, description="Keep turns that called tools and answered without a text."
    )
    seed: int = Field(0, description="Another seed, another draw and order.")
    force: bool = Field(False, description="Overwrite files that are there.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [router.name for router in self.routers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"routers: two are named {name!r}")
        return self
