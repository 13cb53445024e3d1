"""The telemetry recipe: every setting of an export, its default and its check.

Each command line option has a key of the same name here, with underscores for dashes.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from turnsmith.core.errors import UsageError
from turnsmith.curate.buckets import DEFAULT_BUCKETS, Bucket
from turnsmith.curate.near_duplicates.fields import Field as NearField
from turnsmith.curate.split import DEFAULT_SPLITS
from turnsmith.curate.split_units import SplitBy
from turnsmith.recipes.names import safe_name

PRODUCTION_TARGETS = {
    "train": {"short": 40_000, "medium": 40_000, "long": 20_000},
    "val": {"short": 4_000, "medium": 4_000, "long": 2_000},
    "test": {"short": 4_000, "medium": 4_000, "long": 2_000},
}
SINGLE_TARGETS = {"all": PRODUCTION_TARGETS["train"]}
TEST_MODE_DIVISOR = 1_000
NEAR_KEYS = frozenset({"near_duplicates", "near_field", "max_dropped"})

_WINDOW = re.compile(r"([1-9]\d{0,5})([mhd])")
_TIMEOUT = re.compile(r"([1-9]\d{0,5})([smh])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])i?B?", re.IGNORECASE)
_STAMP = re.compile(r"\d{8}_\d{6}")


def parse_window(text: str) -> timedelta:
    """Return the length of a window such as `15d`, `36h` or `90m`; raises ValueError for others."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(f"a window is a whole number of d, h or m, such as 15d, not {text!r}")
    unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def parse_timeout(text: str) -> timedelta:
    """Return the length of a timeout such as `30m` or `90s`; raises ValueError for others and beyond a day."""
    match = _TIMEOUT.fullmatch(text)
    if match is None:
        raise ValueError(f"a timeout is a whole number of h, m or s, such as 30m, not {text!r}")
    unit = {"s": "seconds", "m": "minutes", "h": "hours"}[match[2]]
    length = timedelta(**{unit: int(match[1])})
    if length >= timedelta(days=1):
        raise ValueError(f"must be less than a day, not {text}")
    return length


def parse_size(text: str) -> int:
    """Return the bytes in a size such as `2GB` or `512MB`; raises ValueError for others or under 256 MB."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"a size is a number with MB or GB, such as 2GB, not {text!r}")
    size = int(float(match[1]) * 1_000 ** (" KMGT".index(match[2].upper())))
    if size < 256_000_000:
        raise ValueError(f"must be 256MB or more, not {text}")
    return size


def _with_underscore(value: object) -> object:
    """Return a stamp that YAML took for a number (it allows underscores in them) as it was written."""
    text = str(value)
    return f"{text[:8]}_{text[8:]}" if isinstance(value, int) and len(text) == 14 else value


def check_stamp(text: str) -> str:
    """Return a time stamp of the form YYYYMMDD_HHMMSS; raises ValueError for another text."""
    if not _STAMP.fullmatch(text):
        raise ValueError(f"a stamp has the form YYYYMMDD_HHMMSS, not {text!r}")
    datetime.strptime(text, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    return text


def _checked(parse: "type | object") -> AfterValidator:
    def check(text: str) -> str:
        parse(text)  # type: ignore[operator]
        return text

    return AfterValidator(check)


class BucketModel(BaseModel):
    """Name a range of turn counts, both ends included."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(safe_name)]
    min: int = Field(ge=1)
    max: int = Field(ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"bucket {self.name}: max {self.max} is below min {self.min}")
        return self


