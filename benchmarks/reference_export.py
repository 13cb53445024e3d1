"""Reference export: telemetry rows to curated conversations, straight from the contract.

A one-off script in plain Python: standard library, one process, dicts and lists, everything in memory.
It shares no code with the package, so that the two can be held against each other, in results and in speed.

    python benchmarks/reference_export.py --events events.jsonl.gz --out out --as-of 2026-02-17T00:00:00Z
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Row = dict[str, Any]
Record = dict[str, Any]
Bucket = tuple[str, int, int]

PREFIX = "GitHub.copilot-chat/"
BUCKETS: tuple[Bucket, ...] = (("short", 3, 5), ("medium", 6, 10), ("long", 11, 20))
SPLITS = {"train": 83, "val": 9, "test": 8}
TARGETS = {"train": (40_000, 40_000, 20_000), "val": (4_000, 4_000, 2_000), "test": (4_000, 4_000, 2_000)}
FAILED = ("failed", "cancelled", "networkError")
FILTERS = ("missing_turn_index", "incomplete_start", "turn_gap", "failed_turn", "outside_buckets")
FATES = ("other_name", "outside_window", "not_agent_mode", "without_id", "used")
ROLES = ("system", "user", "assistant", "tool")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?)? ?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def portable_hash(text: str) -> int:
    """Give the first 60 bits of the text's SHA-256."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def parse_time(text: str) -> int:
    """Turn an ISO 8601 time into nanoseconds since 1970; without a zone it is UTC."""
    match = TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time: {text!r}")
    day, clock, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{zone or 'Z'}")
    return (moment - EPOCH) // timedelta(seconds=1) * 10**9 + int((fraction or "").ljust(9, "0")[:9])


def parse_window(text: str) -> int:
    """Turn a window such as 15d, 12h or 30m into nanoseconds."""
    seconds = {"d": 86_400, "h": 3_600, "m": 60}[text[-1]]
    return int(text[:-1]) * seconds * 10**9


def clean(text: str) -> str:
    """Join surrogate pairs and replace surrogates that stay alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def get_text(props: Row, key: str) -> str | None:
    """Read a string property, joining its parts (key, key_02, key_03, ...) in order; none without key_02."""
    numbered = [k for k in props if k.startswith(f"{key}_") and k[len(key) + 1 :].isdecimal()]
    if not isinstance(props.get(f"{key}_02"), str):
        numbered = []
    numbered.sort(key=lambda k: int(k[len(key) + 1 :]))
    parts = [props[k] for k in (key, *numbered) if isinstance(props.get(k), str)]
    if props.get(key) is not None and not isinstance(props[key], str):
        parts = [spell(props[key])]
    return clean("".join(parts)) if parts else None


def spell(value: Any) -> str:
    """Return a value that is no text as JSON spells it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def get_number(props: Row, key: str) -> int | None:
    """Read a number, cut to an integer; strings may hold one, anything else is absent."""
    value = props.get(key)
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value) if re.search(r"[.eE]", value) else int(value)
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def get_json(props: Row, key: str, kind: type) -> Any:
    """Read an object or array, given as such or as a string that holds one; else an empty one."""
    value = props.get(key)
    if not isinstance(value, kind):
        try:
            value = json.loads(get_text(props, key) or "")
        except (ValueError, RecursionError):
            value = None
    return value if isinstance(value, kind) else kind()


def read_events(paths: Iterable[str | Path]) -> Iterator[Row | None]:
    """Yield the rows of JSON Lines files (optionally .gz); None for a line that holds no object."""
    for path in map(Path, paths):
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    row = None
                yield row if isinstance(row, dict) else None


def get_kind(name: str, props: Row) -> str | None:
    """Tell which of the row kinds in use this is."""
    if name == f"{PREFIX}conversation.messageText" and props.get("source") in ("user", "model"):
        return "message"
    if name == f"{PREFIX}engine.messages.length" and props.get("message_direction") in ("input", "output"):
        return str(props["message_direction"])
    return "details" if name == f"{PREFIX}toolCallDetailsInternal" else None


