"""Build a small valid data set on disk from scratch, sharing nothing with the code under test."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Json = dict[str, Any]
SEED = 7
STAMP = "20260116_000000"
BUCKETS = {"short": (3, 5), "medium": (6, 10), "long": (11, 20)}
SPLITS = {"train": (0, 83), "val": (83, 92), "test": (92, 100)}
SIZES = {"train": (4, 3, 2), "val": (2, 1, 1), "test": (2, 1, 1)}
TARGETS = {"train": {"short": 4, "medium": 3, "long": 2}, "val": {"short": 2, "medium": 1, "long": 1}}
TARGETS["test"] = {"short": 3, "medium": 1, "long": 1}  # short is one below its target
SINGLE_TARGETS = {"all": {"short": 4, "medium": 3, "long": 3}}
SINGLE_SIZES = {"all": (4, 3, 2)}


def number(text: str) -> int:
    """Return the portable hash of contract §3."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def full_name(short: str) -> str:
    """Return the whole name of a bucket."""
    return f"{short}_{BUCKETS[short][0]}_to_{BUCKETS[short][1]}_turns"


def find_id(split: str, start: int) -> tuple[str, int]:
    """Return the first id from `start` on that belongs to `split`, and the number after it."""
    low, high = SPLITS.get(split, (0, 100))
    while not low <= number(f"conversation-{start}") % 100 < high:
        start += 1
    return f"conversation-{start}", start + 1


def call(index: int, prompt: int | None, before: int | None) -> Json:
    """Return one LLM call; only odd calls have estimates."""
    return {
        "callIndex": index,
        "model": "some-model",
        "promptTokens": prompt,
        "completionTokens": 10 * index,
        "totalTokens": None if prompt is None else prompt + 10 * index,
        "promptTokenDelta": None if prompt is None or before is None else prompt - before,
        "estimates": {"system": 9, "user": 3, "assistant": 0, "tool": 1, "total": 13} if index % 2 else None,
        "hasTrajectory": bool(index % 2),
    }


def conversation(key: str, split: str | None, bucket: str, count: int) -> Json:
    """Return a valid conversation of `count` turns with two calls each; one delta is negative."""
    turns, before = [], 0
    for index in range(1, count + 1):
        levels = [100 * index, 100 * index + 50] if index != 2 else [40, 45]
        calls = []
        for position, level in enumerate(levels, 1):
            calls.append(call(position, level, before))
            before = level
        turns.append(
            {
                "turnIndex": index,
                "messageId": f"{key}-message-{index}",
                "userMessage": f"please do {index} ✅\nnow",
                "modelMessage": f'done "{index}", \u2028{{ok}}',
                "llmCalls": calls,
                "toolCounts": {"read_file": 2} if index % 2 else {},
                "availableTools": ["read_file"],
                "availableToolCount": 1,
                "numRequests": 3,
                "turnDurationMs": 1500,
                "turnEndReason": "stopped",
                "responseType": "success",
                "model": None,
            }
        )
    record: Json = {"conversationId": key, "userName": "ada"}
    if split is not None:
        record["split"] = split
    record |= {"bucket": bucket, "turnCount": count, "capturedTurnCount": count, "minTurnIndex": 1}
    record |= {"maxTurnIndex": count, "isComplete": True, "maxPromptTokens": 100 * count + 50}
    return record | {"totalCompletionTokens": 30 * count, "llmCallCount": 2 * count, "turnsArray": turns}


