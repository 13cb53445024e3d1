"""Token counts of examples, as `curate/lengths` gives them."""

from collections.abc import Callable

from turnsmith.core.chat import Example


def token_counter(tokenizer: str | None, chat_template: str | None) -> Callable[[Example], int]:
    """Return a function from an example to its tokens; without a tokenizer the embedded vocabulary counts.

    Raises UsageError for a tokenizer or template that can't be found.
    """
    import importlib

    # Loaded late: vocabularies are large, and most cleanings count no tokens.
    counter: Callable[..., Callable[[Example], int]] = importlib.import_module(
        "turnsmith.curate.lengths"
    ).counter
    return counter(tokenizer, chat_template)
