"""Every importer on input that nobody meant: mutated, nested, cut, empty."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .reading import IMPORTERS, brief, golden, read, read_value

if TYPE_CHECKING:
    from pathlib import Path

KINDS = sorted(IMPORTERS)
ODD: list[Any] = [None, True, False, 0, -1.5, 1e300, 10**30, "", " ", "x", "a\0b", "\ud800", "n5", "m-2b"]
ODD += [
    [],
    {},
    [None],
    [[]],
    ["x"],
    {"a": []},
    {"type": "text"},
    [{"type": "tool_result"}],
    {"content_type": "code"},
]

leaves = st.sampled_from(ODD)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values within a value."""
    keys: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    return [path, *(found for key in keys for found in places(value[key], (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a value in which another stands at a path."""
    if not path:
        return copy.deepcopy(new)
    changed = value.copy()
    changed[path[0]] = replaced(changed[path[0]], path[1:], new)
    return changed


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_of_any_type_are_accounted_for(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    """Whatever stands in place of what: no crash, each message accounted for, each transcript sound."""
    value: Any = golden(kind)
    for _ in range(data.draw(st.integers(1, 4))):
        value = replaced(value, data.draw(st.sampled_from(places(value))), data.draw(leaves))
    read_value(kind, tmp_path, value)


@pytest.mark.parametrize("kind", KINDS)
def test_each_value_of_any_type_in_each_place(tmp_path: Path, kind: str) -> None:
    """Each odd value in each single place of the golden file, one after the other."""
    records = golden(kind)
    changed = [replaced(records, path, odd) for path in places(records) if path for odd in ODD[::3]]
    values = [record for value in changed for record in value]
    _, account = read_value(kind, tmp_path, values)
    assert account.read > len(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_nesting_beyond_reason_is_one_broken_record(tmp_path: Path, kind: str) -> None:
    """A record nested a hundred thousand deep is counted where it stands, and its neighbors are read."""
    path = tmp_path / "deep.json"
    good = json.dumps(golden(kind)[0])
    path.write_text(f"[{good}, {'[' * 100_000}{']' * 100_000}, {good}]", encoding="utf-8")
    transcripts, account = read(kind, path)
    assert len(transcripts) == 2
    assert account.bad == {"no valid JSON": 1}
    assert account.samples["no valid JSON"] == [f"{path}[1]"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "broken", ['{"a": nope}', '{"a": {"b": 1}', '{"a": [1}', '{"a": "\0"}', '{"a": NaN}', "{,}", "7"]
)
def test_neighbors_of_a_broken_record_survive(tmp_path: Path, kind: str, broken: str) -> None:
    """A broken record in an array is counted with file and index; those before and after it are read."""
    path = tmp_path / "broken.json"
    good = json.dumps(golden(kind)[0])
    path.write_text(f"[{good},{broken},{good}]", encoding="utf-8")
    transcripts, account = read(kind, path)
    assert brief(transcripts[0]) == brief(transcripts[1])
    assert sum(account.bad.values()) == 1
    assert [f"{path}[1]"] in account.samples.values()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_gives_what_is_whole(tmp_path: Path, kind: str) -> None:
    """A file that breaks off gives the records before the break, and one that is counted."""
    path = tmp_path / "cut.json"
    good = json.dumps(golden(kind)[0])
    path.write_text(f"[{good}, {good[:-20]}", encoding="utf-8")
    transcripts, account = read(kind, path)
    assert len(transcripts) == 1
    assert account.samples["no valid JSON"] == [f"{path}[1]"]


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_nothing(tmp_path: Path, kind: str) -> None:
    """An empty file is bad, an empty array holds nothing, and values that are no records are counted."""
    path = tmp_path / "empty.json"
    for content, bad in (
        ("", 1),
        ("[]", 0),
        ("null", 1),
        ('"x"', 1),
        ("[1, null]", 2),
        ("{}", 1),
        ("\0\0\0", 1),
    ):
        path.write_text(content, encoding="utf-8")
        transcripts, account = read(kind, path)
        assert (transcripts, sum(account.bad.values())) == ([], bad), content


def test_halves_of_surrogate_pairs_are_replaced(tmp_path: Path) -> None:
    """Half a surrogate pair becomes U+FFFD, so that what is read can be written."""
    record = {"messages": [{"role": "user", "content": "a\ud800b\0"}]}
    transcripts, _ = read_value("messages", tmp_path, record)
    assert transcripts[0].messages[0].text == "a\ufffdb\0"
