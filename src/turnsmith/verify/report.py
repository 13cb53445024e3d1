"""What was checked and what came out: the catalogue of checks and the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

MAX_SAMPLES = 5
MAX_SHOWN = 80

CATALOGUE = {
    "metadata": "metadata.json can be read and has every group",
    "dataset_id": "folder name, curation id and configuration agree",
    "listed_files": "every listed file exists, and no other file lies in the folder",
    "checksums": "size and SHA-256 of each file are those of the metadata",
    "readable": "each file parses as what its name says, record by record",
    "schema": "each record has exactly the fields of the contract, with the right types",
    "required_fields": "conversationId, userName, bucket and turnsArray are there and not empty",
    "turn_indices": "turn indices are exactly 1..n",
    "turn_counts": "turnCount, capturedTurnCount and the number of turns are equal",
    "index_bounds": "minTurnIndex is 1 and maxTurnIndex the number of turns",
    "complete": "isComplete is true",
    "turn_range": "the turn count lies in the range of the bucket's name, which the metadata repeats",
    "bucket_file": "bucket is that of the file",
    "split_folder": "split is that of the folder",
    "split_hash": "the hash of conversationId, or of its split unit, falls into the split",
    "user_messages": "no user message is blank",
    "failed_turns": "no turn failed",
    "call_indices": "call indices are exactly 1..k in each turn",
    "prompt_token_deltas": "promptTokenDelta is the difference from the previous call",
    "conversation_totals": "maxPromptTokens, totalCompletionTokens and llmCallCount are those of the calls",
    "estimates": "estimates add up, and hasTrajectory says whether there are any",
    "message_ids": "messageId is unique within a conversation",
    "unique_in_split": "no conversation stands twice in a split",
    "unique_across_splits": "no conversation stands in two splits",
    "split_units": "split_units.jsonl has the unit of each record, and shares and groups of the metadata add up",
    "users_apart": "no user stands in two splits, where the set is split by user",
    "clusters_apart": "no two near-duplicate requests stand in two splits, where it is split by cluster",
    "near_duplicates": "no two near duplicates are in a set that dropped them, and each dropped one is accounted for",
    "sample_order": "records stand in sample order",
    "actual_counts": "records per file and totals are those of actual_counts",
    "targets": "no group is above its target, and targets agree with the configuration",
    "shortfalls": "shortfalls are the groups below their targets",
    "funnel": "events and conversations of the funnel add up",
    "leakage": "the twins and users of leakage are those of the records, counted again",
    "invalid_records": "files of invalid records are whole and agree with the funnel",
    "invalid_absent": "no invalid conversation stands in a data file",
    "warnings": "warnings on written records, counted again, are those of the metadata",
}


def show(value: object) -> str:
    """Return `value` safe to print: strings and integers escaped and cut to 80 characters, else the type."""
    if isinstance(value, str):
        return repr(value[:MAX_SHOWN])[:MAX_SHOWN]
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**MAX_SHOWN else "a huge integer"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a value"


@dataclass
class Check:
    """Hold the outcome of one check; `samples` are at most five breaches, without message text."""

    name: str
    description: str
    examined: int = 0
    breaches: int = 0
    samples: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether the check holds."""
        return not self.breaches


@dataclass
class Report:
    """Hold the outcome of all checks, in the order of the catalogue."""

    checks: list[Check]

    @property
    def ok(self) -> bool:
        """Tell whether all checks hold."""
        return all(check.ok for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: `ok` and `checks`, each with its own `ok`."""
        return {"ok": self.ok, "checks": [asdict(check) | {"ok": check.ok} for check in self.checks]}


class Ledger:
    """Collect what is examined and what is breached, check by check."""

    def __init__(self) -> None:
        self._checks = {name: Check(name, description) for name, description in CATALOGUE.items()}

    def examine(self, name: str, count: int = 1) -> None:
        """Add `count` examined items to a check."""
        self._checks[name].examined += count

    def breach(self, name: str, sample: str) -> None:
        """Add one breach to a check; keep `sample` if there is room."""
        check = self._checks[name]
        check.breaches += 1
        if len(check.samples) < MAX_SAMPLES:
            check.samples.append(sample)

    def report(self) -> Report:
        """Return the report of all that was collected."""
        return Report(list(self._checks.values()))
