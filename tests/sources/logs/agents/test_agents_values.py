"""Values of other people's JSON, and what the beginning of a file tells."""

from typing import Any

import pytest

from turnsmith.sources.logs.documents import first_records, top_fields
from turnsmith.sources.logs.values import instant

NO_TIMES: list[Any] = ["", "soon", "0001-01-01T00:00:00+14:00", 0, -1, 1e300, True, None, []]


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:00.000Z"),
        (1771415834174, "2026-02-18T11:57:14.174Z"),
        *((nothing, None) for nothing in NO_TIMES),
    ],
)
def test_times(value: Any, time: str | None) -> None:
    """Times are given in UTC with milliseconds, whatever zone or unit they come in; others are none."""
    assert instant(value) == time


def test_top_fields() -> None:
    """Only the keys of the outermost object count, with escapes, and up to where the bytes are cut."""
    head = b'\xef\xbb\xbf {"a\\"b": "x", "deep": {"no": ["no", {"no": 1}]}, "n": 1, "list": ["x"], "cut": "ye'
    assert top_fields(head) == {'a\\"b': "x", "deep": "", "n": "", "list": "", "cut": ""}
    assert top_fields(b'["a"]') == top_fields(b"") == top_fields(b"{") == {}


def test_first_records() -> None:
    """A broken first line does not hide the next ones."""
    assert first_records(b'"x"}\n\n{"type": "a"}\n{"type": ') == [{}, {"type": "a"}, {"type": ""}]
