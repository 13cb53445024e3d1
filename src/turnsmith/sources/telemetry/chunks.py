"""One chunk's conversations: assembled by the engine, finished and validated here, kept as candidates."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from turnsmith.core.records import Conversation
from turnsmith.curate import validate
from turnsmith.curate.candidates import Candidate, write_candidates
from turnsmith.curate.scrub.pseudonyms import pseudonym_of_user
from turnsmith.curate.split import order_in_sample, split_of
from turnsmith.sources.telemetry.assembly import Assembly, Rules
from turnsmith.sources.telemetry.finishing import finish

NO_SPLIT = "all"
DROPPED = "dropped"


@dataclass(slots=True)
class ChunkCounts:
    """Account for every conversation of a chunk; groups are `split/bucket`."""

    conversations: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    invalid: list[dict[str, Any]] = field(default_factory=list)
    candidates: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)


def assemble_chunk(
    cursor: duckdb.DuckDBPyConnection, assembly: Assembly, rules: Rules, target: Path
) -> ChunkCounts:
    """Write the candidates of the bound chunk to `target` and account for all of its conversations."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE summaries AS {assembly.summaries}")
    counts = ChunkCounts()
    reasons = dict(cursor.execute("SELECT conversation_id, reason FROM summaries").fetchall())
    counts.conversations = len(reasons)
    counts.filtered.update(reason for reason in reasons.values() if reason is not None)
    cursor.execute(f"SELECT encode(to_json(record)::VARCHAR) FROM ({assembly.records})")
    kept = []
    while rows := cursor.fetchmany(500):
        for (assembled,) in rows:
            record = finish(assembled, None)
            candidate = judge(record, reasons[record.conversation_id], rules, counts)
            if candidate is not None:
                kept.append(candidate)
    counts.invalid.sort(key=lambda entry: entry["conversationId"])
    write_candidates(target, kept)
    cursor.execute("DROP TABLE summaries")
    return counts


def judge(record: Conversation, reason: str | None, rules: Rules, counts: ChunkCounts) -> Candidate | None:
    """Return a record with its place in the sample, None for an invalid one, and account for it.

    `reason` names the filter that took the conversation, which is then kept as a dropped one.
    """
    if rules.user_key is not None and record.user_name:
        record.user_name = pseudonym_of_user(rules.user_key, record.user_name)
    split = NO_SPLIT if rules.shares is None else split_of(record.conversation_id, rules.shares)
    if rules.shares is not None:
        record.split = split
    order_hash, _ = order_in_sample(record.conversation_id, rules.seed)
    if reason is not None:
        return _as_candidate(record, DROPPED, reason, order_hash)
    found = validate.errors(record, rules.buckets, rules.shares)
    if found:
        counts.invalid.append(
            {
                "conversationId": record.conversation_id,
                "userName": record.user_name,
                "split": split,
                "bucket": record.bucket,
                "turnCount": record.turn_count,
                "errors": found,
            }
        )
        return None
    counts.warnings.update(validate.warnings(record))
    counts.candidates[f"{split}/{record.bucket}"] += 1
    return _as_candidate(record, split, record.bucket or "", order_hash)


def _as_candidate(record: Conversation, split: str, bucket: str, order_hash: int) -> Candidate:
    request = record.turns_array[0].user_message if record.turns_array else ""
    encoded = msgspec.json.encode(record)
    return Candidate(
        split, bucket, order_hash, record.conversation_id, encoded, record.user_name or "", request
    )