@dataclass
class Dataset:
    """Hold a data set to be tampered with, then written by `write`.

    `records` are the lists of each file, `raw` replaces the bytes of files, `metadata` is written as it is;
    `checksums` are made of the files unless it has its own.
    """

    format: str = "json"
    layout: str = "splits"
    records: dict[str, list[Any]] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)
    folder: str = ""

    def path(self, split: str, short: str) -> str:
        """Return the name of a data file below the folder."""
        name = f"{full_name(short)}.{self.format}"
        return name if self.layout == "single" else f"{split}/{name}"

    def write(self, parent: Path) -> Path:
        """Write all files below `parent`, metadata last; return the folder."""
        root = parent / self.folder
        checksums = {}
        for name in self.records.keys() | self.raw.keys():
            data = self.raw[name] if name in self.raw else encode(self.records[name], name)
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
            checksums[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        metadata = {"checksums": checksums} | self.metadata
        (root / "metadata.json").write_text(json.dumps(metadata, indent=2))
        return root


def encode(records: list[Any], name: str) -> bytes:
    """Return the bytes of a data file in the format of its name."""
    if name.endswith(".parquet"):
        return encode_parquet(records)
    lines = [json.dumps(record, ensure_ascii=False).encode() for record in records]
    if name.endswith(".jsonl"):
        return b"".join(line + b"\n" for line in lines)
    return b"[\n" + b",\n".join(lines) + b"\n]\n" if lines else b"[]\n"


def encode_parquet(records: list[Any]) -> bytes:
    """Return records as a Parquet file of several row groups, `toolCounts` as a map."""
    sink = pa.BufferOutputStream()
    split = [("split", pa.string())] if records and "split" in records[0] else []
    pq.write_table(pa.Table.from_pylist(records, schema=parquet_schema(split)), sink, row_group_size=2)
    return bytes(sink.getvalue())


def parquet_schema(split: list[Any]) -> Any:
    """Return the Arrow schema of records; `split` is the split column or nothing."""
    text, whole, flag = pa.string(), pa.int64(), pa.bool_()
    sizes = pa.struct([(name, whole) for name in ("system", "user", "assistant", "tool", "total")])
    calls = pa.struct(
        [
            ("callIndex", whole),
            ("model", text),
            ("promptTokens", whole),
            ("completionTokens", whole),
            ("totalTokens", whole),
            ("promptTokenDelta", whole),
            ("estimates", sizes),
            ("hasTrajectory", flag),
        ]
    )
    turns = pa.struct(
        [
            ("turnIndex", whole),
            ("messageId", text),
            ("userMessage", text),
            ("modelMessage", text),
            ("llmCalls", pa.list_(calls)),
            ("toolCounts", pa.map_(text, whole)),
            ("availableTools", pa.list_(text)),
            ("availableToolCount", whole),
            ("numRequests", whole),
            ("turnDurationMs", whole),
            ("turnEndReason", text),
            ("responseType", text),
            ("model", text),
        ]
    )
    counts = ["turnCount", "capturedTurnCount", "minTurnIndex", "maxTurnIndex"]
    totals = ["maxPromptTokens", "totalCompletionTokens", "llmCallCount"]
    return pa.schema(
        [("conversationId", text), ("userName", text), *split, ("bucket", text)]
        + [(name, whole) for name in counts]
        + [("isComplete", flag)]
        + [(name, whole) for name in totals]
        + [("turnsArray", pa.list_(turns))]
    )


def build(form: str = "json", layout: str = "splits") -> Dataset:
    """Return a valid data set with one shortfall, one invalid conversation and a warning of each kind."""
    dataset = Dataset(form, layout)
    sizes, targets = (SIZES, TARGETS) if layout == "splits" else (SINGLE_SIZES, SINGLE_TARGETS)
    start = 0
    for split, counts in sizes.items():
        for short, count in zip(BUCKETS, counts, strict=True):
            records = []
            for position in range(count):
                key, start = find_id(split, start)
                turns = BUCKETS[short][0] + position % 2
                records.append(
                    conversation(key, split if layout == "splits" else None, full_name(short), turns)
                )
            records.sort(key=lambda r: (number(f"{SEED}:{r['conversationId']}"), r["conversationId"]))
            dataset.records[dataset.path(split, short)] = records
    spoil_a_little(dataset)
    first = next(iter(sizes))
    key, start = find_id(first, start)
    name = f"invalid_records_{first}_{STAMP}.json" if layout == "splits" else f"invalid_records_{STAMP}.json"
    dataset.raw[name] = json.dumps(invalid_file(key)).encode()
    dataset.metadata = copy.deepcopy(metadata(dataset, sizes, targets))
    dataset.folder = dataset.metadata["curation_info"]["curation_id"]
    return dataset


def spoil_a_little(dataset: Dataset) -> None:
    """Make one warning of each kind, in the last record of the first file."""
    first = next(iter(dataset.records.values()))[-1]
    turns = first["turnsArray"]
    first["totalCompletionTokens"] -= turns[0]["llmCalls"][1]["completionTokens"] + 5
    turns[0]["modelMessage"] = ""
    turns[0]["llmCalls"][1] |= {"promptTokens": None, "completionTokens": -5}
    turns[1]["llmCalls"][1]["promptTokens"] = 0
    first["totalCompletionTokens"] -= sum(item["completionTokens"] for item in turns[-1]["llmCalls"])
    first["llmCallCount"] -= 2
    turns[-1]["llmCalls"] = []
    calls = [each for turn in turns for each in turn["llmCalls"]]
    first["maxPromptTokens"] = max(each["promptTokens"] or 0 for each in calls)
    for before, each in zip([None, *calls], calls, strict=False):
        level, previous = each["promptTokens"], before["promptTokens"] if before else 0
        each["promptTokenDelta"] = None if level is None or previous is None else level - previous


def invalid_file(key: str) -> Json:
    """Return the content of a file of one invalid record."""
    record = {
        "conversationId": key,
        "bucket": full_name("short"),
        "turnCount": 3,
        "errors": ["blank user message"],
    }
    return {
        "summary": {"total_invalid": 1, "error_summary": {"blank user message": 1}},
        "invalid_records": [record],
    }


def metadata(
    dataset: Dataset, sizes: Mapping[str, tuple[int, ...]], targets: dict[str, dict[str, int]]
) -> Json:
    """Return the metadata that belongs to the records, without `checksums`."""
    names = [full_name(short) for short in BUCKETS]
    counts = {split: dict(zip(names, count, strict=True)) for split, count in sizes.items()}
    strata: Json = {
        split: {
            full_name(short): {"turn_range": list(BUCKETS[short]), "target_count": target}
            for short, target in group.items()
        }
        for split, group in targets.items()
    }
    files: Json = {split: {full_name(s): dataset.path(split, s) for s in BUCKETS} for split in sizes}
    actual: Json = {split: group | {"total": sum(group.values())} for split, group in counts.items()}
    total, goal = sum(map(sum, sizes.values())), sum(sum(group.values()) for group in targets.values())
    if dataset.layout == "single":
        strata, files, actual = strata["all"], files["all"], counts["all"].copy()
    else:
        strata["split_assignment"] = {"method": "h(conversationId) % 100"}
        strata["split_assignment"] |= {split: list(bounds) for split, bounds in SPLITS.items()}
    key = f"vscodedata_{goal}_complete_stratified_deduped_15d_{STAMP}"
    lacking = {"group": "test.short", "wanted": 3, "available": 2, "window_factor": 1.5}
    if dataset.layout == "single":
        lacking = {"group": "long", "wanted": 3, "available": 2, "window_factor": 1.5}
    return {
        "curation_info": {"curation_date": "2026-01-16T00:00:00Z", "curation_id": key},
        "query_parameters": {"window": "15d"},
        "completeness_criteria": {"failed_turn_end_reasons": ["failed", "cancelled", "networkError"]},
        "deduplication": {"model_text": "longest"},
        "stratification": strata | {"total_target": goal},
        "actual_counts": actual | {"total": total},
        "output_files": files,
        "funnel": funnel(counts, dataset.layout),
        "shortfalls": [lacking],
        "warnings": {"candidates": dict.fromkeys(WARNINGS, 1), "written": dict.fromkeys(WARNINGS, 1)},
        "config": {
            "seed": SEED,
            "format": dataset.format,
            "layout": dataset.layout,
            "window": "15d",
            "stamp": STAMP,
            "prefix": "vscodedata",
            "split": None,
            "splits": {split: high - low for split, (low, high) in SPLITS.items()},
            "buckets": [{"name": name, "min": low, "max": high} for name, (low, high) in BUCKETS.items()],
            "targets": targets,
        },
        "versions": {"turnsmith": "0"},
    }


WARNINGS = (
    "empty_model_message",
    "turn_without_llm_calls",
    "prompt_tokens_not_positive",
    "completion_tokens_negative",
)


def funnel(counts: dict[str, dict[str, int]], layout: str) -> Json:
    """Return a funnel that adds up: one invalid conversation, five filtered, all candidates sampled."""
    first = next(iter(counts))
    return {
        "events_read": 100,
        "malformed_rows": 3,
        "events": {"other_name": 7, "outside_window": 20, "used": 70},
        "conversations": sum(sum(group.values()) for group in counts.values()) + 6,
        "filtered": {"missing_turn_index": 2, "turn_gap": 3, "failed_turn": 0},
        "invalid": {split: int(split == first) for split in counts},
        "candidates": copy.deepcopy(counts),
        "sampled": copy.deepcopy(counts),
    }
