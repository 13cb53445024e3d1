"""Count anew what a model wrote, where a source's own figure can't be trusted."""

import functools
from collections.abc import Callable

from turnsmith.sources.logs.transcript import Message

VOCABULARY = "o200k"


def completion_tokens(message: Message) -> int | None:
    """Return the tokens of a message's reasoning, text and tool calls; None without the extra `tokens`.

    They are those of the embedded vocabulary: close to the model's own, which is not public.
    """
    count = _counter()
    if count is None:
        return None
    calls = sum(count(call.name) + count(call.arguments) for call in message.tool_calls)
    return count(message.reasoning) + count(message.text) + calls


@functools.cache
def _counter() -> Callable[[str], int] | None:
    from turnsmith.curate.lengths.embedded import EmbeddedTokenizer

    try:
        return EmbeddedTokenizer().count_content
    except ModuleNotFoundError:
        return None
