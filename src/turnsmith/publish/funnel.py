"""The funnel as rows to read: where every event and every conversation went."""

from collections.abc import Mapping
from typing import Any

LABELS = {
    "other_name": "other events",
    "outside_window": "outside the window",
    "not_agent_mode": "not in agent mode",
    "without_id": "without an id",
    "used": "used",
    "missing_turn_index": "a turn has no index",
    "incomplete_start": "the first turn is missing",
    "turn_gap": "a turn is missing or repeated",
    "failed_turn": "a turn failed",
    "outside_buckets": "too few or too many turns",
}


def funnel_rows(funnel: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return (label, count) in the order of the work; labels of losses are indented.

    Of events that a cluster read nothing is known.
    """
    candidates = _total(funnel["candidates"])
    rows = []
    if funnel["events_read"] is not None:
        rows += [("events read", funnel["events_read"]), ("  malformed rows", funnel["malformed_rows"])]
        rows += [(f"  {LABELS[fate]}", count) for fate, count in funnel["events"].items()]
    rows += [("conversations", funnel["conversations"])]
    rows += [(f"  {LABELS[name]}", count) for name, count in funnel["filtered"].items()]
    rows += [("  invalid", _total(funnel["invalid"]))]
    if "near_duplicates" in funnel:
        rows += [("  near duplicates", _total(funnel["near_duplicates"]))]
    rows += [("candidates", candidates)]
    rows += [("  not needed", candidates - _total(funnel["sampled"])), ("written", _total(funnel["sampled"]))]
    return rows


def funnel_text(funnel: Mapping[str, Any]) -> str:
    """Return the funnel as plain text, one row a line."""
    return "\n".join(f"  {label:<34}{count:>14,}" for label, count in funnel_rows(funnel))


def _total(tree: Any) -> int:
    return sum(_total(value) for value in tree.values()) if isinstance(tree, Mapping) else int(tree)
