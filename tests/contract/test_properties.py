"""Properties of any telemetry, and the two implementations held against each other on random soups."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import reference_export
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from turnsmith.core.hashing import portable_hash

from .build import (
    AS_OF,
    PREFIX,
    Row,
    inputs,
    message,
    ok_conversation,
    ok_turn,
    output,
    sha_number,
    split_of,
    tool_details,
    turn_id,
)

if TYPE_CHECKING:
    from .conftest import Export, Exporter

QUICK = settings(max_examples=40, deadline=None)
SOUP = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # to shrink a soup takes minutes and makes it little clearer
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SEEDS = st.integers(0, 2**32)

# The pieces of a soup. Lengths repeat, so that ties are common.
WORDS: list[Any] = [
    None, "", " ", "a", "b", "ab", "ba", "hello", "world", "héllo", "\U0001f600", "\ufffd",
    "\U0001f600\U0001f600", "a\u2028b", "tab\t", "\u00a0", "\u0000", "x" * 40, "y" * 40, 7, ["a"],
]  # fmt: skip
NUMBERS: list[Any] = [None, 0, 1, 5, 90, "90", 90.9, "1e2", -4, "-4", True, "many", 100, 2**40]
EDGES = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 16, tzinfo=UTC)]
TICKS = ["", "", ".5", ".0000001", ".0000002", ".9999999", ".25", ".250000"]


def soup_time(chance: random.Random, base: datetime) -> str:
    """Draw a time near a base, on a coarse grid, in one of several spellings."""
    moment = base + timedelta(seconds=chance.randint(-1, 3))
    zone = chance.choice(["Z", "Z", "Z", "+00:00", "", "+02:00", "-05:30"])
    if zone[:1] in ("+", "-"):
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
        moment += shift if zone[0] == "+" else -shift
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + chance.choice(TICKS) + zone


def soup_message(chance: random.Random, conversation: str, name: str, source: str, base: datetime) -> Row:
    """Draw a message row; the user name depends on message and source alone."""
    mode = chance.choice(["agent"] * 12 + ["ask", None])
    user = random.Random(f"{name} {source}").choice(["ada", "bo", "", None])
    text = chance.choice(WORDS)
    if text in (None, "", " ") and chance.random() < 0.8:
        text = "plain words"
    more = (
        {"messageText_02": chance.choice(WORDS)} if isinstance(text, str) and chance.random() < 0.15 else {}
    )
    return message(conversation, name, source, text, soup_time(chance, base), mode=mode, user=user, **more)


def soup_details(chance: random.Random, conversation: str, name: str, index: Any, base: datetime) -> Row:
    """Draw a closing row; what it says depends on message, time and index alone, so ties are decided."""
    time = soup_time(chance, base)
    facts = random.Random(f"{name} {reference_export.parse_time(time)} {index}")
    return tool_details(
        conversation,
        name,
        index,
        time,
        reason=facts.choice(["stopped"] * 20 + ["failed", None]),
        counts=facts.choice(['{"b": 1, "a": "2"}', "{}", "{", None, {"z": 3}]),
        tools=facts.choice(['["b", "a"]', "[]", "broken", None, ["a"]]),
        requests=facts.choice(NUMBERS),
        duration=facts.choice(NUMBERS),
    )


def soup_conversation(chance: random.Random, conversation: str) -> list[Row]:
    """Draw a conversation, mostly whole."""
    base = chance.choice([datetime(2026, 1, 10, 12, tzinfo=UTC)] * 5 + EDGES)
    rows: list[Row] = []
    for index in range(1, chance.choice([1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 10, 11, 20, 21]) + 1):
        name = turn_id(conversation, index)
        if chance.random() < 0.8:
            rows.append(
                message(conversation, name, "user", "plain words", soup_time(chance, base), user="cy")
            )
        for _ in range(chance.randint(0, 3)):
            rows.append(soup_message(chance, conversation, name, "user", base))
            rows.append(soup_message(chance, conversation, name, "model", base))
        for number in range(chance.randint(0, 4)):
            roles = [
                (chance.choice(["system", "user", "tool", "else"]), chance.choice(NUMBERS)) for _ in range(3)
            ]
            body: Any = chance.choice([roles, roles, roles, "[]", "[{", None])
            rows.append(inputs(name, soup_time(chance, base), body, eventId=f"{name} {number}"))
            tokens = chance.choice(NUMBERS), chance.choice(NUMBERS)
            rows.append(output(name, soup_time(chance, base), *tokens, eventId=f"{name} {number}"))
        rows.append(soup_details(chance, conversation, name, index, base))
        if chance.random() < 0.1:
            rows.append(
                soup_details(chance, conversation, name, chance.choice([index, index, 1, None]), base)
            )
    return rows


def soup(seed: int, conversations: int, loss: float) -> list[list[Row | str]]:
    """Draw two files' rows: conversations with losses, repeats, strangers and broken lines, shuffled."""
    chance = random.Random(seed)
    names = [
        chance.choice(["c", "ü", "\U0001f600"]) + str(chance.randrange(10**6)) for _ in range(conversations)
    ]
    rows = [row for name in names for row in soup_conversation(chance, name) if chance.random() >= loss]
    for row in rows:
        form = random.Random(json.dumps([row["Properties"], row["Measurements"]]))  # equal rows, equal forms
        for key in ("Properties", "Measurements"):
            if form.random() < 0.1:
                row[key] = json.dumps(row[key])
    rows += [row for row in rows if chance.random() < 0.1]
    lines: list[Row | str] = [*rows, *ok_conversation("control")]
    for name in names:
        stranger = {
            "Name": f"{PREFIX}panel.request",
            "TimeGenerated": AS_OF,
            "Properties": {"conversationId": name},
        }
        lost = message(name, chance.choice([None, ""]), "user", "no id", soup_time(chance, EDGES[1]))
        lines += [
            stranger,
            lost,
            "{broken",
            soup_message(chance, name, "x", chance.choice(["", "system"]), EDGES[1]),
        ]
    chance.shuffle(lines)
    cut = chance.randint(0, len(lines))
    return [lines[:cut], lines[cut:]]