def get_estimates(props: Row) -> dict[str, int] | None:
    """Sum up the size estimates of one LLM call's input by role."""
    messages = get_json(props, "messagesJson", list)
    if not messages:
        return None
    sizes = dict.fromkeys(ROLES, 0)
    for message in messages:
        if isinstance(message, dict) and message.get("role") in ROLES:
            sizes[message["role"]] += get_number(message, "content") or 0
    return {**sizes, "total": sum(sizes.values())}


def nulls_last(*values: Any) -> tuple[tuple[bool, Any], ...]:
    """Make a sort key in which None comes after everything else."""
    return tuple((value is None, 0 if value is None else value) for value in values)


def get_facts(props: Row, measures: Row) -> Row:
    """Read the facts of a turn."""
    counts = get_json(props, "toolCounts", dict)
    numbers = {clean(tool): get_number(counts, tool) for tool in counts}
    tools = get_json(props, "availableTools", list)
    return {
        "turnIndex": get_number(measures, "turnIndex"),
        "toolCounts": {tool: n for tool, n in sorted(numbers.items()) if n is not None},
        "availableTools": [clean(spell(tool)) for tool in tools],
        "availableToolCount": get_number(measures, "availableToolCount"),
        "numRequests": get_number(measures, "numRequests"),
        "turnDurationMs": get_number(measures, "turnDuration"),
        "turnEndReason": get_text(props, "turnEndReason"),
        "responseType": get_text(props, "responseType"),
        "model": get_text(props, "model"),
    }


