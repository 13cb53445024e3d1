"""Words of texts, and the texts of records."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnsmith.curate.decontaminate import words
from turnsmith.curate.decontaminate.words import texts_of, windows_of, words_of
from turnsmith.curate.near_duplicates.words import folded
from turnsmith.curate.near_duplicates.words import words_of as hashes_of

TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aAzZ09_ \n.-ßİéé中のกा्\u0301\u200d🙂"),
    ),
    max_size=60,
)


@given(texts=st.lists(TEXT, max_size=5))
def test_words_are_those_of_near_duplicates(texts: list[str]) -> None:
    """The words here and the hashes of a batch there are as many, and equal where the others are."""
    found = [words_of(text) for text in texts]
    hashed = hashes_of([folded(text).encode() for text in texts], 0)
    assert np.diff(hashed.first).tolist() == [len(each) for each in found]
    flat = [word for each in found for word in each]
    assert len(set(flat)) == len(set(hashed.hashes.tolist()))
    assert len(set(zip(flat, hashed.hashes.tolist(), strict=True))) == len(set(flat))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't  PANIC,\tsnake_case-name (2x)!", ["don", "t", "panic", "snake_case", "name", "2x"]),
        ("Straße ÜBER", ["strasse", "über"]),
        ("看不见 ok", ["看", "不", "见", "ok"]),
        ("हिन्दी है", ["हिन्दी", "है"]),
        ("?!… \n", []),
    ],
)
def test_words_of_scripts(text: str, expected: list[str]) -> None:
    """Words are case-folded runs of letters, digits, underscores and marks, or single characters of some scripts."""
    assert words_of(text) == expected


@given(text=TEXT, overlap=st.integers(0, 4))
def test_windows_cover_a_text(text: str, overlap: int) -> None:
    """Pieces of a long text have all its words in order, each piece beginning with the last ones before."""
    original, words.WINDOW = words.WINDOW, 5
    try:
        pieces = list(windows_of(text, overlap))
    finally:
        words.WINDOW = original
    joined: list[str] = []
    for first, piece in pieces:
        assert joined[first:] == piece[: len(joined) - first]
        joined += piece[len(joined) - first :]
    assert joined == words_of(text)
    assert all(before[0] <= after[0] for before, after in pairwise(pieces))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "meta": {"path": "a"}},
            {"messages[0].role": "user", "messages[0].content[0].type": "text", "messages[0].content[0].text": "hi"},
        ),
        (
            {"messages": [{"tool_calls": [{"function": {"arguments": '{"code": "a\\nb"}'}}]}]},
            {"messages[0].tool_calls[0].function.arguments.code": "a\nb"},
        ),
        ({"messages": [{"tool_calls": [{"function": {"arguments": "{broken"}}]}]},
         {"messages[0].tool_calls[0].function.arguments": "{broken"}),
        ({"text": "<|fim_prefix|>one <|fim_suffix|> three<|fim_middle|>two", "meta": {}}, {"text": "one two three"}),
        ({"text": "<fim_suffix>c<fim_prefix>a <fim_middle>b "}, {"text": "a b c"}),
        ({"text": "plain"}, {"text": "plain"}),
        ({"turnsArray": [{"userMessage": "u", "modelMessage": ""}]}, {"turnsArray[0].userMessage": "u"}),
    ],
)  # fmt: skip
def test_texts_of_records(record: Any, expected: dict[str, str]) -> None:
    """Every text has its place; `meta` has none, arguments are opened, and a gap is filled in its file's order."""
    assert dict(texts_of(record)) == expected
