"""Bad input ends in a message that says where and what to do, or in a counted and sampled row; the rest counts."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from turnsmith.sources.telemetry import blocks, inputs

from .running import (
    Ended,
    all_files,
    arguments,
    data_files,
    dataset,
    export,
    exported,
    leftovers,
    metadata,
    records,
    turnsmith,
)
from .telemetry import (
    CANARY,
    COLUMNS,
    DETAILS,
    LENGTH,
    MESSAGE,
    PREFIX,
    Row,
    at,
    conversation,
    ids,
    lines,
    turn,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ids("train", 3)
ROWS = [row for name in NAMES for row in conversation(name, 3, text=f"please {CANARY}")]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the data files of an export of the good rows alone."""
    folder = tmp_path_factory.mktemp("good")
    return data_files(exported(write(folder / "a.jsonl", ROWS), folder / "out"))


def amid(*bad: Row | str | bytes, after: int = 4) -> bytes:
    """Put bad rows among the good ones."""
    raw = b"".join(row if isinstance(row, bytes) else lines([row]) for row in bad)
    return lines(ROWS[:after]) + raw + lines(ROWS[after:])


def quiet(ended: Ended, folder: Path | None = None) -> None:
    """Check that nothing of the data's texts is shown or kept beside the data files."""
    assert CANARY not in ended.said
    assert "Traceback" not in ended.said
    if folder is not None:
        assert CANARY not in (folder / "metadata.json").read_text(encoding="utf-8")
        assert all(
            CANARY.encode() not in content for name, content in all_files(folder).items() if "invalid" in name
        )


def refused(ended: Ended, *parts: object, code: int = 1) -> str:
    """Check that a command failed with a message that holds these parts and nothing on stdout."""
    assert ended.code == code, ended.said
    quiet(ended)
    assert ended.stdout == ""
    message = " ".join(ended.stderr.split())
    for part in parts:
        assert str(part) in message
    return message


def counted(
    path: Path, good: dict[str, bytes], tmp_path: Path, rows: int, bad: dict[int, str], *options: object
) -> dict[str, Any]:
    """Check that an export keeps all good rows and counts and samples the bad ones, reasons by line."""
    out = tmp_path / "out"
    ended = export(path, out, *options)
    assert ended.code == 0, ended.said
    quiet(ended, dataset(out))
    assert data_files(dataset(out)) == good
    assert leftovers(out) == []
    funnel: dict[str, Any] = metadata(dataset(out))["funnel"]
    assert funnel["events_read"] == rows
    assert funnel["malformed_rows"] == len(bad)
    assert sum(funnel["events"].values()) == rows - len(bad)
    samples = funnel["malformed_samples"]
    assert [(sample["file"], sample["line"]) for sample in samples] == [(path.name, line) for line in bad]
    for sample, reason in zip(samples, bad.values(), strict=True):
        assert reason.casefold() in sample["reason"].casefold()
    return funnel


MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "no JSON": (f"{CANARY} is no JSON", "JSON"),
    "cut": ('{"TimeGenerated": "2026-01-10T00:00:00Z", "Name": "' + CANARY, "JSON"),
    "cut in front": (f'{CANARY}", "Measurements": {{}}}}', "JSON"),
    "two on a line": (json.dumps(ROWS[0]) * 2, "JSON"),
    "single quotes": (str(ROWS[0]), "JSON"),
    "a list": (f'["{CANARY}"]', "object"),
    "a number": ("17", "object"),
    "a text": (f'"{CANARY}"', "object"),
    "null": ("null", "object"),
    "nested too deeply": ('{"a":' * 100_000, "JSON"),
    "a number too long": ('{"TimeGenerated":' + "9" * 5000 + "}", "JSON"),
    "invalid UTF-8": (b'{"a": "\xff\xfe ' + CANARY.encode() + b'"}\n', "UTF-8"),
    "half a character": (b'{"a": "' + "✅".encode()[:2] + b'"}\n', "UTF-8"),
    "UTF-8 of a surrogate": (b'{"a": "\xed\xa0\xbd"}\n', "UTF-8"),
    "UTF-16": (lines([ROWS[0]]).decode().encode("utf-16").replace(b"\n", b"") + b"\n", "UTF-8"),
    "raw NUL in a text": (lines([ROWS[0]]).replace(b"please", b"ple\0se"), "JSON"),
    "raw NUL alone": (b"\0\n", "JSON"),
    "raw control character": (lines([ROWS[0]]).replace(b"please", b"ple\x07se"), "JSON"),
    "no name": (json.dumps({k: v for k, v in ROWS[0].items() if k != "Name"}), "Name"),
    "no time": (json.dumps({k: v for k, v in ROWS[0].items() if k != "TimeGenerated"}), "TimeGenerated"),
    **{
        f"Name {value!r}": (json.dumps({**ROWS[0], "Name": value}), "Name")
        for value in (None, 5, 1.5, True, ["x"], {"x": CANARY})
    },
    **{
        f"TimeGenerated {value!r}": (json.dumps({**ROWS[0], "TimeGenerated": value}), "TimeGenerated")
        for value in (
            None,
            "",
            CANARY,
            1.5,
            True,
            ["x"],
            {"x": 1},
            "2026-02-30T00:00:00Z",
            "2026-01-10T25:00:00Z",
        )
    },
    **{
        f"Properties {value!r}": (json.dumps({**ROWS[0], "Properties": value}), "Properties")
        for value in (["x"], 5, 1.5, True, CANARY, "[1]", "17", '{"a": ')
    },
    **{
        f"Measurements {value!r}": (json.dumps({**ROWS[2], "Measurements": value}), "Measurements")
        for value in (["x"], 5, True, CANARY, "[1]", '{"a": ')
    },
}


