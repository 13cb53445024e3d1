"""Data files that are broken, cut, odd or hostile: each is a breach with a sample, none a crash."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verify.dataset_builder import Dataset, build, encode
from turnsmith.verify import Report, stream, verify_dataset
from turnsmith.verify.reading import read_array, read_lines
from turnsmith.verify.stream import Row, Source

if TYPE_CHECKING:
    from pathlib import Path


def verify(dataset: Dataset, parent: Path) -> Report:
    """Return the report on a data set."""
    return verify_dataset(dataset.write(parent))


def failed(report: Report) -> set[str]:
    """Return the names of the checks that failed."""
    return {check.name for check in report.checks if not check.ok}


def rows(data: bytes, path: Path, lines: bool = False) -> list[Row]:
    """Return the rows of a file with the content `data`."""
    path.write_bytes(data)
    with Source(path) as source:
        return list((read_lines if lines else read_array)(source))


WHOLE = b'{"a": 1}'
BROKEN = {
    "NUL": b'{"a": \x00}',
    "NUL in a string": b'{"a": "\x00"}',
    "bad UTF-8": b'{"a": "\xff\xfe"}',
    "overlong UTF-8": b'{"a": "\xc0\x80"}',
    "surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "half a surrogate pair": b'{"a": "\\ud800"}',
    "half a pair, upper case": b'{"a": "\\uDC00"}',
    "deep nesting": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "huge integer": b'{"a": ' + b"9" * 5000 + b"}",
    "repeated key": b'{"a": 1, "a": 2}',
    "single quotes": b"{'a': 1}",
    "cut": b'{"a": "',
    "bad escape": b'{"a": "\\x"}',
    "two values": b'{"a": 1} {"b": 2}',
}


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("broken", [pytest.param(data, id=name) for name, data in BROKEN.items()])
def test_a_broken_record_is_a_problem_and_the_rest_is_read(
    broken: bytes, lines: bool, tmp_path: Path
) -> None:
    """A broken record between two whole ones is reported, and both others are read."""
    mark, start, end = (b"\n", b"", b"") if lines else (b",\n", b"[\n", b"\n]")
    found = rows(start + mark.join([WHOLE, broken, WHOLE]) + end, tmp_path / "f", lines)
    assert [row.value for row in found if row.value == {"a": 1}] in ([{"a": 1}] * 2, [{"a": 1}] * 3)
    assert any(row.problem and row.where for row in found)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"{}",
        b"[",
        b"[1",
        b"[,]",
        b"[1,]",
        b"[1 2]",
        b"[1]]",
        b"[1]\n[2]",
        b"[\n{}",
        b"[{},\n",
        b"\xef\xbb\xbf[]",
        b"[]x",
        b'["',
        b'["\xe2',
        b"[]\xff",
        b"[" * 100000,
        b"[NaN, 1",
        b"[" + b"9" * 9999,
    ],
)
def test_what_is_no_array_is_a_problem(data: bytes, tmp_path: Path) -> None:
    """An array that does not begin, end or separate as JSON says is a problem with a position."""
    found = rows(data, tmp_path / "f")
    assert any(row.problem and row.where for row in found)


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_any_layout_of_an_array_is_read(
    indent: int | None, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, one record a line or pretty-printed, and wherever a chunk ends: the records are the same."""
    monkeypatch.setattr(stream, "CHUNK_BYTES", chunk)
    values: list[Any] = [
        {"a": 'é✅\n\\"', "b": [1, -2.5e3, None]},
        {},
        [],
        "text",
        12345,
        -1,
        1.5,
        True,
        None,
    ]
    for ascii_only in (True, False):
        data = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
        assert [(row.value, row.problem) for row in rows(data, tmp_path / "f")] == [(v, "") for v in values]
    assert rows(b" [ \n ] \n", tmp_path / "f") == []


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=4), st.integers() | st.text()), max_size=5), st.data())
def test_reading_agrees_with_json(tmp_path: Path, values: list[Any], data: st.DataObject) -> None:
    """An array is read without a problem if and only if `json.loads` reads it, whatever bytes are changed."""
    content = bytearray(
        json.dumps(values, indent=data.draw(st.sampled_from([None, 1])), ensure_ascii=False).encode(
            "utf-8", "replace"
        )
    )
    for _ in range(data.draw(st.integers(0, 2))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = rows(bytes(content), tmp_path / "f")
    try:
        right = json.loads(content.decode())
    except (ValueError, RecursionError):
        assert any(row.problem for row in found)
        return
    if isinstance(right, list) and not any(row.problem for row in found):
        assert [row.value for row in found] == right
    else:
        assert all(row.problem for row in found if row.value is None) or None in right


def test_a_file_of_nothing_but_problems_is_given_up(tmp_path: Path) -> None:
    """After a hundred problems the rest of a file is not parsed."""
    assert len(rows(b"[\n" + b"{x},\n" * 500 + b"]", tmp_path / "f")) == 101


@pytest.mark.parametrize("form", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_a_breach(form: str, keep: float, tmp_path: Path) -> None:
    """A file cut anywhere is a breach even where the checksum was made of the cut file."""
    dataset = build(form)
    name = dataset.path("train", "short")
    data = encode(dataset.records[name], name)
    dataset.raw[name] = data[: int(len(data) * keep)]
    assert ("actual_counts" if form == "jsonl" and not keep else "readable") in failed(
        verify(dataset, tmp_path)
    )


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_samples_of_unreadable_records_show_no_data(form: str, tmp_path: Path) -> None:
    """What stands in a record that can't be parsed never shows."""
    dataset = build(form)
    name = dataset.path("train", "short")
    data = encode(dataset.records[name], name)
    dataset.raw[name] = data.replace(b'"turnIndex": 1', b'"turnIndex": secret', 1)
    report = verify(dataset, tmp_path)
    samples = [sample for check in report.checks if check.name == "readable" for sample in check.samples]
    assert samples == [f"'{name}', record 1, line {2 if form == 'json' else 1}: Expecting value"]
    assert "secret" not in json.dumps(report.to_dict())


@pytest.mark.parametrize("value", [None, 1, "text", [], [[]], {}, {"conversationId": {}}, {"turnsArray": 1}])
def test_a_record_of_any_type_is_a_breach(value: Any, tmp_path: Path) -> None:
    """A value that is no record fails the schema or lacks required fields."""
    dataset = build()
    dataset.records[dataset.path("train", "short")][0] = value
    assert failed(verify(dataset, tmp_path)) & {"schema", "required_fields"}


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"conversationId": [1, None]}),
        pa.table({"conversationId": ["a"], "turnsArray": [[{"llmCalls": None}]]}),
        pa.table({"conversationId": pa.array(["a"]).dictionary_encode(), "isComplete": [b"\xff"]}),
        pa.table({}),
        pa.table({"toolCounts": pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))}),
        pa.table(
            {
                "conversationId": pa.Array.from_buffers(
                    pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
                )
            }
        ),
    ],
)
def test_a_parquet_file_of_another_shape_is_a_breach(table: pa.Table, tmp_path: Path) -> None:
    """Other columns, other types, repeated map keys and bad UTF-8 in Parquet are breaches."""
    dataset = build("parquet")
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    dataset.raw[dataset.path("train", "short")] = bytes(sink.getvalue())
    assert failed(verify(dataset, tmp_path)) & {"schema", "required_fields", "readable", "actual_counts"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["json", "jsonl", "parquet"]))
def test_random_bytes_are_a_breach(tmp_path: Path, data: bytes, form: str) -> None:
    """A data file of random bytes is a breach, never a crash."""
    dataset = build(form)
    dataset.raw[dataset.path("train", "short")] = data
    assert not verify(dataset, tmp_path).ok
