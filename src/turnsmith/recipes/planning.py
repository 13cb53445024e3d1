"""Plan a window: ask the cluster for counts only, and say how long it has to be to fill the targets."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from turnsmith.core.errors import UsageError
from turnsmith.curate.planning import BucketPlan, plan_buckets
from turnsmith.publish.metadata import iso
from turnsmith.recipes import from_kusto
from turnsmith.recipes.job import groups_of
from turnsmith.recipes.telemetry import TelemetryRecipe, parse_window, window_end
from turnsmith.sources.telemetry.kql.counting import candidates_by_day


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Hold what was counted, by bucket and day, and what follows for each bucket."""

    as_of: datetime
    window: str
    by_day: Mapping[str, Mapping[date, int]]
    buckets: list[BucketPlan]

    @property
    def days(self) -> int | None:
        """Return the length of a window that fills all targets, None where none does."""
        lengths = [bucket.days for bucket in self.buckets]
        return None if None in lengths else max(days for days in lengths if days is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "as_of": iso(self.as_of),
            "window": self.window,
            "candidates": {
                bucket: {day.isoformat(): n for day, n in days.items()}
                for bucket, days in self.by_day.items()
            },
            "buckets": [asdict(bucket) for bucket in self.buckets],
            "suggested_window": f"{self.days}d" if self.days else None,
        }


def plan(recipe: TelemetryRecipe) -> WindowPlan:
    """Return the plan for a recipe; raises UsageError and DataError."""
    if recipe.source != "kusto":
        raise UsageError("--plan: only a cluster is asked for counts; it goes with --source kusto")
    from_kusto.check_options(recipe)
    as_of = window_end(recipe, datetime.now(UTC).replace(microsecond=0))
    question = from_kusto.question_of(recipe, as_of)
    with from_kusto.asking(recipe, as_of) as asker:
        by_day = candidates_by_day(asker, question)
    shares = recipe.splits if recipe.layout == "splits" else None
    length = parse_window(recipe.window)
    return WindowPlan(
        as_of, recipe.window, by_day, plan_buckets(by_day, groups_of(recipe), shares, as_of, length)
    )
