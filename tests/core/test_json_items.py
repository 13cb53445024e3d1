"""JSON files, an item at a time."""

import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnsmith.core import json_items
from turnsmith.core.errors import InputError
from turnsmith.core.json_items import read_items

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
records = st.dictionaries(st.sampled_from(["a", '"', "\\", "[", "}", ","]), values, max_size=4)


class Drops(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.size = size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most so many bytes."""
        return super().read(min(self.size, size if size is not None and size >= 0 else self.size))


def items(content: bytes, size: int = 1 << 20) -> list[bytes]:
    """Return the items of a file that is read so many bytes at a time."""
    return [item for _, item in read_items("f", Drops(content, size))]


@settings(deadline=None)
@given(st.lists(values), st.sampled_from([None, 0, 2]), st.booleans(), st.integers(1, 9))
def test_items_of_an_array(array: list[Any], indent: int | None, ascii_only: bool, size: int) -> None:
    """Each item of an array comes out whole, however it is printed and read."""
    content = json.dumps(array, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert [json.loads(item) for item in items(content, size)] == array


@settings(deadline=None)
@given(st.lists(records), st.sampled_from(["", " ", "\n", ",\n"]), st.integers(1, 9))
def test_objects_one_after_another(objects: list[Any], between: str, size: int) -> None:
    """Objects at the top are items too, with or without something between them."""
    content = "\ufeff" + between.join(json.dumps(value) for value in objects)
    assert [json.loads(item) for item in items(content.encode(), size)] == objects


@settings(deadline=None)
@given(st.lists(records, min_size=1), st.data())
def test_a_cut_array_gives_what_is_whole(array: list[Any], data: st.DataObject) -> None:
    """A cut anywhere leaves all items before it as they were."""
    content = json.dumps(array).encode()
    ends = [len(json.dumps(array[: count + 1]).encode()) - 1 for count in range(len(array))]
    cut = data.draw(st.integers(1, len(content)))
    whole = sum(end <= cut for end in ends)
    assert [json.loads(item) for item in items(content[:cut])[:whole]] == array[:whole]


@settings(deadline=None)
@given(
    st.binary(max_size=60) | st.text(alphabet='[]{},:"\\ \n1', max_size=60).map(str.encode), st.integers(1, 5)
)
def test_any_bytes_are_in_some_item(content: bytes, size: int) -> None:
    """Whatever a file holds, reading ends, and all but array brackets, commas and blanks is in some item."""
    found = b"".join(items(content, size))
    noise = b"[], \t\n\r\x0b\x0c"
    kept = content.removeprefix(b"\xef\xbb\xbf").translate(None, noise)
    assert found.translate(None, noise) == kept


def test_an_item_that_never_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item beyond the limit is an error that names the file, not a full memory."""
    monkeypatch.setattr(json_items, "LONGEST_ITEM", 1000)
    with pytest.raises(InputError, match="f: an item longer"):
        items(b'[{"a": "' + b"x" * 5000, 100)


def test_memory_follows_the_largest_item() -> None:
    """An array of 24 MB in small items takes a few chunks of memory."""
    item = json.dumps({"text": "word " * 400, "list": list(range(50))}).encode()
    content = Drops(b"[" + b",".join([item] * 11_000) + b"]", 1 << 20)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_items("f", content))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 11_000
    assert peak < 8 << 20