def whole(export: Export) -> dict[str, Any]:
    """Give all of an export that both implementations must agree on."""
    funnel = {key: export.funnel[key] for key in ("events_read", "malformed_rows", "events", "conversations")}
    funnel |= {key: export.funnel[key] for key in ("filtered", "invalid", "candidates", "sampled")}
    splits = ("train", "val", "test")
    return {
        "records": {split: export.records(split) for split in splits},
        "funnel": funnel,
        "collapsed": export.metadata["deduplication"]["identical_rows_collapsed"],
        "warnings": export.metadata["warnings"],
        "invalid": {s: sorted((key, len(e)) for key, e in export.invalid(s).items()) for s in splits},
    }


def differences(found: Any, expected: Any, where: str = "") -> list[str]:
    """List where two JSON values differ."""
    if isinstance(found, dict) and isinstance(expected, dict) and list(found) == list(expected):
        return [line for key in found for line in differences(found[key], expected[key], f"{where}.{key}")]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [line for n, pair in pairs for line in differences(*pair, f"{where}[{n}]")]
    return [] if found == expected else [f"{where}: {found!r:.300} is not {expected!r:.300}"]


@QUICK
@given(TEXTS)
def test_portable_hash_is_the_contracts(text: str) -> None:
    """§3: the hash is the first 15 hex digits of the SHA-256 of the UTF-8, for any text."""
    expected = int(hashlib.sha256(text.encode("utf-8")).hexdigest()[:15], 16)
    assert portable_hash(text) == reference_export.portable_hash(text) == expected
    assert 0 <= expected < 2**60


