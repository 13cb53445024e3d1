"""Holes and their surroundings are cut out of a file byte for byte."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.code.fim.making import overlapping
from tests.sources.code.fim.samples import SAMPLES
from turnsmith.sources.code.fim.checking import parsed
from turnsmith.sources.code.fim.holes import CHARS, KINDS, LINES, NODES, SMALLEST, Hole, HoleChooser
from turnsmith.sources.code.fim.source_text import source_text
from turnsmith.sources.code.fim.window import window

LINE = st.text(alphabet="ab =(),.;\t{}_é漢😀\u2028\u0301", max_size=60)
TEXT = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n", "\n\n", "\r"])), max_size=40).map(
    lambda lines: "".join(line + end for line, end in lines)
)
MIX = dict.fromkeys(KINDS, 1.0)


def holes_of(
    data: bytes, language: str, seed: int, largest: int = 640, *, trimmed: bool = False
) -> list[Hole]:
    """Return eight holes of a file, if it has room for them."""
    bare, source = source_text(data, language)
    chooser = HoleChooser(source, bare, parsed(bare, language), language, largest, trimmed=trimmed)
    return chooser.choose(8, MIX, random.Random(seed))


@given(
    text=TEXT, seed=st.integers(0, 99), budget=st.integers(20, 900), bom=st.booleans(), trimmed=st.booleans()
)
@settings(max_examples=300, deadline=None)
def test_pieces_are_a_slice_of_the_file(text: str, seed: int, budget: int, bom: bool, trimmed: bool) -> None:
    """Prefix, middle and suffix are a run of the file's bytes within the budget, and split no line end."""
    data = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    _, source = source_text(data, "markdown")
    for hole in holes_of(data, "markdown", seed, trimmed=trimmed):
        shown = window(source.text, hole, source.begin, budget)
        if shown is None:
            continue
        start, end = shown
        assert start <= hole.start < hole.end <= end
        assert end - start <= budget
        pieces = [
            source.text[start : hole.start],
            source.text[hole.start : hole.end],
            source.text[hole.end : end],
        ]
        first = source.bytes_before(start)
        assert data[first : source.bytes_before(end)] == "".join(pieces).encode()
        assert data[source.bytes_before(hole.start) : source.bytes_before(hole.end)] == pieces[1].encode()
        for before, after in ((pieces[0], pieces[1]), (pieces[1], pieces[2])):
            assert not (before.endswith("\r") and after.startswith("\n"))
        assert start == 0 or source.text[start - 1] == "\n"
        assert end == len(source.text) or source.text[end - 1] == "\n"


@given(text=TEXT, seed=st.integers(0, 99), largest=st.integers(0, 700), trimmed=st.booleans())
@settings(max_examples=300, deadline=None)
def test_holes_are_apart_and_say_something(text: str, seed: int, largest: int, trimmed: bool) -> None:
    """Holes don't overlap, keep to their sizes, are never blank, and have no white space around if so asked."""
    _, source = source_text(text.encode(), "markdown")
    holes = holes_of(text.encode(), "markdown", seed, largest, trimmed=trimmed)
    assert not overlapping(holes)
    for hole in holes:
        middle = source.text[hole.start : hole.end]
        assert SMALLEST <= len(middle) <= largest
        assert middle.strip()
        assert not trimmed or middle == middle.strip()


@pytest.mark.parametrize("language", SAMPLES)
def test_every_language_gives_holes(language: str) -> None:
    """A small file in each language parses and has holes; those of syntax are whole nodes of its tree."""
    _, text = SAMPLES[language]
    data = text.encode()
    root = parsed(data, language)
    found = [hole for seed in range(5) for hole in holes_of(data, language, seed, 300)]
    assert {hole.kind for hole in found} == ({NODES, LINES, CHARS} if root else {LINES, CHARS})
    for hole in found:
        if hole.kind == NODES:
            assert root is not None
            node = root.named_descendant_for_byte_range(hole.start, hole.end)
            while node is not None and node.type != hole.node:
                node = node.parent
            assert node is not None
            assert data[node.start_byte : node.end_byte].strip() == data[hole.start : hole.end]


def test_nodes_of_text_beyond_ascii_begin_where_they_should() -> None:
    """Bytes of the tree become characters of the text."""
    text = (
        'GREETING = "Grüße 漢字 😀 an alle"\n\n\ndef grüße(wen: str) -> str:\n    return GREETING + " von " + wen\n'
        * 4
    )
    data = text.encode()
    _, source = source_text(data, "python")
    nodes = [hole for seed in range(20) for hole in holes_of(data, "python", seed, 80) if hole.kind == NODES]
    texts = {source.text[hole.start : hole.end] for hole in nodes}
    assert 'return GREETING + " von " + wen' in texts
    assert 'GREETING = "Grüße 漢字 😀 an alle"' in texts


def test_sizes_spread_evenly_on_a_logarithmic_scale() -> None:
    """A third of the holes is small, a third of medium size, a third large; so the median is not a name's size."""
    text = "".join(
        f"def part_{number}(left, right):\n"
        + "".join(f"    step_{number}_{at} = left + right * {at}\n" for at in range(number))
        + f"    return left - right + {number}\n\n\n"
        for number in range(30)
    )
    sizes = sorted(
        hole.end - hole.start
        for seed in range(150)
        for hole in holes_of(text.encode(), "python", seed, 640, trimmed=True)
    )
    thirds = [
        sum(low <= size < high for size in sizes) / len(sizes)
        for low, high in ((16, 55), (55, 187), (187, 641))
    ]
    assert all(0.2 < third < 0.45 for third in thirds), thirds
    assert 50 < sizes[len(sizes) // 2] < 200


def test_holes_avoid_rights_and_comments() -> None:
    """Neither the header about rights nor a piece of nothing but comments is to be filled in."""
    header = "# Copyright 2024 The Authors. All rights reserved.\n# Licensed under some license.\n\n"
    body = "".join(
        f"# Comment number {at}, which nobody could guess.\nvalue_{at} = compute({at})\n" for at in range(20)
    )
    data = (header + body).encode()
    for seed in range(40):
        for hole in holes_of(data, "python", seed, 200, trimmed=True):
            assert hole.start >= len(header)
            lines = data[hole.start : hole.end].decode().splitlines()
            assert not all(line.strip().startswith("#") for line in lines)


def test_what_one_side_cannot_use_goes_to_the_other() -> None:
    """A hole near the top shows more of what follows, one near the end more of what stands before."""
    text = "".join(f"line number {at:04}\n" for at in range(200))
    for at in (20, 100 * 17, 190 * 17):
        hole = Hole(LINES, "", at, at + 30)
        start, end = window(text, hole, 0, 1000) or (0, 0)
        assert 1000 - 2 * 17 < end - start <= 1000


def test_a_line_that_does_not_fit_gives_nothing() -> None:
    """Context ends at line borders, so a hole in an endless line has none."""
    text = "x" * 5000
    assert window(text, Hole(CHARS, "", 2000, 2100), 0, 1000) is None
