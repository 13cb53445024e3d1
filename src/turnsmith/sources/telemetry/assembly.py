"""The assembly's SQL for one job, compiled from the Ibis expressions of `turns` and `conversations`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from turnsmith.curate.buckets import Bucket


@dataclass(frozen=True, slots=True)
class Rules:
    """Hold what decides about a conversation; `shares` is None in the layout without splits.

    With a `user_key` user names become pseudonyms under it.
    """

    buckets: Sequence[Bucket]
    shares: Mapping[str, int] | None
    failed_reasons: Sequence[str]
    seed: int
    model_text: str = "longest"
    keep_dropped: bool = False
    user_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Assembly:
    """Hold DuckDB SQL.

    `turns` and `calls` read tables `members`, `llm_rows` and `turn_facts`; `summaries` reads `turns`, and
    `records` all of `turns`, `calls`, `messages` and `summaries`.
    """

    turns: str
    calls: str
    summaries: str
    records: str


def compile_assembly(rules: Rules) -> Assembly:
    """Return the SQL of all stages."""
    # Imported here because Ibis is slow to import, and a job can read meanwhile.
    import ibis

    from turnsmith.sources.telemetry import conversations, turns

    summaries = conversations.summaries(rules.buckets, rules.failed_reasons)
    table = ibis.table(summaries.schema(), name="summaries")
    wanted = table if rules.keep_dropped else table.filter(table.reason.isnull())
    stages = (
        turns.turns(), turns.calls_of_turns(), summaries, conversations.records(wanted, rules.model_text),
    )  # fmt: skip
    return Assembly(*(ibis.to_sql(stage, dialect="duckdb") for stage in stages))
