"""Both implementations on the real telemetry that lies beside the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .build import SPLITS

if TYPE_CHECKING:
    from .conftest import Export, Exporter

REPO = Path(__file__).resolve().parents[2]
EVENTS = REPO.parent / "shared" / "data" / "telemetry" / "app_events.jsonl.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EVENTS.exists(), reason="the shared telemetry sample is not beside this checkout"),
]


def run(exporter: Exporter) -> Export:
    """Export all of the real data."""
    return exporter(EVENTS, as_of="2026-02-17T00:00:00Z", window="60d", mode="production")


def test_counts_on_real_data(export_chunked: Exporter) -> None:
    """Rules 8 and 9: of 155 real conversations 90 come out and 65 are too short or too long."""
    result = run(export_chunked)
    assert result.funnel["events_read"] == result.funnel["events"]["used"] == 41_169
    assert result.funnel["conversations"] == 155
    assert result.filtered() == {"outside_buckets": 65}
    assert sum(sum(group.values()) for group in result.funnel["candidates"].values()) == 90
    assert sum(result.funnel["invalid"].values()) == 0
    assert len(result.records()) == 90


def test_same_records_on_real_data(reference: Exporter, turnsmith: Exporter) -> None:
    """§1 to §4: both implementations write the same records, in the same order and key order."""
    expected, found = run(reference), run(turnsmith)
    for split in SPLITS:
        for bucket in ("short", "medium", "long"):
            assert found.records(split, bucket) == expected.records(split, bucket)
    assert [list(record) for record in found.records()] == [list(record) for record in expected.records()]
    assert found.metadata["warnings"] == expected.metadata["warnings"]
