"""JSON Lines in and out."""

import gzip
from pathlib import Path

import pytest
import zstandard

from turnsmith.core.chat import encode, read_examples
from turnsmith.core.errors import InputError, UsageError
from turnsmith.core.lines import read_lines, writing_lines

LINES = [b'{"a": 1}\n', b'{"b": "\xe2\x9c\x85"}\n']


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    """A file read back has the lines written, and the same lines give the same bytes."""
    names = [str(tmp_path / f"{name}.jsonl{suffix}") for name in "ab"]
    for name in names:
        with writing_lines(name) as write:
            for line in LINES:
                write(line)
    assert [line + b"\n" for _, line in read_lines(names[0])] == LINES
    assert Path(names[0]).read_bytes() == Path(names[1]).read_bytes()


@pytest.mark.parametrize("packed", ["x.gz", "x.zst"])
def test_a_file_that_breaks_off_is_an_error(tmp_path: Path, packed: str) -> None:
    """A packed file that was cut ends in an error that names it, never in fewer lines."""
    data = b"".join(LINES) * 50_000
    whole = gzip.compress(data) if packed.endswith(".gz") else zstandard.ZstdCompressor().compress(data)
    (tmp_path / packed).write_bytes(whole[:-9])
    with pytest.raises(InputError, match=packed):
        list(read_lines(str(tmp_path / packed)))


def test_blank_lines_and_a_bom_are_passed_over(tmp_path: Path) -> None:
    """Line numbers count blank lines; a byte order mark is no part of the first line."""
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbf{}\n\n  \n{}")
    assert list(read_lines(str(tmp_path / "x"))) == [(1, b"{}"), (4, b"{}")]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """A file appears only when it is whole."""

    def fail() -> None:
        with writing_lines(str(tmp_path / "x.jsonl")) as write:
            write(b"{}\n")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    """Writing to a folder is a usage error that shows a file name."""
    with pytest.raises(UsageError, match=r"examples\.jsonl"), writing_lines(str(tmp_path)):
        pass


def test_bad_lines_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    """A line that is no JSON object is told with its place; its neighbors come through."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": \n[1]\n{"n": "\xff"}\n{"n": "\\ud800"}\n' + b"[" * 100_000 + b"\n")
    bad: list[tuple[str, str]] = []
    examples = list(read_examples(str(path), lambda *place: bad.append(place)))
    assert [number for number, _ in examples] == [1, 5]
    assert examples[1][1] == {"n": "\ufffd"}
    assert [place.rpartition(":")[2] for place, _ in bad] == ["2", "3", "4", "6"]


def test_keys_keep_their_order() -> None:
    """An example is encoded with its keys in the order they have, text as UTF-8."""
    assert encode({"z": "é", "a": None}) == '{"z":"é","a":null}\n'.encode()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_a_file_without_a_line_is_not_written_on_request(name: str, tmp_path: Path) -> None:
    """Without `empty` nothing written is no file, also where a packed one would have a header."""
    path = tmp_path / name
    with writing_lines(str(path), empty=False):
        pass
    assert list(tmp_path.iterdir()) == []
    with writing_lines(str(path), empty=False) as write:
        write(b"x\n")
    with writing_lines(str(path), empty=False):
        pass
    assert [line for _, line in read_lines(str(path))] == [b"x"]
