"""Which examples count as the same."""

from typing import Any

import pytest

from turnsmith.curate.clean.exact import fingerprint, normalized

from .chats import QUESTION, called, chat

SAME: list[tuple[Any, Any]] = [
    (chat(user="caf\u00e9\nx"), chat(user="cafe\u0301 \r\nx\n")),
    (chat(user="a\n\n\n\nb"), chat(user="a\n \n\t\nb")),
    (chat(user="a\rb"), chat(user="a\nb")),
    (chat(id="1"), chat(id="2")),
    (chat(user=[{"type": "text", "text": "a"}]), chat(user="a")),
    (called('{"a": 1, "b": 2}'), called('{"b":2,"a":1}')),
    ({"text": "a \n"}, {"text": "a"}),
]
OTHER: list[tuple[Any, Any]] = [
    (chat(user="a"), chat(user="A")),
    (chat(user=" a"), chat(user="a")),
    (chat(user="a\nb"), chat(user="a\n\nb")),
    (chat(user="a", assistant="bc"), chat(user="ab", assistant="c")),
    (called('{"a": 1}'), called('{"a": 2}')),
    (called("{x"), called("{y")),
    (chat(user=[{"type": "image_url", "image_url": {"url": "a"}}]), chat(user="")),
    (
        chat(user=[{"type": "image_url", "image_url": {"url": "a"}}]),
        chat(user=[{"type": "image_url", "image_url": {"url": "b"}}]),
    ),
    ({"text": QUESTION}, {"messages": [{"role": "text", "content": QUESTION}]}),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_same(one: Any, two: Any) -> None:
    """Unicode form, line ends, trailing spaces, blank lines, ids and meta make no difference."""
    assert fingerprint(one) == fingerprint(two)


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_not_same(one: Any, two: Any) -> None:
    """Case, indents, roles, arguments, pictures and where one message ends do."""
    assert fingerprint(one) != fingerprint(two)


def test_normalized_once_is_normalized() -> None:
    """Normalizing again changes nothing."""
    text = "\n\n a \r\n\r\n\r\n\tb\u00a0\ne\u0301\n\n"
    assert normalized(normalized(text)) == normalized(text) == " a\n\n\tb\n\u00e9"