class Store:
    """The rows in use, by what they are joined on."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.conversations: set[str] = set()
        self.turns: dict[str, set[str]] = defaultdict(set)
        self.texts: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)  # text -> earliest time
        self.names: dict[tuple[str, str, str], tuple[int, str]] = {}
        self.details: dict[str, tuple[Any, Row]] = {}
        self.outputs: dict[str, list[tuple[Any, Row]]] = defaultdict(list)
        self.inputs: dict[str, list[tuple[Any, dict[str, int] | None]]] = defaultdict(list)

    def add(self, row: Row, start: int, end: int, counts: Counter[str]) -> str:
        """Take a row in and return its fate."""
        name, stamp = row.get("Name"), row.get("TimeGenerated")
        try:
            if not isinstance(name, str) or not isinstance(stamp, str):
                return "malformed"
            time = parse_time(stamp)
        except (ValueError, OverflowError):
            return "malformed"
        props, measures = get_json(row, "Properties", dict), get_json(row, "Measurements", dict)
        kind = get_kind(name, props)
        if kind is None:
            return "other_name"
        if not start < time <= end:
            return "outside_window"
        if kind == "message" and props.get("mode") != "agent":
            return "not_agent_mode"
        conversation = get_text(props, "conversationId")
        message = get_text(props, "messageId" if kind in ("message", "details") else "headerRequestId")
        if not message or (kind == "message" and not conversation):
            return "without_id"
        whole = [name, time, props, measures]
        digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).digest()
        if digest in self.seen:
            counts["identical"] += 1
            return "used"
        self.seen.add(digest)
        if kind in ("message", "details") and conversation:
            self.turns[conversation].add(message)
        if kind == "message":
            self.add_message((conversation or "", message, props["source"]), time, props)
        elif kind == "details":
            facts = get_facts(props, measures)
            index = facts["turnIndex"]
            rank = (time, index is not None, index or 0, digest)
            if message not in self.details or rank > self.details[message][0]:
                self.details[message] = (rank, facts)
        elif kind == "output":
            tokens = {k: get_number(measures, k) for k in ("promptTokens", "completionTokens", "totalTokens")}
            call = {"model": get_text(props, "baseModel"), **tokens}
            self.outputs[message].append((nulls_last(time, *tokens.values(), call["model"]), call))
        else:
            sizes = get_estimates(props)
            key = [None] * 5 if sizes is None else [sizes["total"], *(sizes[role] for role in ROLES)]
            self.inputs[message].append((nulls_last(time, *key), sizes))
        return "used"

    def add_message(self, key: tuple[str, str, str], time: int, props: Row) -> None:
        """Take a message row in."""
        self.conversations.add(key[0])
        text, name = get_text(props, "messageText") or "", get_text(props, "common.userName")
        self.texts[key][text] = min(time, self.texts[key].get(text, time))
        if name:
            self.names[key] = min((time, name), self.names.get(key, (time, name)))

    def message(self, key: tuple[str, str, str], model_text: str) -> str:
        """Choose the text of a message out of its rows."""
        texts = self.texts.get(key, {})
        if model_text == "all_rounds" and key[2] == "model":
            return "\n\n".join(sorted(filter(None, texts), key=lambda text: (texts[text], text)))
        return min(texts, key=lambda text: (-len(text), texts[text], text), default="")

    def calls(self, message: str) -> list[Row]:
        """Pair the LLM calls of a turn with their inputs."""
        inputs = [sizes for _, sizes in sorted(self.inputs.get(message, []), key=lambda pair: pair[0])]
        calls = []
        for k, (_, call) in enumerate(sorted(self.outputs.get(message, []), key=lambda pair: pair[0])):
            sizes = inputs[k] if k < len(inputs) else None
            rest = {"promptTokenDelta": None, "estimates": sizes, "hasTrajectory": sizes is not None}
            calls.append({"callIndex": k + 1, **call, **rest})
        return calls


def assemble(
    events: Iterable[Row | None],
    as_of: str,
    window: str = "15d",
    *,
    model_text: str = "longest",
    failed: Sequence[str] = FAILED,
    buckets: Sequence[Bucket] = BUCKETS,
    splits: Mapping[str, int] = SPLITS,
) -> tuple[dict[str, Any], list[Record]]:
    """Put conversations together and filter them: counts by reason, and what the filters leave."""
    end = parse_time(as_of)
    store, fates, counts, filtered = Store(), Counter[str](), Counter[str](), Counter[str]()
    for row in events:
        fates["malformed" if row is None else store.add(row, end - parse_window(window), end, counts)] += 1
    records = []
    for conversation in store.conversations:
        record = build_record(store, conversation, model_text)
        reason = find_filter(record["turnsArray"], failed, buckets)
        if reason:
            filtered[reason] += 1
        else:
            record["split"] = get_split(conversation, splits)
            record["bucket"] = get_bucket(record["turnCount"], buckets) or ""
            records.append(record)
    return {
        "events_read": sum(fates.values()),
        "malformed_rows": fates["malformed"],
        "events": {fate: fates[fate] for fate in FATES},
        "identical_rows_collapsed": counts["identical"],
        "conversations": len(store.conversations),
        "filtered": {reason: filtered[reason] for reason in FILTERS},
    }, records


def build_record(store: Store, conversation: str, model_text: str) -> Record:
    """Build the record of a conversation; split and bucket are still open."""
    nothing = get_facts({}, {})
    facts = {message: store.details.get(message, (None, nothing))[1] for message in store.turns[conversation]}
    order = sorted(facts, key=lambda message: (*nulls_last(facts[message]["turnIndex"]), message))
    turns, calls, previous = [], [], None
    for message in order:
        turn = {
            "turnIndex": facts[message]["turnIndex"],
            "messageId": message,
            "userMessage": store.message((conversation, message, "user"), model_text),
            "modelMessage": store.message((conversation, message, "model"), model_text),
            "llmCalls": store.calls(message),
        }
        turns.append({**turn, **{k: v for k, v in facts[message].items() if k not in turn}})
        calls += turn["llmCalls"]
    for number, call in enumerate(calls):
        tokens = call["promptTokens"]
        if number == 0:
            call["promptTokenDelta"] = tokens
        elif tokens is not None and previous is not None:
            call["promptTokenDelta"] = tokens - previous
        previous = tokens
    keys = [(conversation, message, source) for message in order for source in ("user", "model")]
    indices = [turn["turnIndex"] for turn in turns if turn["turnIndex"] is not None]
    sizes = [call["promptTokens"] for call in calls if call["promptTokens"] is not None]
    return {
        "conversationId": conversation,
        "userName": next((store.names[key][1] for key in keys if key in store.names), None),
        "split": "",
        "bucket": "",
        "turnCount": len(turns),
        "capturedTurnCount": len(turns),
        "minTurnIndex": min(indices, default=None),
        "maxTurnIndex": max(indices, default=None),
        "isComplete": indices == list(range(1, len(turns) + 1)),
        "maxPromptTokens": max(sizes, default=None),
        "totalCompletionTokens": sum(call["completionTokens"] or 0 for call in calls),
        "llmCallCount": len(calls),
        "turnsArray": turns,
    }


def find_filter(turns: list[Row], failed: Sequence[str], buckets: Sequence[Bucket]) -> str | None:
    """Name the first filter that takes a conversation away."""
    indices = [turn["turnIndex"] for turn in turns]
    if None in indices:
        return "missing_turn_index"
    if indices[0] != 1:
        return "incomplete_start"
    if indices != list(range(1, len(indices) + 1)):
        return "turn_gap"
    if any(turn["turnEndReason"] in failed for turn in turns):
        return "failed_turn"
    return None if get_bucket(len(turns), buckets) else "outside_buckets"


def bucket_name(bucket: Bucket) -> str:
    """Give the name a bucket has in records and files."""
    return "{}_{}_to_{}_turns".format(*bucket)


def get_bucket(turns: int, buckets: Sequence[Bucket] = BUCKETS) -> str | None:
    """Name the bucket for a number of turns."""
    return next((bucket_name(bucket) for bucket in buckets if bucket[1] <= turns <= bucket[2]), None)


def get_split(conversation: str, splits: Mapping[str, int] = SPLITS) -> str:
    """Name the split of a conversation."""
    rest = portable_hash(conversation) % 100
    for split, share in splits.items():
        if rest < share:
            return split
        rest -= share
    raise ValueError("splits do not add up to 100")


def validate(record: Record, buckets: Sequence[Bucket], splits: Mapping[str, int]) -> list[str]:
    """List what makes a record invalid."""
    required = ("conversationId", "userName", "bucket", "turnsArray")
    errors = [f"missing or empty {field}" for field in required if not record.get(field)]
    if record["split"] != get_split(record["conversationId"], splits):
        errors.append("split does not match the hash")
    indices = [turn["turnIndex"] for turn in record["turnsArray"]]
    if indices[:1] != [1]:
        errors.append("first turn index is not 1")
    if indices != list(range(1, len(indices) + 1)):
        errors.append("gap in turn indices")
    if get_bucket(len(indices), buckets) != record["bucket"]:
        errors.append("turn count outside the bucket's range")
    blank = [turn["turnIndex"] for turn in record["turnsArray"] if not turn["userMessage"].strip()]
    return errors + [f"turn {index}: empty user message" for index in blank]


def count_warnings(splits: Mapping[str, Mapping[str, list[Record]]]) -> dict[str, int]:
    """Count what is odd but kept."""
    records = [record for groups in splits.values() for group in groups.values() for record in group]
    turns = [turn for record in records for turn in record["turnsArray"]]
    calls = [call for turn in turns for call in turn["llmCalls"]]
    return {
        "empty_model_message": sum(not turn["modelMessage"] for turn in turns),
        "turn_without_llm_calls": sum(not turn["llmCalls"] for turn in turns),
        "prompt_tokens_not_positive": sum(
            (1 if c["promptTokens"] is None else c["promptTokens"]) <= 0 for c in calls
        ),
        "completion_tokens_negative": sum((c["completionTokens"] or 0) < 0 for c in calls),
    }


def sample(records: Iterable[Record], target: int, seed: int = 0) -> list[Record]:
    """Take the first records in hash order."""

    def rank(record: Record) -> tuple[int, str]:
        return portable_hash(f"{seed}:{record['conversationId']}"), record["conversationId"]

    return sorted(records, key=rank)[:target]


def curate(
    events: Iterable[Row | None],
    out: str | Path,
    as_of: str,
    window: str = "15d",
    *,
    mode: str = "production",
    seed: int = 0,
    stamp: str | None = None,
    layout: str = "splits",
    prefix: str = "vscodedata",
    buckets: Sequence[Bucket] = BUCKETS,
    splits: Mapping[str, int] = SPLITS,
    targets: Mapping[str, Sequence[int]] | None = None,
    **options: Any,
) -> Path:
    """Do the whole export and return the data set's folder."""
    funnel, records = assemble(events, as_of, window, buckets=buckets, splits=splits, **options)
    shares = {"all": 100} if layout == "single" else splits
    if targets is None:
        divisor = 1000 if mode == "test" else 1
        base = {"all": TARGETS["train"]} if layout == "single" else TARGETS
        targets = {split: [n // divisor for n in base[split]] for split in shares}
    pools: dict[str, dict[str, list[Record]]] = {s: {bucket_name(b): [] for b in buckets} for s in shares}
    invalid: dict[str, list[Row]] = {split: [] for split in shares}
    for record in records:
        split = record["split"] = get_split(record["conversationId"], shares)
        errors = validate(record, buckets, shares)
        if errors:
            invalid[split].append(
                {"conversationId": record["conversationId"], "errors": errors, "record": record}
            )
        else:
            pools[split][record["bucket"]].append(record)
    chosen = {
        split: {b: sample(pool[b], n, seed) for b, n in zip(pool, targets[split], strict=True)}
        for split, pool in pools.items()
    }

    stamp = stamp or datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    total = sum(map(sum, targets.values()))
    size = f"{total // 1000}k" if total >= 1000 and total % 1000 == 0 else str(total)
    folder = Path(out) / f"{prefix}_{size}_complete_stratified_deduped_{window}_{stamp}"
    folder.mkdir(parents=True)
    files: dict[str, dict[str, str]] = {split: {} for split in chosen}
    for split, groups in chosen.items():
        for bucket, group in groups.items():
            files[split][bucket] = f"{bucket}.json" if layout == "single" else f"{split}/{bucket}.json"
            write_array(folder / files[split][bucket], group)
        if invalid[split]:
            bad = {"summary": {"total_invalid": len(invalid[split])}, "invalid_records": invalid[split]}
            (folder / f"invalid_records_{split}_{stamp}.json").write_text(json.dumps(bad, indent=2))

    counts = {split: {b: len(group) for b, group in groups.items()} for split, groups in chosen.items()}
    actual = {split: {**groups, "total": sum(groups.values())} for split, groups in counts.items()}
    shortfalls = [
        {"group": f"{split}.{name}", "wanted": wanted, "available": len(pool)}
        for split in pools
        for (name, _, _), wanted, pool in zip(buckets, targets[split], pools[split].values(), strict=True)
        if len(pool) < wanted
    ]
    candidates = {split: {b: len(pool) for b, pool in groups.items()} for split, groups in pools.items()}
    collapsed = funnel.pop("identical_rows_collapsed")
    funnel |= {"invalid": {split: len(bad) for split, bad in invalid.items()}, "candidates": candidates}
    whole = sum(group["total"] for group in actual.values())
    metadata = {
        "curation_info": {"curation_id": folder.name},
        "query_parameters": {"as_of": as_of, "window": window},
        "deduplication": {"identical_rows_collapsed": collapsed},
        "actual_counts": actual["all"] if layout == "single" else {**actual, "total": whole},
        "output_files": files["all"] if layout == "single" else files,
        "funnel": {**funnel, "sampled": counts},
        "shortfalls": shortfalls,
        "warnings": {"candidates": count_warnings(pools), "written": count_warnings(chosen)},
        "checksums": {str(p.relative_to(folder)): checksum(p) for p in sorted(folder.rglob("*.json"))},
    }
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=2), encoding="utf-8")
    return folder


def write_array(path: Path, records: list[Row]) -> None:
    """Write a JSON array, one record a line."""
    path.parent.mkdir(exist_ok=True)
    lines = (json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records)
    path.write_text("\n".join(["[", *([",\n".join(lines)] if records else []), "]"]) + "\n", encoding="utf-8")


def checksum(path: Path) -> Row:
    """Give a file's hash and size."""
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def main() -> int:
    """Run the export from the command line."""
    parser = argparse.ArgumentParser(description="Reference export of curated conversations")
    parser.add_argument("--events", nargs="+", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--as-of", required=True)
    parser.add_argument("--window", default="15d")
    parser.add_argument("--mode", choices=["production", "test"], default="production")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stamp")
    parser.add_argument("--model-text", choices=["longest", "all_rounds"], default="longest")
    parser.add_argument("--layout", choices=["splits", "single"], default="splits")
    options = vars(parser.parse_args())
    folder = curate(read_events(options.pop("events")), **options)
    metadata = json.loads((folder / "metadata.json").read_bytes())
    print(json.dumps({"path": str(folder), "funnel": metadata["funnel"]}, indent=2))
    return 0 if metadata["actual_counts"]["total"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
