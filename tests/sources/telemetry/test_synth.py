"""Synthetic telemetry is reproducible, streams, and holds every fault that real exports hold."""

import csv
import gzip
import hashlib
import re
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
import zstandard

from turnsmith.core.errors import UsageError
from turnsmith.sources.telemetry.synth import DEFAULT_AS_OF, Rates, generate, write_events, writer

PREFIX = "GitHub.copilot-chat/"
MESSAGE = PREFIX + "conversation.messageText"
LENGTHS = PREFIX + "engine.messages.length"
DETAILS = PREFIX + "toolCallDetailsInternal"
COUNT = 2_000
FEW = 600
NO_FAULTS = Rates(**{rate.name: 0.0 for rate in fields(Rates)})
START_OF_WINDOW = "2026-01-01T00:00:00.000000Z"
FAILURES = {"failed", "cancelled", "networkError"}

Row = dict[str, Any]


def text_of(properties: Row, name: str) -> str | None:
    """Join the parts of a long property."""
    if name not in properties:
        return None
    parts = sorted(key for key in properties if key.startswith(name))
    return "".join(properties[key] for key in parts)


@dataclass
class Seen:
    """Hold the rows of one turn, as the export tells them."""

    user: list[str] = field(default_factory=list)
    model: list[str | None] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    modes: set[str] = field(default_factory=set)
    times: list[str] = field(default_factory=list)
    inputs: list[Row] = field(default_factory=list)
    outputs: list[Row] = field(default_factory=list)
    details: list[Row] = field(default_factory=list)

    @property
    def index(self) -> int | None:
        """Return the index of the turn's latest details row."""
        return int(self.details[-1]["Measurements"]["turnIndex"]) if self.details else None