def raw(row: str | bytes) -> bytes:
    """Give a bad row as a whole line."""
    return row if isinstance(row, bytes) else row.encode() + b"\n"


@pytest.mark.parametrize("group", range(0, len(MALFORMED), 18))
@pytest.mark.parametrize("where", ["first", "in the middle", "last without newline"])
def test_malformed_lines(group: int, where: str, good: dict[str, bytes], tmp_path: Path) -> None:
    """Each kind of malformed line is counted and sampled with its line, wherever it stands; the others count."""
    kinds = list(MALFORMED.values())[group : group + 18]
    after = {"first": 0, "in the middle": 7}.get(where, len(ROWS))
    content = amid(*(raw(row) for row, _ in kinds), after=after)
    if where == "last without newline":
        content = content.removesuffix(b"\n")
    bad = {after + n + 1: reason for n, (_, reason) in enumerate(kinds)}
    counted(write(tmp_path / "bad.jsonl", content), good, tmp_path, len(ROWS) + len(bad), bad)


@pytest.mark.parametrize("value", [["x"], 5, CANARY])
def test_a_bad_bag_is_bad_in_every_format(value: Any, tmp_path: Path) -> None:
    """Whether a message row with bad Measurements counts does not depend on how the file holds its Properties."""
    texts = {"Properties": json.dumps(ROWS[0]["Properties"])}
    malformed = []
    for number, bad in enumerate(
        ({**ROWS[0], "Measurements": value}, {**ROWS[0], "Measurements": value, **texts})
    ):
        made = exported(write(tmp_path / f"{number}.jsonl", amid(bad)), tmp_path / str(number))
        malformed.append(metadata(made)["funnel"]["malformed_rows"])
    assert malformed[0] == malformed[1]


def test_at_most_twenty_samples(good: dict[str, bytes], tmp_path: Path) -> None:
    """All malformed rows are counted, the first of them sampled."""
    path = write(tmp_path / "bad.jsonl", amid(*[f"bad {n}" for n in range(50)], after=0))
    out = exported(path, tmp_path / "out")
    funnel = metadata(out)["funnel"]
    assert funnel["malformed_rows"] == 50
    assert [sample["line"] for sample in funnel["malformed_samples"]] == list(range(1, 21))
    assert data_files(out) == good