@QUICK
@given(TEXTS)
def test_split_is_decided_by_the_hash(text: str) -> None:
    """§3: every id falls into exactly the split its hash says."""
    assert reference_export.get_split(text) == split_of(text)
    rest = sha_number(text) % 100
    for share in {rest, rest + 1} & set(range(101)):
        edge = reference_export.get_split(text, {"low": share, "high": 100 - share})
        assert edge == ("low" if rest < share else "high")


@QUICK
@given(st.lists(TEXTS, unique=True, max_size=40), st.integers(0, 30), st.integers(0, 30), SEEDS)
def test_sample_is_a_prefix_whatever_the_order(names: list[str], small: int, more: int, seed: int) -> None:
    """§3: a larger target keeps all that a smaller chose, in the same order, however the rows came."""
    records = [{"conversationId": name} for name in names]
    shuffled = random.Random(seed).sample(records, len(records))
    chosen = reference_export.sample(records, small, seed)
    larger = reference_export.sample(shuffled, small + more, seed)
    assert larger[: len(chosen)] == chosen
    assert len(larger) == min(small + more, len(records))


@QUICK
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 3)), min_size=1, max_size=8), SEEDS)
def test_dedupe_is_independent_of_row_order(rows: list[tuple[Any, int]], seed: int) -> None:
    """Rule 3: any order of the rows keeps the same text, and none of the rows has a longer one."""
    base = datetime(2026, 1, 10, tzinfo=UTC)
    texts = [
        message("c", turn_id("c", 1), "model", text, (base + timedelta(seconds=after)).isoformat())
        for text, after in rows
    ]
    turn = [row for row in ok_turn("c", 1) if row["Properties"].get("source") != "model"]
    events = [*ok_conversation("c", skip=[1]), *turn, *texts]
    shuffled = random.Random(seed).sample(events, len(events))
    (first,), (second,) = (reference_export.assemble(each, AS_OF)[1] for each in (events, shuffled))
    assert first == second
    longest = max(0 if text is None else len(reference_export.spell(text)) for text, _ in rows)
    assert len(first["turnsArray"][0]["modelMessage"]) == longest


@QUICK
@given(st.lists(st.lists(st.none() | st.integers(-5, 10**6), max_size=4), min_size=3, max_size=6))
def test_delta_is_defined_by_neighbours(turns: list[list[int | None]]) -> None:
    """Rule 7: each delta is the difference to the call before in the conversation; the first is its level."""
    rows = [row for n, prompts in enumerate(turns, 1) for row in ok_turn("c", n, prompts=prompts)]
    (record,) = reference_export.assemble(rows, AS_OF)[1] or [{"turnsArray": []}]
    calls = [call for turn in record["turnsArray"] for call in turn["llmCalls"]]
    levels = [prompt for prompts in turns for prompt in prompts]
    assert [call["promptTokens"] for call in calls] == levels
    for before, level, call in zip([0, *levels], levels, calls, strict=False):
        expected = None if before is None or level is None else level - before
        assert call["promptTokenDelta"] == expected


@SOUP
@given(
    SEEDS,
    st.integers(0, 14),
    st.sampled_from([0.0, 0.01, 0.1]),
    st.sampled_from([{}, {"model_text": "all_rounds"}, {"seed": 5}]),
)
def test_both_implementations_agree_on_any_soup(
    reference: Exporter,
    turnsmith: Exporter,
    seed: int,
    conversations: int,
    loss: float,
    config: dict[str, Any],
) -> None:
    """§1 to §4: on random events the product writes what the reference script writes, and counts the same."""
    files = soup(seed, conversations, loss)
    assert differences(whole(turnsmith(*files, **config)), whole(reference(*files, **config))) == []


@SOUP
@given(SEEDS, st.sampled_from([0.0, 0.05]))
def test_reference_is_independent_of_row_order(reference: Exporter, seed: int, loss: float) -> None:
    """Rules 3 to 7 and 11: the reference script writes the same from the same soup in another order."""
    files = soup(seed, 10, loss)
    lines = [line for file in files for line in file]
    random.Random(seed + 1).shuffle(lines)
    assert differences(whole(reference(lines)), whole(reference(*files))) == []