class Export:
    """Sort the rows of an export by conversation and turn."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines = list(lines)
        self.rows: list[Row] = [msgspec.json.decode(line) for line in self.lines]
        self.turns: defaultdict[str, Seen] = defaultdict(Seen)
        self.conversations: defaultdict[str, dict[str, Seen]] = defaultdict(dict)
        for row in self.rows:
            self._file(row)

    def _file(self, row: Row) -> None:
        properties = row["Properties"]
        turn = self.turns[properties.get("messageId") or properties["headerRequestId"]]
        if row["Name"] == LENGTHS:
            (turn.inputs if properties["message_direction"] == "input" else turn.outputs).append(row)
            return
        if row["Name"] not in (MESSAGE, DETAILS):
            return
        self.conversations[properties["conversationId"]][properties["messageId"]] = turn
        turn.times.append(row["TimeGenerated"])
        if row["Name"] == DETAILS:
            turn.details.append(row)
            return
        turn.modes.add(properties["mode"])
        turn.names.append(properties.get("common.userName"))
        text = text_of(properties, "messageText")
        if properties["source"] == "user":
            turn.user.append(text or "")
        else:
            turn.model.append(text)

    def indices(self) -> list[list[int]]:
        """Return the known turn indices of each conversation, sorted."""
        return [
            sorted(turn.index for turn in turns.values() if turn.index is not None)
            for turns in self.conversations.values()
        ]


@pytest.fixture(scope="module")
def export() -> Export:
    """Return what 2,000 conversations with the default rates look like."""
    return Export(generate(COUNT))


@pytest.fixture(scope="module")
def flawless() -> Export:
    """Return what 600 conversations look like when nothing goes wrong."""
    return Export(generate(FEW, rates=NO_FAULTS))


def cut(texts: list[str]) -> bool:
    """Return whether one of the texts is only the beginning of another."""
    return any(a != b and a and b.startswith(a) for a, b in pairwise(texts))


def number(row: Row, name: str) -> int:
    """Return a measurement, be it a number or a text."""
    return int(row["Measurements"][name])


def calls_of(turn: Seen) -> int:
    """Return how many tool calls the details row counts."""
    return sum(msgspec.json.decode(turn.details[-1]["Properties"]["toolCounts"]).values())


def prompts(turns: dict[str, Seen]) -> list[int]:
    """Return the prompt sizes of a conversation in time order."""
    rows = [row for turn in turns.values() for row in turn.outputs]
    return [number(row, "promptTokens") for row in sorted(rows, key=lambda row: str(row["TimeGenerated"]))]


def in_agent_mode(turn: Seen) -> bool:
    """Return whether the turn has message rows, all of agent mode."""
    return turn.modes == {"agent"}


TURN_FAULTS: dict[str, Callable[[Seen], bool]] = {
    "user row repeats once per round": lambda t: len(t.user) > 2 and len(set(t.user)) == 1,
    "cut user row": lambda t: cut(t.user),
    "cut model row": lambda t: cut([text for text in t.model if text]),
    "tool-only round": lambda t: None in t.model,
    "parallel calls": lambda t: bool(t.details) and number(t.details[-1], "numRequests") <= calls_of(t),
    "sequential calls": lambda t: bool(t.details) and number(t.details[-1], "numRequests") == calls_of(t) + 1,
    "details row twice": lambda t: len({row["TimeGenerated"] for row in t.details}) > 1,
    "details row lost": lambda t: in_agent_mode(t) and not t.details,
    "message rows lost": lambda t: not t.modes and bool(t.details),
    "user rows lost": lambda t: not t.user and bool(t.model),
    "no token rows": lambda t: in_agent_mode(t) and not t.outputs and not t.inputs,
    "inputs without any output": lambda t: not t.outputs and bool(t.inputs),
    "one output lost": lambda t: 0 < len(t.outputs) < len(t.inputs),
    "one input lost": lambda t: 0 < len(t.inputs) < len(t.outputs),
    "promptTokens 0": lambda t: any(number(row, "promptTokens") == 0 for row in t.outputs),
    "completionTokens -1": lambda t: any(number(row, "completionTokens") == -1 for row in t.outputs),
    "numbers as text": lambda t: any(
        isinstance(row["Measurements"]["promptTokens"], str) for row in t.outputs
    ),
    "blank user message": lambda t: bool(t.user) and not max(t.user, key=len).strip(),
    "user name on some rows only": lambda t: None in t.names and any(t.names),
    "user text in parts": lambda t: any(len(text) > 8_192 for text in t.user),
    "messagesJson in parts": lambda t: any("messagesJson_02" in row["Properties"] for row in t.inputs),
    "code block": lambda t: any(re.search(r"```(python|go|rust|sql)\n", text or "") for text in t.model),
    "Chinese": lambda t: any(re.search(r"[\u4e00-\u9fff]", text) for text in t.user),
    "Japanese": lambda t: any(re.search(r"[\u3040-\u30ff]", text) for text in t.user),
    "Arabic": lambda t: any(re.search(r"[\u0600-\u06ff]", text) for text in t.user),
    "Hindi": lambda t: any(re.search(r"[\u0900-\u097f]", text) for text in t.user),
    "Russian": lambda t: any(re.search(r"[\u0400-\u04ff]", text) for text in t.user),
    "emoji joined by ZWJ": lambda t: any("\u200d" in text for text in t.user),
    "engine rows without conversation": lambda t: any(
        "conversationId" not in r["Properties"] for r in t.outputs
    ),
    "engine rows with conversation": lambda t: any("conversationId" in r["Properties"] for r in t.outputs),
}

CONVERSATION_FAULTS: dict[str, Callable[[dict[str, Seen]], bool]] = {
    "start not captured": lambda c: min((t.index for t in c.values() if t.index), default=1) > 1,
    "failed turn in a complete conversation": lambda c: (
        sorted(t.index or 0 for t in c.values()) == list(range(1, len(c) + 1))
        and any(t.details[-1]["Properties"]["turnEndReason"] in FAILURES for t in c.values())
    ),
    "user name on no row": lambda c: all(name is None for t in c.values() for name in t.names),
    "only other modes": lambda c: all(t.modes <= {"ask", "edit"} for t in c.values()),
    "mixed modes": lambda c: len({mode for t in c.values() for mode in t.modes}) > 1,
    "before the window": lambda c: max(time for t in c.values() for time in t.times) < START_OF_WINDOW,
    "straddling the window's edge": lambda c: (
        len(times := [time for t in c.values() for time in t.times]) > 0
        and min(times) < START_OF_WINDOW < max(times)
    ),
    "prompt shrinks": lambda c: any(0 < b < a * 0.6 for a, b in pairwise(prompts(c))),
    "model switch": lambda c: (
        len({row["Properties"]["baseModel"] for t in c.values() for row in t.outputs}) > 1
    ),
}

INDEX_FAULTS: dict[str, Callable[[list[int]], bool]] = {
    "gap": lambda found: any(b - a > 1 for a, b in pairwise(found)),
    "repeated index": lambda found: any(a == b for a, b in pairwise(found)),
}


@pytest.mark.parametrize("fault", TURN_FAULTS)
def test_every_turn_fault_occurs(export: Export, fault: str) -> None:
    """Each fault of a turn or a row occurs, and not in nearly all turns alike."""
    found = sum(TURN_FAULTS[fault](turn) for turn in export.turns.values())
    assert 0 < found < 0.97 * len(export.turns)


@pytest.mark.parametrize("fault", CONVERSATION_FAULTS)
def test_every_conversation_fault_occurs(export: Export, fault: str) -> None:
    """Each fault of a whole conversation occurs, in fewer than a third of them."""
    found = sum(CONVERSATION_FAULTS[fault](turns) for turns in export.conversations.values())
    assert 0 < found < COUNT / 3


@pytest.mark.parametrize("fault", INDEX_FAULTS)
def test_every_index_fault_occurs(export: Export, fault: str) -> None:
    """Gaps and repeated indices occur, each in fewer than a tenth of the conversations."""
    found = sum(INDEX_FAULTS[fault](indices) for indices in export.indices())
    assert 0 < found < COUNT / 10


def test_a_few_rows_are_delivered_twice(export: Export) -> None:
    """Some rows are in the export a second time, the same in every byte."""
    twice = len(export.lines) - len(set(export.lines))
    assert 0 < twice < len(export.lines) / 100


def test_other_names_occur(export: Export) -> None:
    """Rows that a parser has to ignore are there, under several names."""
    names = Counter(row["Name"] for row in export.rows)
    assert len(names) >= 5
    assert (
        0
        < sum(n for name, n in names.items() if name not in (MESSAGE, LENGTHS, DETAILS))
        < len(export.rows) / 20
    )


def test_without_faults_every_conversation_is_whole(flawless: Export) -> None:
    """With all rates at 0 the indices are 1..n, no turn fails, and a round has one row of each kind."""
    assert all(found == list(range(1, len(found) + 1)) for found in flawless.indices())
    for turn in flawless.turns.values():
        rounds = number(turn.details[-1], "numRequests")
        assert [len(turn.inputs), len(turn.outputs), len(turn.user), len(turn.model)] == [rounds] * 4
        assert turn.details[-1]["Properties"]["turnEndReason"] == "stopped"
        assert turn.user[0].strip()


def test_turn_index_of_message_rows_is_off_by_one(flawless: Export) -> None:
    """User rows count turns from 0 and model rows from 1, both as text."""
    for row in flawless.rows:
        properties = row["Properties"]
        if row["Name"] == MESSAGE:
            index = flawless.turns[properties["messageId"]].index
            assert index is not None
            assert properties["turnIndex"] == str(index - (properties["source"] == "user"))


def test_turn_counts_are_skewed(flawless: Export) -> None:
    """Most conversations have 1 or 2 turns, a third 3 to 20 with all buckets filled, very few more."""
    counts = [len(turns) for turns in flawless.conversations.values()]

    def share(low: int, high: int) -> float:
        return sum(low <= count <= high for count in counts) / len(counts)

    assert len(counts) == FEW
    assert 0.53 <= share(1, 2) <= 0.63
    assert 0.30 <= share(3, 20) <= 0.42
    assert 0.20 <= share(3, 5) <= 0.32
    assert 0.05 <= share(6, 10) <= 0.11
    assert 0.025 <= share(11, 20) <= 0.06
    assert 0.005 <= share(21, 999) <= 0.025


def test_most_conversations_of_3_to_20_turns_are_candidates(export: Export) -> None:
    """Faults leave at least two thirds of the conversations in the buckets without a reason to drop them."""
    long = [list(turns.values()) for turns in export.conversations.values() if 3 <= len(turns) <= 20]
    good = 0
    for turns in long:
        whole = sorted(turn.index or 0 for turn in turns) == list(range(1, len(turns) + 1))
        named = any(name for turn in turns for name in turn.names)
        asked = all(in_agent_mode(turn) and max(turn.user, default="").strip() for turn in turns)
        ended = not any(t.details and t.details[-1]["Properties"]["turnEndReason"] in FAILURES for t in turns)
        good += whole and named and asked and ended
    assert len(long) * 2 / 3 < good < len(long) * 0.9


def test_sizes_are_those_of_the_scale_target(export: Export) -> None:
    """A conversation has about 65 events and 42.5 kB, within a sixth at this small number."""
    assert len(export.lines) / COUNT == pytest.approx(65, rel=1 / 6)
    assert sum(map(len, export.lines)) / COUNT == pytest.approx(42_500, rel=1 / 6)


def test_texts_are_varied(export: Export) -> None:
    """Nine of ten requests longer than a short reply are unique; the median is about 150 characters."""
    texts = sorted((max(turn.user, key=len) for turn in export.turns.values() if turn.user), key=len)
    long = [text for text in texts if len(text) > 60]
    assert len(set(long)) > 0.9 * len(long)
    assert 120 < len(texts[len(texts) // 2]) < 180


def test_users_have_several_conversations(flawless: Export) -> None:
    """There is about one user per eight conversations, and the busiest one has far more than eight."""
    users = Counter(next(iter(turns.values())).names[0] for turns in flawless.conversations.values())
    assert FEW / 12 < len(users) < FEW / 6
    assert max(users.values()) > 3 * FEW / len(users)


def test_same_arguments_give_same_bytes() -> None:
    """Two runs agree in every byte, and with the digest that any platform and Python must reach."""
    digest = hashlib.sha256(b"".join(generate(100, seed=3))).hexdigest()
    assert digest == hashlib.sha256(b"".join(generate(100, seed=3))).hexdigest()
    # Change it only together with an intended change of what is generated.
    assert digest == "99a7913f669641982968aeeddac03c6c2e9384cfba13e4814b5fc738ee97c4e6"


def test_seeds_differ() -> None:
    """Another seed gives other conversations."""
    assert not set(generate(5, seed=1)) & set(generate(5, seed=2))


def test_a_conversation_does_not_depend_on_how_many_there_are() -> None:
    """The rows of the first 70 conversations are the same in a set of 70 and in one of 150."""
    few, many = Counter(generate(70)), Counter(generate(150))
    assert few <= many
    ids = {msgspec.json.decode(line)["Properties"].get("conversationId") for line in few} - {None}
    rest = {msgspec.json.decode(line)["Properties"].get("conversationId") for line in many - few} - {None}
    assert not ids & rest


def test_events_of_concurrent_conversations_are_interleaved() -> None:
    """Within a block rows come in order of time, and neighbors often belong to different conversations."""
    block = Export(generate(64, rates=NO_FAULTS)).rows
    times = [row["TimeGenerated"] for row in block]
    assert times == sorted(times)
    ids = [row["Properties"]["conversationId"] for row in block if row["Name"] == MESSAGE]
    assert sum(a != b for a, b in pairwise(ids)) > 2 * len(set(ids))


def test_nearly_all_events_lie_in_the_window() -> None:
    """Nothing is later than `as_of`, and at least 90 % lies in the window, however short it is."""
    as_of = datetime(2025, 6, 1, 14, 30, tzinfo=UTC)
    earliest = (as_of - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    times = [msgspec.json.decode(line)["TimeGenerated"] for line in generate(300, as_of=as_of, days=2)]
    assert max(times) <= "2025-06-01T14:30:00.000000Z"
    assert 0.9 < sum(time > earliest for time in times) / len(times) < 1


def read_jsonl(data: bytes) -> list[Row]:
    """Return the rows of JSON Lines."""
    return [msgspec.json.decode(line) for line in data.splitlines()]


def read_parquet(path: Path) -> list[Row]:
    """Return the rows of a Parquet file in the shape of JSON Lines."""
    rows: list[Row] = pq.read_table(path).to_pylist()
    for row in rows:
        row["TimeGenerated"] = row["TimeGenerated"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return rows


def read_csv(path: Path) -> list[Row]:
    """Return the rows of a CSV file."""
    csv.field_size_limit(10_000_000)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


READERS: dict[str, Callable[[Path], list[Row]]] = {
    ".jsonl": lambda path: read_jsonl(path.read_bytes()),
    ".jsonl.gz": lambda path: read_jsonl(gzip.decompress(path.read_bytes())),
    ".jsonl.zst": lambda path: read_jsonl(
        zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    ),
    ".parquet": read_parquet,
    ".csv": read_csv,
}


@pytest.mark.parametrize("suffix", READERS)
def test_each_format_holds_the_same_events(tmp_path: Path, suffix: str) -> None:
    """Every format holds what `generate` yields, and no other file stays behind."""
    path = tmp_path / f"events{suffix}"
    written = write_events(path, 130, seed=7)
    rows = READERS[suffix](path)
    for row in rows:
        for column in ("Properties", "Measurements"):
            if isinstance(row[column], str):
                row[column] = msgspec.json.decode(row[column])
    assert rows == [msgspec.json.decode(line) for line in generate(130, seed=7)]
    assert written == len(rows)
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_has_the_agreed_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are microseconds in UTC, the objects are text, and row groups hold about the set number."""
    assert writer.ROW_GROUP == 100_000
    monkeypatch.setattr(writer, "ROW_GROUP", 10_000)
    path = tmp_path / "events.parquet"
    events = write_events(path, FEW)
    file = pq.ParquetFile(path)
    assert [str(kind) for kind in file.schema_arrow.types] == [
        "timestamp[us, tz=UTC]",
        "string",
        "string",
        "string",
    ]
    groups = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
    assert sum(groups) == events
    assert len(groups) > 1
    assert all(10_000 <= rows < 20_000 for rows in groups[:-1])
    assert file.metadata.row_group(0).column(2).compression == "ZSTD"


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    """An unknown suffix is a usage error that names those that are known, and writes nothing."""
    with pytest.raises(
        UsageError, match=r"events\.xlsx.*\.jsonl, \.jsonl\.gz, \.jsonl\.zst, \.parquet, \.csv"
    ):
        write_events(tmp_path / "events.xlsx", 3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("count", "days"), [(-1, 15.0), (1, 0.0), (1, -2.0), (1, float("nan"))])
def test_bad_numbers_are_refused(count: int, days: float) -> None:
    """A negative count or a window that isn't positive is a usage error at once, before the first row."""
    with pytest.raises(UsageError):
        generate(count, days=days)


def test_progress_adds_up(tmp_path: Path) -> None:
    """The reported numbers of conversations add up to all of them."""
    reported: list[int] = []
    write_events(tmp_path / "events.jsonl", 150, on_progress=reported.append)
    assert sum(reported) == 150
    assert len(reported) > 1


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """When writing fails, the file that was there stays as it was and no part file is left."""
    path = tmp_path / "events.jsonl"
    path.write_text("old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_events(path, 10, on_progress=fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_memory_does_not_grow_with_the_number(tmp_path: Path) -> None:
    """Five times the conversations take less than twice the memory."""

    def peak(conversations: int) -> int:
        tracemalloc.start()
        write_events(tmp_path / "events.jsonl", conversations)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(640) < 2 * peak(128)


def test_default_as_of_is_fixed() -> None:
    """The default moment is a constant, never the clock."""
    assert datetime(2026, 1, 16, tzinfo=UTC) == DEFAULT_AS_OF