def test_lines_are_counted_in_every_block_and_shard(
    good: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples name the line of the file also in later blocks and shards and after blank lines."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(inputs.plan_shards, "__defaults__", (3000,))
    text: list[Row | str] = []
    bad = {}
    for number, row in enumerate(ROWS):
        text.append(row)
        if number % 6 == 5:
            text += ["", "  ", f"bad {CANARY}", ""]
            bad[len(text) - 1] = "JSON"
    counted(write(tmp_path / "bad.jsonl", text), good, tmp_path, len(ROWS) + len(bad), bad)


def test_lines_of_a_compressed_file(
    good: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples name the line of the text in a compressed file."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    content = amid("", "bad", after=30)
    path = write(tmp_path / "bad.jsonl.zst", zstandard.ZstdCompressor().compress(content))
    counted(path, good, tmp_path, len(ROWS) + 1, {32: "JSON"})


def test_samples_name_each_file(good: dict[str, bytes], tmp_path: Path) -> None:
    """Samples name the file that holds the row."""
    write(tmp_path / "in" / "a.jsonl", [*ROWS[:10], "bad"])
    write(tmp_path / "in" / "b.jsonl", ["", "bad", *ROWS[10:], "bad"])
    out = exported(tmp_path / "in", tmp_path / "out")
    samples = [(s["file"], s["line"]) for s in metadata(out)["funnel"]["malformed_samples"]]
    assert samples == [("a.jsonl", 11), ("b.jsonl", 2), ("b.jsonl", 3 + len(ROWS) - 10)]
    assert data_files(out) == good


WRONG = ("12x", True, ["1"], {"n": 1}, "NaN", 10**30)
RIGHT = ("12", 12.0, 12.75, "1.2e1", " 12")
NUMBERS = {
    "promptTokens": (LENGTH, "promptTokens"),
    "completionTokens": (LENGTH, "completionTokens"),
    "totalTokens": (LENGTH, "totalTokens"),
    "numRequests": (DETAILS, "numRequests"),
    "turnDuration": (DETAILS, "turnDurationMs"),
    "availableToolCount": (DETAILS, "availableToolCount"),
}


def with_value(field: str, value: Any, bag: str = "Measurements", name: str | None = None) -> list[Row]:
    """Give the good rows, the first of a name that has the field with another value."""
    rows: list[Row] = json.loads(json.dumps(ROWS))
    found = next(row for row in rows if field in row[bag] and name in (None, row["Name"]))
    found[bag][field] = value
    return rows


def first_turn(folder: Path, name: str = NAMES[0]) -> dict[str, Any]:
    """Give the first turn of a conversation, with its only call's fields among its own."""
    (record,) = (record for record in records(folder) if record["conversationId"] == name)
    found: dict[str, Any] = record["turnsArray"][0]
    return {**found, **found["llmCalls"][0]}


@pytest.mark.parametrize("field", NUMBERS)
def test_numbers_of_a_wrong_type(field: str, tmp_path: Path) -> None:
    """A number of a wrong type is absent and counted by its field; its row and all others are used."""
    event, output = NUMBERS[field]
    names = ids("train", len(WRONG))
    rows = [conversation(name) for name in names]
    for mine, value in zip(rows, WRONG, strict=True):
        row = next(row for row in mine if row["Name"] == event and field in row["Measurements"])
        row["Measurements"][field] = value
    path = write(tmp_path / "a.jsonl", [row for mine in rows for row in mine])
    folder = exported(path, tmp_path / "out")
    assert [first_turn(folder, name)[output] for name in names] == [None] * len(WRONG)
    assert len(records(folder)) == len(names)
    funnel = metadata(folder)["funnel"]
    assert funnel["wrong_values"] == {field: len(WRONG)}
    assert funnel["malformed_rows"] == 0


def test_numbers_in_other_clothes(tmp_path: Path) -> None:
    """A number may come as text or with a fraction, which is cut off; no value is counted as wrong."""
    rows = json.loads(json.dumps(ROWS))
    fields = dict(zip(NUMBERS, RIGHT, strict=False))
    for row in (rows[2], rows[4]):
        row["Measurements"] |= {
            field: value for field, value in fields.items() if NUMBERS[field][0] == row["Name"]
        }
    folder = exported(write(tmp_path / "a.jsonl", rows), tmp_path / "out")
    found = first_turn(folder)
    assert {field: found[NUMBERS[field][1]] for field in fields} == dict.fromkeys(fields, 12)
    assert metadata(folder)["funnel"]["wrong_values"] == {}


@pytest.mark.parametrize("bag", ["Properties", "Measurements"])
def test_missing_keys(bag: str, tmp_path: Path) -> None:
    """A row without a bag, or with an empty one, loses only what it would have said."""
    rows = json.loads(json.dumps(ROWS))
    for number, row in enumerate(rows[:5]):
        row[bag] = {}
        if number % 2:
            del row[bag]
    folder = exported(write(tmp_path / "a.jsonl", rows), tmp_path / "out")
    others = [record["conversationId"] for record in records(folder)]
    assert set(NAMES[1:]) <= set(others)
    funnel = metadata(folder)["funnel"]
    assert funnel["malformed_rows"] == 0
    if bag == "Properties":
        assert funnel["events"]["used"] == len(ROWS) - 5
    else:
        assert funnel["filtered"]["missing_turn_index"] == 1


@pytest.mark.parametrize(
    "field", ["common.userName", "messageText", "mode", "source", "messageId", "conversationId", "toolCounts"]
)
def test_texts_of_a_wrong_type(field: str, good: dict[str, bytes], tmp_path: Path) -> None:
    """A property of a wrong type neither stops the export nor touches another conversation."""
    values = (None, 5, True, ["x"], {"a": 1})
    rows = [conversation(f"odd-{number}", text=CANARY) for number in range(len(values))]
    for mine, value in zip(rows, values, strict=True):
        next(row for row in mine if field in row["Properties"])["Properties"][field] = value
    path = write(tmp_path / "a.jsonl", [*ROWS, *(row for mine in rows for row in mine)])
    ended = export(path, tmp_path / "out")
    assert ended.code == 0, ended.said
    folder = dataset(tmp_path / "out")
    quiet(ended, folder)
    found = {record["conversationId"]: record for record in records(folder)}
    expected = [record for content in good.values() for record in json.loads(content)]
    assert [found[record["conversationId"]] for record in expected] == expected
    funnel = metadata(folder)["funnel"]
    assert funnel["malformed_rows"] == 0
    assert sum(funnel["events"].values()) == len(ROWS) + sum(map(len, rows))


@pytest.mark.parametrize(
    "characters", ["nul \0 nul", "\ud83d alone", "a\u2028b\u0085c\x7f", "\\u0000 \\ \" '"]
)
def test_odd_characters_survive(characters: str, tmp_path: Path) -> None:
    """Escaped NUL and other odd characters come out as they went in; half a surrogate pair as U+FFFD."""
    rows = with_value("messageText", characters, "Properties")
    path = write(tmp_path / "a.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    found = first_turn(exported(path, tmp_path / "out"))
    assert found["userMessage"] == characters.replace("\ud83d", "\ufffd")


@pytest.mark.slow
@pytest.mark.parametrize("character", ["x", "✅"])
def test_a_message_of_50_mb(character: str, good: dict[str, bytes], tmp_path: Path) -> None:
    """A message of 50 MB is kept whole, and so are its neighbors."""
    text = character * (50_000_000 // len(character.encode()))
    rows = with_value("messageText", text, "Properties")
    out = exported(write(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert first_turn(out)["userMessage"] == text
    assert data_files(out).keys() == good.keys()
    assert len(records(out)) == len(NAMES)


# -- Parquet and CSV ---------------------------------------------------------------------------------------


def table(rows: list[Row] | None = None) -> pa.Table:
    """Give rows as four columns of text."""
    texts = {name: [_text(row[name]) for row in rows or ROWS] for name in COLUMNS}
    return pa.table({name: pa.array(column, pa.string()) for name, column in texts.items()})


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def parquet(path: Path, content: pa.Table) -> Path:
    """Write a Parquet file."""
    pq.write_table(content, path)
    return path


def replaced(name: str, column: pa.Array) -> pa.Table:
    """Give the good rows with another column."""
    return table().set_column(COLUMNS.index(name), name, column)


def test_bad_values_in_parquet(good: dict[str, bytes], tmp_path: Path) -> None:
    """Nulls and bad texts in a Parquet row are counted and sampled with the row's number."""
    bad: list[Row] = [
        {**ROWS[0], "Name": None},
        {**ROWS[0], "TimeGenerated": None},
        {**ROWS[0], "TimeGenerated": CANARY},
        {**ROWS[0], "Properties": CANARY},
        {**ROWS[0], "Properties": "[1]"},
    ]
    path = parquet(tmp_path / "a.parquet", table([*ROWS[:4], *bad, *ROWS[4:]]))
    reasons = {5: "Name", 6: "TimeGenerated", 7: "TimeGenerated", 8: "Properties", 9: "Properties"}
    counted(path, good, tmp_path, len(ROWS) + 5, reasons)


def test_a_time_far_off_in_parquet(good: dict[str, bytes], tmp_path: Path) -> None:
    """A time that nanoseconds can't hold is outside the window; it does not take its file with it."""
    micros = [1_768_000_000_000_000 + n for n in range(len(ROWS))]
    times = pa.array([*micros, 32_503_680_000_000_000, -62_135_596_800_000_000], pa.timestamp("us"))
    content = table([*ROWS, ROWS[0], ROWS[0]]).set_column(0, "TimeGenerated", times)
    out = exported(parquet(tmp_path / "a.parquet", content), tmp_path / "out")
    assert data_files(out) == good
    assert metadata(out)["funnel"]["events"]["outside_window"] == 2


def test_invalid_utf8_in_parquet(good: dict[str, bytes], tmp_path: Path) -> None:
    """A Parquet text that is not valid UTF-8 is a malformed row; the others count."""
    texts = [json.dumps(row["Properties"]).encode() for row in [*ROWS, ROWS[0]]]
    texts[-1] = texts[-1].replace(b"please", b"ple\xff\xfese")
    binary = pa.array(texts, pa.binary())
    column = pa.Array.from_buffers(pa.string(), len(binary), binary.buffers())
    content = table([*ROWS, ROWS[0]]).set_column(2, "Properties", column)
    path = parquet(tmp_path / "a.parquet", content)
    counted(path, good, tmp_path, len(ROWS) + 1, {len(ROWS) + 1: "UTF-8"})


@pytest.mark.parametrize(
    "value",
    [[1, 2], ["ab", "cd"], 5, 1.5, True, {"a": [1]}, None],
    ids=lambda value: str(value).replace(" ", ""),
)
def test_columns_of_a_wrong_type(value: Any, good: dict[str, bytes], tmp_path: Path) -> None:
    """A Parquet column of a wrong type makes malformed or unused rows; files beside it count as ever."""
    (tmp_path / "in").mkdir()
    for name in ("Properties", "Name", "TimeGenerated"):
        parquet(tmp_path / "in" / f"{name}.parquet", replaced(name, pa.array([value] * len(ROWS))))
    write(tmp_path / "in" / "ok.jsonl", ROWS)
    ended = export(tmp_path / "in", tmp_path / "out")
    assert ended.code == 0, ended.said
    quiet(ended, dataset(tmp_path / "out"))
    assert data_files(dataset(tmp_path / "out")) == good
    funnel = metadata(dataset(tmp_path / "out"))["funnel"]
    assert funnel["events_read"] == 4 * len(ROWS)
    assert funnel["events"]["used"] == len(ROWS)
    bad = 1 if value is None or isinstance(value, dict) else 2  # files all of whose rows are malformed
    assert funnel["malformed_rows"] in (bad * len(ROWS), (bad + 1) * len(ROWS))  # names may be read as texts


@pytest.mark.parametrize("missing", COLUMNS)
def test_missing_columns(missing: str, tmp_path: Path) -> None:
    """A Parquet or CSV file without a column is refused; the message names file, column and what there is."""
    path = parquet(tmp_path / "a.parquet", table().drop_columns([missing]))
    refused(export(path, tmp_path / "out"), path, f"no column {missing}", "it has", "Export")
    columns = [name for name in COLUMNS if name != missing]
    path = write(tmp_path / "a.csv", ",".join(columns).encode() + b"\r\n" + b"x,x,x\r\n")
    refused(export(path, tmp_path / "out"), path, f"no column {missing}", "it has", "Export")


def csv_rows(rows: list[Row]) -> list[bytes]:
    """Give the rows as CSV records, the header first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    ends = [text.tell()]
    for row in rows:
        writer.writerow([_text(row[name]) for name in COLUMNS])
        ends.append(text.tell())
    whole = text.getvalue()
    return [whole[a:b].encode() for a, b in zip([0, *ends], ends, strict=False)]


def test_bad_records_in_csv(good: dict[str, bytes], tmp_path: Path) -> None:
    """Short, long and badly coded records of a CSV are counted; the samples name the line in the file."""
    header, *rest = csv_rows(ROWS)
    time = at(0).encode()
    bad = [
        b"only\n",
        b"a,b,c,d,e,f\n",
        b'%s,%s,"{""messageText"": ""\xff %s""}",{}\n' % (time, MESSAGE.encode(), CANARY.encode()),
        b"%s,%s,%s,{}\n" % (time, MESSAGE.encode(), CANARY.encode()),
    ]
    path = write(tmp_path / "a.csv", header + b"".join([*rest[:3], *bad, *rest[3:]]))
    reasons = {5: "TimeGenerated", 6: "TimeGenerated", 7: "UTF-8", 8: "Properties"}
    counted(path, good, tmp_path, len(ROWS) + 4, reasons)


def test_lines_of_a_csv_with_line_ends_in_fields(good: dict[str, bytes], tmp_path: Path) -> None:
    """In a CSV the sample's line is that of the file, also where fields hold line ends and lines are blank."""
    header, *rest = csv_rows(ROWS)
    spread = b'%s,x,"{\n\n""a"": 1}",{}\n' % at(0).encode()
    content = header + spread + b"\n" + b"bad\n" + b"".join(rest)
    counted(write(tmp_path / "a.csv", content), good, tmp_path, len(ROWS) + 2, {6: "TimeGenerated"})


def test_nul_in_a_csv_field(good: dict[str, bytes], tmp_path: Path) -> None:
    """A NUL in a CSV field makes that row malformed or unused, no other."""
    header, *rest = csv_rows(ROWS)
    bad = b'%s,%s,"{""messageText"": ""\0""}",{}\n' % (at(0).encode(), MESSAGE.encode())
    path = write(tmp_path / "a.csv", header + bad + b"".join(rest))
    counted(path, good, tmp_path, len(ROWS) + 1, {2: "JSON"})


# -- files and folders -------------------------------------------------------------------------------------


def test_a_missing_path(tmp_path: Path) -> None:
    """A path, folder or glob that names nothing is refused by its name."""
    for name in ("none.jsonl", "none/", "none-*.jsonl"):
        path = f"{tmp_path}/{name}"
        refused(export(path, tmp_path / "out"), path, "no such file")
    good_path = write(tmp_path / "a.jsonl", ROWS)
    refused(export([good_path, tmp_path / "b.jsonl"], tmp_path / "out"), tmp_path / "b.jsonl")
    assert not (tmp_path / "out").exists()


def test_no_paths(tmp_path: Path) -> None:
    """Without --events or --out the message names the option."""
    refused(turnsmith("export", "--out", tmp_path / "out"), "--events", code=2)
    refused(turnsmith("export", "--events", write(tmp_path / "a.jsonl", ROWS)), "--out", code=2)


def test_an_empty_folder(tmp_path: Path) -> None:
    """A folder without event files is refused; the message says which files count."""
    (tmp_path / "in").mkdir()
    refused(
        export(tmp_path / "in", tmp_path / "out"),
        tmp_path / "in",
        "no event files",
        ".jsonl",
        ".parquet",
        ".csv",
    )
    write(tmp_path / "in" / "notes.txt", b"x")
    write(tmp_path / "in" / "a.parquet.gz", b"x")
    refused(
        export(tmp_path / "in", tmp_path / "out"),
        tmp_path / "in",
        "no event files",
        ".jsonl",
        ".parquet",
        ".csv",
    )


@pytest.mark.parametrize("name", ["a.txt", "a", "a.jsonl.bz2", "a.parquet.gz", "a.gz", "a.tsv"])
def test_an_unknown_suffix(name: str, tmp_path: Path) -> None:
    """A file named by itself that is of no known kind is refused; the message says which are."""
    path = write(tmp_path / name, ROWS)
    refused(export(path, tmp_path / "out"), path, "unknown kind", ".jsonl", ".parquet", ".csv")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b""),
        ("b.jsonl", b"\n  \n\n"),
        ("c.jsonl", b"\xef\xbb\xbf"),
        ("d.jsonl.gz", gzip.compress(b"")),
        ("e.jsonl.zst", zstandard.ZstdCompressor().compress(b"")),
        ("f.csv", (",".join(COLUMNS) + "\n").encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_empty_file(name: str, content: bytes, good: dict[str, bytes], tmp_path: Path) -> None:
    """A file without events alone is an empty result, told with the funnel; beside others it does no harm."""
    path = write(tmp_path / name, content)
    refused(export(path, tmp_path / "empty"), "nothing is left to write", "events read 0", "written 0")
    assert leftovers(tmp_path / "empty") == []
    made = exported([path, write(tmp_path / "z.jsonl", ROWS)], tmp_path / "out")
    assert data_files(made) == good


def test_an_empty_parquet_file(good: dict[str, bytes], tmp_path: Path) -> None:
    """A Parquet file without rows alone is an empty result, told with the funnel."""
    path = parquet(tmp_path / "a.parquet", table().slice(0, 0))
    refused(export(path, tmp_path / "empty"), "nothing is left to write", "events read 0")
    made = exported([path, write(tmp_path / "z.jsonl", ROWS)], tmp_path / "out")
    assert data_files(made) == good


def test_a_json_array(tmp_path: Path) -> None:
    """A file with one JSON array is refused; the message names it and says how to make lines of it."""
    for indent in (None, 1):
        path = write(tmp_path / "a.json", json.dumps(ROWS, indent=indent).encode())
        refused(export(path, tmp_path / "out"), path, "JSON array", "jq")
    path = write(tmp_path / "b.json", b"\xef\xbb\xbf\n" + json.dumps(ROWS).encode())
    refused(export(path, tmp_path / "out"), path, "JSON array", "jq")


@pytest.mark.parametrize("content", ["array", "bad lines"])
def test_nothing_but_malformed_rows(content: str, tmp_path: Path) -> None:
    """Where all rows are malformed, the message tells file, line and reason of some beside the funnel."""
    data = json.dumps(ROWS).encode() if content == "array" else b"bad\nworse\n"
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(data))
    refused(export(path, tmp_path / "out"), "nothing is left to write", "malformed rows", "a.jsonl.gz", "1")


def zstd(content: bytes) -> bytes:
    """Compress with zstd."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


UNREADABLE: dict[str, tuple[str, bytes]] = {
    "no Parquet": ("a.parquet", b"PAR1 not so"),
    "long no Parquet": ("a.parquet", b"not so" * 1000),
    "empty Parquet": ("a.parquet", b""),
    "no gzip": ("a.jsonl.gz", lines(ROWS)),
    "cut gzip": ("a.jsonl.gz", gzip.compress(lines(ROWS))[:-20]),
    "gzip with a changed byte": ("a.jsonl.gz", gzip.compress(lines(ROWS))[:-8] + b"12345678"),
    "gzip with a tail": ("a.jsonl.gz", gzip.compress(lines(ROWS)) + b"tail"),
    "no gzip in CSV": ("a.csv.gz", b"".join(csv_rows(ROWS))),
    "cut gzip in CSV": ("a.csv.gz", gzip.compress(b"".join(csv_rows(ROWS)))[:-20]),
    "no zstd": ("a.jsonl.zst", lines(ROWS)),
    "cut zstd": ("a.jsonl.zst", zstd(lines(ROWS))[:-20]),
    "cut second zstd frame": ("a.jsonl.zst", zstd(lines(ROWS)) + zstd(lines(ROWS))[:-20]),
    "zstd without its checksum": ("a.jsonl.zst", zstd(lines(ROWS))[:-2]),
    "zstd with a tail": ("a.jsonl.zst", zstd(lines(ROWS)) + b"tail of something"),
    "cut zstd in CSV": ("a.csv.zst", zstd(b"".join(csv_rows(ROWS)))[:-20]),
    "empty CSV": ("a.csv", b""),
    "UTF-16 CSV": ("a.csv", b"".join(csv_rows(ROWS)).decode().encode("utf-16")),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_file(kind: str, tmp_path: Path) -> None:
    """A file that is cut, damaged or not what its name says stops the export with its name, never silently."""
    name, content = UNREADABLE[kind]
    path = write(tmp_path / name, content)
    other = write(tmp_path / "ok.jsonl", [row for c in ids("val", 1) for row in conversation(c)])
    refused(export([other, path], tmp_path / "out"), path)
    assert not list((tmp_path / "out").glob("*/metadata.json"))


def test_cut_files_of_many_blocks(tmp_path: Path) -> None:
    """Large files that break off, compressed badly or not at all, are told as well."""
    noise = b"".join(os.urandom(30).hex().encode() + b"\n" for _ in range(50_000))
    for name, content in (("a.jsonl.zst", zstd(noise)), ("a.jsonl.gz", gzip.compress(noise, 1))):
        path = write(tmp_path / name, content[: len(content) // 2])
        refused(export(path, tmp_path / "out"), path, "can't be read")


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    """A broken or circular symbolic link is an unreadable file: named in the message, not passed over."""
    write(tmp_path / "in" / "ok.jsonl", ROWS)
    for name, target in (("gone.jsonl", "nowhere.jsonl"), ("circle.jsonl", "circle.jsonl")):
        link = tmp_path / name
        link.symlink_to(target)
        message = refused(export(link, tmp_path / "out"), "can't be read")
        assert str(link) in message or str(tmp_path / target) in message
    (tmp_path / "in" / "gone.jsonl").symlink_to("nowhere.jsonl")
    message = refused(export(tmp_path / "in", tmp_path / "out"), tmp_path / "in")
    assert "gone.jsonl" in message or "nowhere.jsonl" in message


def test_a_folder_that_holds_itself(good: dict[str, bytes], tmp_path: Path) -> None:
    """A folder with a link to itself is read once."""
    path = write(tmp_path / "in" / "a.jsonl", ROWS)
    (path.parent / "self").symlink_to(path.parent)
    made = exported(path.parent, tmp_path / "out")
    assert data_files(made) == good
    assert metadata(made)["funnel"]["events_read"] == len(ROWS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    """A file that may not be read is named."""
    path = write(tmp_path / "a.jsonl", ROWS)
    path.chmod(0)
    refused(export(path, tmp_path / "out"), path, "Permission denied")


def test_an_out_that_can_not_be(tmp_path: Path) -> None:
    """An --out that is a file, or lies in one or where nobody may write, is named in the message."""
    path = write(tmp_path / "a.jsonl", ROWS)
    for out in (path, path / "below", "/proc/nowhere"):
        refused(turnsmith("export", "--events", path, "--out", out), out)


# -- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "lost"),
    [
        (("--as-of", "2020-01-01T00:00:00Z"), "outside the window 45"),
        (("--window", "1h"), "outside the window 45"),
    ],
)
def test_a_window_that_holds_nothing(window: tuple[str, str], lost: str, tmp_path: Path) -> None:
    """An empty result exits with 1, shows the funnel with the step that took everything, and leaves nothing."""
    path = write(tmp_path / "a.jsonl", ROWS)
    refused(export(path, tmp_path / "out", *window), "nothing is left to write", "events read 45", lost)
    assert leftovers(tmp_path / "out") == []


def test_a_filter_that_takes_everything(tmp_path: Path) -> None:
    """The funnel of an empty result names the filter."""
    path = write(tmp_path / "a.jsonl", [*conversation("late", 4, skip=(1,)), *conversation("brief", 1)])
    refused(
        export(path, tmp_path / "out"),
        "the first turn is missing 1",
        "too few or too many turns 1",
        "candidates 0",
    )


@pytest.mark.parametrize("compressed", [False, True])
def test_max_bad_rows(compressed: bool, good: dict[str, bytes], tmp_path: Path) -> None:
    """Beyond --max-bad-rows the export stops and names file and row; up to it, it goes on."""
    content = amid("", f"bad {CANARY}", after=10)
    name = "a.jsonl.gz" if compressed else "a.jsonl"
    path = write(tmp_path / name, gzip.compress(content) if compressed else content)
    message = refused(
        export(path, tmp_path / "out", "--max-bad-rows", 0), path, "12", "--max-bad-rows 0", "JSON"
    )
    assert "1 malformed row" in message
    counted(path, good, tmp_path, len(ROWS) + 1, {12: "JSON"}, "--max-bad-rows", 1)


def test_max_bad_rows_in_a_later_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that --max-bad-rows names can be found: counted from the file's begin, or after a byte of it."""
    monkeypatch.setattr(inputs.plan_shards, "__defaults__", (3000,))
    content = amid(f"bad {CANARY}", after=30)
    path = write(tmp_path / "a.jsonl", content)
    message = refused(export(path, tmp_path / "out", "--max-bad-rows", 0), path, "JSON")
    place = re.search(r"line (\d+)(?: after byte ([\d,]+))?", message)
    assert place is not None
    byte = int((place[2] or "0").replace(",", ""))
    begin = content.index(b"\n", byte - 1) + 1 if byte else 0
    assert content[begin:].split(b"\n")[int(place[1]) - 1].startswith(b"bad")


CONFIGS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "overlapping buckets": (
        "seed: 1\nbuckets:\n  - {name: a, min: 1, max: 5}\n  - {name: b, min: 5, max: 9}\n",
        2,
        ("buckets", "overlap", "a (1 to 5)", "b (5 to 9)"),
    ),
    "a bucket upside down": (
        "buckets:\n  - {name: a, min: 5, max: 3}\n",
        2,
        ("buckets.0", "max 3 is below min 5"),
    ),
    "two buckets of a name": (
        "buckets: [{name: a, min: 1, max: 2}, {name: a, min: 3, max: 4}]",
        1,
        ("same name",),
    ),
    "no buckets": ("buckets: []\n", 1, ("buckets",)),
    "a bucket's unknown key": (
        "buckets:\n  - name: a\n    min: 1\n    max: 2\n    most: 3\n",
        5,
        ("buckets.0.most", "unknown key"),
    ),
    "99 per cent": ("\n# shares\nsplits: {train: 83, val: 8, test: 8}\n", 3, ("splits", "99, not 100")),
    "101 per cent": ("splits:\n  train: 84\n  val: 9\n  test: 8\n", 1, ("splits", "101, not 100")),
    "unknown key": ("seed: 1\nsede: 2\n", 2, ("sede", "unknown key", "seed")),
    "a text for a number": ("window: 15d\nseed: many\n", 2, ("seed", "integer")),
    "a fraction": ("seed: 1.5\n", 1, ("seed", "integer")),
    "a number for a text": ("window: 15\n", 1, ("window", "string")),
    "a text for a list": ("events: a.jsonl\n", 1, ("events", "list")),
    "a list for a text": ("out: [a]\n", 1, ("out", "string")),
    "null": ("mode:\n", 1, ("mode", "production", "test")),
    "another mode": ("mode: prod\n", 1, ("mode", "production", "test")),
    "another format": ("format: xml\n", 1, ("format", "json", "parquet")),
    "a bad window": ("window: 15 days\n", 1, ("window", "15d")),
    "a bad time": ("as_of: yesterday\n", 1, ("as_of", "datetime")),
    "a bad stamp": ("stamp: now\n", 1, ("stamp", "YYYYMMDD_HHMMSS")),
    "a bad memory limit": ("memory_limit: 2 gigs\n", 1, ("memory_limit", "2GB")),
    "a bad target": (
        "target:\n  train.short: 4\n  train.tiny: 4\n",
        1,
        ("target", "train.tiny", "train.short"),
    ),
    "a negative target": ("target:\n  train.short: -4\n", 2, ("target.train.short", "0")),
    "a path as prefix": ("prefix: ../up\n", 1, ("prefix", "letters")),
    "another recipe": ("recipe: fim\n", 1, ("recipe", "telemetry")),
    "no chunks": ("chunks: 0\n", 1, ("chunks", "1")),
    "a split of none": ("layout: single\nsplit: val\n", 2, ("split", "single")),
    "a split that is not there": ("splits: {a: 100}\nsplit: val\n", 2, ("split", "val")),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_bad_config(kind: str, tmp_path: Path) -> None:
    """A wrong config exits with 2; the message names file, line and key and says what is right."""
    text, line, parts = CONFIGS[kind]
    config = write(tmp_path / "mine.yaml", text.encode())
    events = write(tmp_path / "a.jsonl", ROWS)
    command: tuple[object, ...] = (
        "export",
        "--events",
        events,
        "--out",
        tmp_path / "out",
        "--config",
        config,
    )
    if kind in ("a text for a list", "a list for a text"):
        command = ("run", config)
    refused(turnsmith(*command), f"{config}:{line}: ", *parts, code=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"seed: [1\n", ("not valid YAML", "line 2")),
        (b"seed: \xff\n", ("not valid YAML",)),
        (b"a: 1\n---\nb: 2\n", ("not valid YAML",)),
        (b"- seed\n", ("mapping",)),
        (b"just text", ("mapping",)),
        (b"? [a, b]\n: 1\n", ("not valid YAML",)),
    ],
)
def test_a_config_that_is_no_mapping(content: bytes, parts: tuple[str, ...], tmp_path: Path) -> None:
    """A config that is no YAML mapping exits with 2 and names the file."""
    config = write(tmp_path / "mine.yaml", content)
    refused(turnsmith("run", config), config, *parts, code=2)


def test_a_stamp_without_quotes(tmp_path: Path) -> None:
    """A stamp that YAML takes for a number is the stamp all the same."""
    config = write(tmp_path / "mine.yaml", b"stamp: 20260304_050607\n")
    made = exported(write(tmp_path / "a.jsonl", ROWS), tmp_path / "out", "--config", config, stamp=None)
    assert made.name.endswith("_20260304_050607")


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    """A config that can't be read exits with 2 and names the file."""
    refused(turnsmith("run", tmp_path / "none.yaml"), tmp_path / "none.yaml", "No such file", code=2)
    refused(turnsmith("run", tmp_path), tmp_path, code=2)


@pytest.mark.parametrize(
    ("option", "value", "parts"),
    [
        ("--target", "train.short", ("train.short=40000",)),
        ("--target", "train.short=many", ("train.short=40000",)),
        ("--target", "train.short=-1", ("train.short=40000",)),
        ("--target", "train.shrt=1", ("train.shrt", "train.short")),
        ("--target", "short", ("train.short=40000",)),
        ("--as-of", "yesterday", ("yesterday", "2026-01-16T00:00:00Z")),
        ("--as-of", "2026-02-30", ("2026-02-30",)),
        ("--window", "15", ("15d",)),
        ("--window", "0d", ("15d",)),
        ("--window", "-1d", ("15d",)),
        ("--memory-limit", "much", ("2GB",)),
        ("--memory-limit", "2", ("2GB",)),
        ("--memory-limit", "1MB", ("256MB",)),
        ("--stamp", "2026-01-01", ("YYYYMMDD_HHMMSS",)),
        ("--stamp", "20261345_000000", ("20261345_000000",)),
        ("--chunks", "0", ("1",)),
        ("--chunks", "many", ("integer",)),
        ("--chunks", "5000", ("4096",)),
        ("--max-bad-rows", "-1", ("0",)),
        ("--seed", "x", ("integer",)),
        ("--mode", "prod", ("production", "test")),
        ("--split", "dev", ("train", "val", "test")),
        ("--format", "xml", ("json", "jsonl", "parquet")),
        ("--layout", "double", ("splits", "single")),
    ],
)
def test_a_bad_option(option: str, value: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    """A wrong option exits with 2; the message names the option and says what is right."""
    path = write(tmp_path / "a.jsonl", ROWS)
    ended = export(path, tmp_path / "out", option, value)
    assert ended.code == 2, ended.said
    for part in (option, *parts):
        assert part in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--window", "999999d"),
        ("--as-of", "0001-01-01T00:00:00+05:00"),
        ("--as-of", "9999-12-31T23:59:59-05:00"),
    ],
)
def test_a_window_beyond_the_calendar(option: str, value: str, tmp_path: Path) -> None:
    """A window that ends or begins beyond what times can be is a wrong option, told before any work."""
    path = write(tmp_path / "a.jsonl", ROWS)
    ended = export(path, tmp_path / "out", option, value)
    refused(ended, option, code=2)


# -- repetition --------------------------------------------------------------------------------------------


def test_other_options_with_the_same_stamp(tmp_path: Path) -> None:
    """A set of other options under the same name is not overwritten: exit code 1, told what to do."""
    path = write(tmp_path / "a.jsonl", ROWS)
    out = tmp_path / "out"
    before = all_files(exported(path, out))
    message = refused(export(path, out, "--seed", 1), dataset(out), "--stamp", "--out")
    assert "exists already" in message
    assert all_files(dataset(out)) == before
    assert leftovers(out) == []


def test_other_input_with_the_same_stamp(tmp_path: Path) -> None:
    """A set made from other input under the same name is not overwritten."""
    path = write(tmp_path / "a.jsonl", ROWS)
    out = tmp_path / "out"
    before = all_files(exported(path, out))
    write(path, [*ROWS, *turn("another", 1)])
    refused(export(path, out), dataset(out), "other options or inputs", "--stamp")
    assert all_files(dataset(out)) == before
    assert leftovers(out) == []


def test_a_strange_folder_in_the_way(tmp_path: Path) -> None:
    """A folder of the set's name that is no set is neither overwritten nor removed, and named."""
    path = write(tmp_path / "a.jsonl", ROWS)
    name = dataset_name(path, tmp_path)
    mine = write(tmp_path / "out" / name / "mine.txt", b"mine")
    refused(export(path, tmp_path / "out"), mine.parent)
    assert mine.read_bytes() == b"mine"


def dataset_name(path: Path, tmp_path: Path) -> str:
    """Tell the name of the set that an export makes."""
    return exported(path, tmp_path / "elsewhere").name


def test_the_same_command_again(tmp_path: Path) -> None:
    """After success the same command exits with 0, says that there is nothing to do, and changes nothing."""
    path = write(tmp_path / "a.jsonl", ROWS)
    out = tmp_path / "out"
    made = exported(path, out)
    before = all_files(made)
    times = {file: file.stat().st_mtime_ns for file in out.rglob("*")}
    ended = export(path, out)
    assert ended.code == 0
    assert "nothing to do" in ended.stdout
    assert ended.stdout.splitlines()[-1] == str(made)
    assert all_files(made) == before
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*")} == times
    again = export(path, out, "--json")
    assert json.loads(again.stdout)["path"] == str(made)


def test_unknown_names_are_no_fault(good: dict[str, bytes], tmp_path: Path) -> None:
    """Events of other names, with whatever in their bags, are counted as such and never malformed."""
    bags: list[Any] = [{}, None, 5, CANARY, [1]]
    others = [
        {"TimeGenerated": at(1), "Name": name, "Properties": bag, "Measurements": bag}
        for name in ("", "x", PREFIX + "conversation.messageTextual", MESSAGE.lower())
        for bag in bags
    ]
    path = write(tmp_path / "a.jsonl", amid(*others))
    funnel = counted(path, good, tmp_path, len(ROWS) + len(others), {})
    assert funnel["events"]["other_name"] == len(others)


def test_options_come_before_the_config(tmp_path: Path) -> None:
    """An option wins over the config, and an error in it is told by the option's name."""
    path = write(tmp_path / "a.jsonl", ROWS)
    config = write(tmp_path / "c.yaml", b"seed: 1\nwindow: wrong\n")
    made = exported(path, tmp_path / "out", "--config", config, "--window", "14d")
    assert metadata(made)["config"]["window"] == "14d"
    assert metadata(made)["config"]["seed"] == 1
    args = arguments(path, tmp_path / "out", "--config", config, "--window", "14")
    refused(turnsmith(*args), "--window: ", code=2)
