"""Add up what shards and chunks report: no event and no conversation without a row in the funnel."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from turnsmith.core.errors import DataError
from turnsmith.sources.telemetry.chunks import ChunkCounts
from turnsmith.sources.telemetry.inputs import Shard
from turnsmith.sources.telemetry.reading import SAMPLES

FATES = ("other_name", "outside_window", "not_agent_mode", "without_id", "used")


def shard_result(blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a shard's counts from those of its blocks; `bad` is by line within the shard."""
    return {
        **{name: sum(block[name] for block in blocks) for name in ("rows", "lines", "malformed")},
        **{name: _add(block[name] for block in blocks) for name in ("fates", "wrong")},
        "bad": [entry for block in blocks for entry in block["bad"]][:SAMPLES],
        "first": min((b["first"] for b in blocks if b["first"] is not None), default=None),
        "last": max((b["last"] for b in blocks if b["last"] is not None), default=None),
    }


def events_funnel(shards: Sequence[Shard], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the funnel's part about events; samples name the line in the whole file."""
    fates = _add(result["fates"] for result in results)
    samples = []
    lines_before: Counter[str] = Counter()
    for shard, result in zip(shards, results, strict=True):
        for row, reason in result["bad"]:
            line = lines_before[shard.path] + row + 1
            samples.append({"file": Path(shard.path).name, "line": line, "reason": reason})
        lines_before[shard.path] += result["lines"]
    return {
        "events_read": sum(result["rows"] for result in results),
        "malformed_rows": sum(result["malformed"] for result in results),
        "malformed_samples": samples[:SAMPLES],
        "events": {fate: fates.get(fate, 0) for fate in FATES},
        "event_times": {
            "first": _iso(min((r["first"] for r in results if r["first"] is not None), default=None)),
            "last": _iso(max((r["last"] for r in results if r["last"] is not None), default=None)),
        },
        "wrong_values": dict(sorted(_add(result["wrong"] for result in results).items())),
    }


def too_many_bad_rows(shard: Shard, result: dict[str, Any], found: int, allowed: int) -> DataError:
    """Return the error that stops a run beyond `max_bad_rows`."""
    row, reason = result["bad"][0]
    place = f"line {row + 1}" + (f" after byte {shard.start:,}" if shard.start else "")
    return DataError(
        f"{found:,} malformed rows, more than --max-bad-rows {allowed:,} allows; "
        f"for example {shard.path}, {place}: {reason}"
    )


def sum_chunks(results: Sequence[dict[str, Any]]) -> ChunkCounts:
    """Return the counts of all chunks together, invalid conversations in the order of their ids."""
    return ChunkCounts(
        conversations=sum(result["conversations"] for result in results),
        filtered=_add(result["filtered"] for result in results),
        invalid=sorted(
            (entry for r in results for entry in r["invalid"]), key=lambda e: str(e["conversationId"])
        ),
        candidates=_add(result["candidates"] for result in results),
        warnings=_add(result["warnings"] for result in results),
    )


def _iso(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1_000)
    return moment.isoformat().replace("+00:00", "Z")


def _add(counts: Any) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total
