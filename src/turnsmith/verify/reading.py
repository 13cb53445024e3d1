"""Read JSON data files record by record, and survive whatever is in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from turnsmith.verify.stream import Row, Source, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PROBLEMS = 100
LOOKAHEAD = 16  # the JSON scanner never looks further ahead than `\ud83d\ude00`


class Decoder:
    """Decode JSON values strictly: a repeated key, a lone surrogate and bad UTF-8 are problems."""

    def __init__(self) -> None:
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object)
        self._repeated = False

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            self._repeated = True
        return value

    def scan(self, text: str, pos: int, suspicious: bool) -> tuple[Any, int, str]:
        """Return the value at `pos`, where it ends, and what is wrong with it (empty: nothing).

        Raises JSONDecodeError, ValueError (an integer of thousands of digits) or RecursionError.
        """
        self._repeated = False
        value, end = self._decoder.raw_decode(text, pos)
        problem = "a key stands twice in one object" if self._repeated else ""
        if suspicious and not _encodes(text[pos:end]):
            problem = "bytes that are no UTF-8"
        elif (text.find("\\ud", pos, end) >= 0 or text.find("\\uD", pos, end) >= 0) and not _encodes(
            json.dumps(value, ensure_ascii=False)
        ):
            problem = "half of a surrogate pair, which is no text"
        return value, end, problem


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def explain(error: Exception) -> str:
    """Return in words why JSON could not be decoded, without any of its text."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    return error.msg if isinstance(error, json.JSONDecodeError) else "an integer of thousands of digits"


def read_array(source: Source) -> Iterator[Row]:
    """Yield the elements of a JSON array, however it is laid out; go on after a broken line if possible."""
    window, decoder = Window(source), Decoder()
    if window.peek() != "[":
        yield Row(0, window.line(window.pos), None, "no JSON array: it does not start with [")
        return
    window.pos += 1
    if window.peek() == "]":
        yield from _array_end(window)
        return
    number = problems = 0
    while problems < MAX_PROBLEMS:
        number += 1
        row, whole = _element(window, decoder, number)
        yield row
        if whole:
            mark = window.peek()
            if mark == ",":
                window.pos += 1
                continue
            if mark == "]":
                yield from _array_end(window)
                return
            fault = "expected , or ] after the record" if mark else "the file ends before the array does"
            yield Row(0, window.line(window.pos), None, fault)
        problems += 1
        if not window.seek("\n{"):
            return
    yield Row(0, window.line(window.pos), None, f"gave up after {MAX_PROBLEMS} problems")


def _element(window: Window, decoder: Decoder, number: int) -> tuple[Row, bool]:
    """Return the element at `pos` and whether its end was found; move `pos` behind it if so."""
    window.peek()
    while True:
        try:
            value, end, problem = decoder.scan(window.text, window.pos, window.suspicious)
        except (ValueError, RecursionError) as error:
            if _may_be_cut(error, window.text) and window.fill():
                continue
            at = error.pos if isinstance(error, json.JSONDecodeError) else window.pos
            fault = (
                "the file ends inside the record"
                if window.ended and at >= len(window.text)
                else explain(error)
            )
            return Row(number, window.line(at), None, fault), False
        number_cut = end >= len(window.text) - LOOKAHEAD and isinstance(value, int | float)
        if number_cut and window.fill():
            continue
        row = Row(number, 0, None if problem else value, problem)
        window.pos = end
        return row, True


def _may_be_cut(error: Exception, text: str) -> bool:
    return isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(text) - LOOKAHEAD or error.msg.startswith("Unterminated string")
    )


def _array_end(window: Window) -> Iterator[Row]:
    window.pos += 1
    if window.peek():
        yield Row(0, window.line(window.pos), None, "something stands after the end of the array")


def read_lines(source: Source) -> Iterator[Row]:
    """Yield the records of JSON Lines, one for each line."""
    window, decoder = Window(source), Decoder()
    number = 0
    while True:
        found = window.find("\n")
        end = found if found >= 0 else len(window.text)
        if found < 0 and end == window.pos:
            return
        number += 1
        yield _line(window.text[window.pos : end], decoder, window.suspicious, number)
        window.pos = end + 1 if found >= 0 else end
        if found < 0 and not window.ended:
            yield Row(0, number, None, "a line too long to be a record")
            return


def _line(line: str, decoder: Decoder, suspicious: bool, number: int) -> Row:
    text = line.strip(" \t\r")
    try:
        value, end, problem = decoder.scan(text, 0, suspicious)
    except (ValueError, RecursionError) as error:
        return Row(number, number, None, explain(error) if text else "a blank line")
    if end != len(text):
        problem = "something stands after the record"
    return Row(number, number, None if problem else value, problem)