class TelemetryRecipe(BaseModel):
    """Describe one export of chat telemetry to a curated data set."""

    model_config = ConfigDict(extra="forbid")

    recipe: Literal["telemetry"] = Field("telemetry", description="What kind of recipe this is.")
    source: Literal["events", "kusto"] = Field(
        "events", description="Where events come from: files, or a Kusto cluster."
    )
    events: list[str] = Field(default_factory=list, description="Files, folders and globs of event rows.")
    cluster: str | None = Field(None, description="Address of the Kusto cluster.")
    database: str | None = Field(None, description="Database of the cluster, with the table AppEvents.")
    parallel: int = Field(
        4, ge=1, le=32, description="Chunks asked for at a time; Azure Monitor allows 5 queries."
    )
    server_timeout: Annotated[str, _checked(parse_timeout)] = Field(
        "30m", description="How long the cluster may work on a query."
    )
    client_timeout: Annotated[str, _checked(parse_timeout)] = Field(
        "35m", description="How long to wait for an answer; longer than server_timeout."
    )
    out: str | None = Field(None, description="The folder that gets the data set's folder.")
    as_of: datetime | None = Field(None, description="End of the window, ISO 8601, UTC; now by default.")
    window: Annotated[str, _checked(parse_window)] = Field(
        "15d", description="Length of the window: 15d, 36h, 90m."
    )
    mode: Literal["production", "test"] = Field(
        "production", description="`test` divides all targets by 1,000."
    )
    split: str | None = Field(None, description="Write this split only.")
    split_by: SplitBy = Field(
        SplitBy.conversation,
        description="What stays in one split: a conversation, all of a user, near-duplicate requests, or both.",
    )
    near_duplicates: float | None = Field(
        None, gt=0, le=1, description="Drop conversations this similar to one that stays; by default none."
    )
    near_field: NearField = Field("first_user", description="What of a conversation is compared.")
    max_dropped: float = Field(
        0.5, ge=0, le=1, description="Stop when more than this share would be dropped as near duplicates."
    )
    target: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="Targets by group, such as train.short: 40000."
    )
    seed: int = Field(0, description="Seed of the sample's order.")
    format: Literal["json", "jsonl", "parquet"] = Field("json", description="Format of the data files.")
    layout: Literal["splits", "single"] = Field(
        "splits", description="Three splits, or one set without splits."
    )
    stamp: Annotated[str, BeforeValidator(_with_underscore), AfterValidator(check_stamp)] | None = Field(
        None, description="YYYYMMDD_HHMMSS in names."
    )
    prefix: Annotated[str, AfterValidator(safe_name)] = Field(
        "vscodedata", description="Start of the data set's id."
    )
    chunks: int | None = Field(
        None, ge=1, le=4096, description="Hash chunks; by default from input and memory."
    )
    memory_limit: Annotated[str, _checked(parse_size)] = Field(
        "2GB", description="What the run may use, about."
    )
    max_bad_rows: int | None = Field(None, ge=0, description="Stop beyond this many malformed rows.")
    model_text: Literal["longest", "all_rounds"] = Field(
        "longest",
        description="A turn's model message: its longest text, or all distinct texts in time order.",
    )
    failed_turn_end_reasons: list[str] = Field(
        default_factory=lambda: ["failed", "cancelled", "networkError"],
        description="A turn that ended so takes its conversation out.",
    )
    buckets: list[BucketModel] = Field(
        default_factory=lambda: [BucketModel(name=b.name, min=b.min, max=b.max) for b in DEFAULT_BUCKETS],
        min_length=1,
        description="Ranges of turn counts.",
    )
    splits: dict[Annotated[str, AfterValidator(safe_name)], Annotated[int, Field(ge=0, le=100)]] = Field(
        default_factory=lambda: dict(DEFAULT_SPLITS), description="Per cent per split, in this order."
    )
    pseudonymize: str | None = Field(
        None, description="A file of 16 bytes or more: user names become pseudonyms under this key."
    )
    keep_candidates: bool = Field(
        False, description="Keep all candidates beside the data set, for `turnsmith forget` to refill from."
    )
    dropped: str | None = Field(
        None, description="Also write conversations that a filter took, as JSON Lines."
    )
    publish: str | None = Field(
        None, description="Address of a blob container or a prefix in it, to upload the data set to."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_buckets(self.bucket_ranges)
        if parse_timeout(self.client_timeout) <= parse_timeout(self.server_timeout):
            raise ValueError(
                f"client_timeout: {self.client_timeout} must be longer than server_timeout {self.server_timeout}"
            )
        if sum(self.splits.values()) != 100:
            given = " + ".join(f"{name} {share}" for name, share in self.splits.items())
            raise ValueError(f"splits: {given} = {sum(self.splits.values())}, not 100 per cent")
        if self.split is not None and self.layout == "single":
            raise ValueError("split: the layout `single` has no splits; drop one of the two")
        if self.split_by is not SplitBy.conversation and self.layout == "single":
            raise ValueError("split_by: the layout `single` has no splits; drop one of the two")
        useless = sorted((NEAR_KEYS - {"near_duplicates"}) & self.model_fields_set)
        if self.near_duplicates is None and useless:
            raise ValueError(f"{useless[0]}: near duplicates stay; give near_duplicates, such as 0.8, too")
        if self.split is not None and self.split not in self.splits:
            raise ValueError(f"split: {self.split} is none of {', '.join(self.splits)}")
        known = [f"{split}.{b.name}" for split in self.split_names for b in self.buckets]
        in_every_split = [b.name for b in self.buckets]
        for group in self.target:
            if group not in known and group not in in_every_split:
                names = ", ".join([*(known if self.layout == "splits" else []), *in_every_split])
                raise ValueError(f"target: no group {group!r}; the groups are {names}")
        return self

    def settings(self, exclude: set[str]) -> dict[str, Any]:
        """Return the settings as JSON has them, without those of a step that is off."""
        off = NEAR_KEYS if self.near_duplicates is None else frozenset()
        return self.model_dump(mode="json", exclude=exclude | off)

    @property
    def bucket_ranges(self) -> list[Bucket]:
        """Return the buckets as the rules take them."""
        return [Bucket(b.name, b.min, b.max) for b in self.buckets]

    @property
    def split_names(self) -> list[str]:
        """Return the splits to write, `all` without splits."""
        if self.layout == "single":
            return ["all"]
        return [self.split] if self.split else list(self.splits)

    def targets(self) -> dict[str, dict[str, int]]:
        """Return how many conversations are wanted by split and bucket name."""
        defaults = SINGLE_TARGETS if self.layout == "single" else PRODUCTION_TARGETS
        divisor = TEST_MODE_DIVISOR if self.mode == "test" else 1
        wanted = {}
        for split in self.split_names:
            wanted[split] = {
                b.name: self.target.get(
                    f"{split}.{b.name}",
                    self.target.get(b.name, defaults.get(split, {}).get(b.name, 0) // divisor),
                )
                for b in self.buckets
            }
        return wanted


def _check_buckets(buckets: list[Bucket]) -> None:
    for left, right in zip(
        sorted(buckets, key=lambda b: b.min), sorted(buckets, key=lambda b: b.min)[1:], strict=False
    ):
        if right.min <= left.max:
            raise ValueError(
                f"buckets: {left.name} ({left.min} to {left.max}) and {right.name} ({right.min} to {right.max}) "
                "overlap; a conversation must fall into one only"
            )
    if len({b.name for b in buckets}) < len(buckets):
        raise ValueError("buckets: two have the same name")


def window_end(recipe: TelemetryRecipe, now: datetime) -> datetime:
    """Return the end of the window in UTC; raises UsageError for a window that leaves the calendar."""
    as_of = _in_utc(recipe.as_of) if recipe.as_of else now
    try:
        as_of - parse_window(recipe.window)
    except OverflowError as error:
        raise UsageError(
            f"--window: {recipe.window} before {as_of:%Y-%m-%d} is before the calendar begins"
        ) from error
    return as_of


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise UsageError(f"--as-of: {moment.isoformat()} is beyond the calendar in UTC") from error
